#include "sinks/tencent/client.h"

#include <algorithm>

#include "schemas/json.h"
#include "sinks/effects/no_answer.h"
#include "sinks/tencent/answer.h"
#include "sinks/tencent/signature.h"

namespace vitalog::sinks {
namespace {

constexpr std::string_view kVersion = "2021-01-11";
constexpr std::string_view kContentType = "application/json";
constexpr std::size_t kPageSize = 100;  // the API's largest
constexpr std::size_t kMaxPages = 10;
constexpr std::chrono::minutes kMargin{10};  // between our clock and the provider's

std::string send_body(const TencentConfig& config, const Attempt& attempt) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.key("PhoneNumberSet");
    json.begin_array();
    json.value(e164(attempt.to));
    json.end_array();
    json.field("SmsSdkAppId", config.app_id);
    json.field("TemplateId", attempt.template_code);
    json.field("SignName", attempt.sign.empty() ? config.sign : attempt.sign);
    json.key("TemplateParamSet");
    json.begin_array();
    for (const auto& [name, value] : attempt.params) json.value(value);
    json.end_array();
    json.field("SessionContext", attempt.echo());
    json.end_object();
    return body;
}

std::string status_body(const TencentConfig& config, const Attempt& attempt, LogTime begin,
                        std::size_t offset) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("BeginTime", begin.micros() / 1'000'000);
    json.field("Offset", static_cast<std::int64_t>(offset));
    json.field("Limit", static_cast<std::int64_t>(kPageSize));
    json.field("PhoneNumber", e164(attempt.to));
    json.field("SmsSdkAppId", config.app_id);
    json.end_object();
    return body;
}

}  // namespace

std::string e164(std::string_view phone) {
    return phone.starts_with('+') ? std::string(phone) : "+86" + std::string(phone);
}

Result<void> check(const TencentConfig& config) {
    const auto url = parse_url(config.url);
    if (!url) return fail(Errc::Configuration, "notify.tencent.url: " + url.error().message());
    if (url->target != "/")
        return fail(Errc::Configuration, "notify.tencent.url: leave the path away");
    if (config.secret_id.empty() || config.secret_key.empty())
        return fail(Errc::Configuration,
                    "notify.sms.provider=tencent needs VITALOG_TENCENT_SECRET_ID and "
                    "VITALOG_TENCENT_SECRET_KEY in the environment or in secrets.file");
    if (config.app_id.empty())
        return fail(Errc::Configuration,
                    "notify.tencent.app_id: must be the application's SmsSdkAppId");
    if (config.sign.empty()) return fail(Errc::Configuration, "notify.tencent.sign is empty");
    return {};
}

TencentSms::TencentSms(TencentConfig config, const Clock& wall)
    : config_(std::move(config)),
      wall_(wall),
      clients_(client_options(config_.connect_timeout, config_.timeout, config_.ca_file)) {}

ClientRequest TencentSms::signed_request(const TencentConfig& config, std::string_view action,
                                         std::string body, LogTime at) {
    const auto url = parse_url(config.url);
    Tc3Request to_sign;
    to_sign.signed_headers = {{"content-type", std::string(kContentType)},
                              {"host", url ? url->host_field() : ""}};
    to_sign.body = body;
    to_sign.timestamp = at.micros() / 1'000'000;
    ClientRequest request;
    request.method = "POST";
    request.url = config.url.ends_with('/') ? config.url : config.url + "/";
    request.headers = {
        {"Content-Type", std::string(kContentType)},
        {"X-TC-Action", std::string(action)},
        {"X-TC-Timestamp", std::to_string(to_sign.timestamp)},
        {"X-TC-Version", std::string(kVersion)},
        {"X-TC-Region", config.region},
        {"X-TC-Language", "zh-CN"},
        {"Authorization", tc3_authorization(to_sign, config.secret_id, config.secret_key)}};
    request.body = std::move(body);
    return request;
}

SendOutcome TencentSms::send(const Attempt& attempt) {
    const auto answer =
        clients_.send(signed_request(config_, "SendSms", send_body(config_, attempt), wall_.now()));
    if (answer.fate == HttpFate::Answered)
        return classify_tencent_send(answer.response.status, answer.response.body);
    return without_answer(answer);
}

QueryOutcome TencentSms::query(const Attempt& attempt, LogTime taken) {
    QueryOutcome out;
    for (std::size_t page = 0; page < kMaxPages; ++page) {
        const LogTime now = wall_.now();
        const LogTime begin = std::min(taken, now) - kMargin;
        const auto answer = clients_.send(
            signed_request(config_, "PullSmsSendStatusByPhoneNumber",
                           status_body(config_, attempt, begin, page * kPageSize), now));
        if (answer.fate != HttpFate::Answered)
            return {.code = "unreachable", .message = answer.reason};
        auto statuses =
            read_tencent_statuses(answer.response.status, answer.response.body, attempt.echo());
        out = std::move(statuses.outcome);
        if (out.found == QueryOutcome::Found::Yes || statuses.on_page < kPageSize) break;
    }
    return out;
}

}  // namespace vitalog::sinks
