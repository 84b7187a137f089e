#include "sinks/aliyun/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "schemas/json.h"
#include "sinks/aliyun/answer.h"
#include "sinks/effects/no_answer.h"

namespace vitalog::sinks {
namespace {

constexpr std::string_view kVersion = "2017-05-25";
constexpr std::int64_t kPageSize = 50;  // the API's largest
constexpr std::int64_t kMaxPages = 20;
constexpr std::chrono::hours kChinaOffset{8};
constexpr std::chrono::hours kDay{24};
constexpr int kDaysKept = 30;  // QuerySendDetails reaches back 30 days

std::string params_json(const Attempt& attempt) {
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_object();
    for (const auto& [name, value] : attempt.params) json.field(name, value);
    json.end_object();
    return out;
}

/// "2026-11-21T06:45:56Z": whole seconds.
std::string acs_date(LogTime at) {
    return to_rfc3339(at.micros() / 1'000'000 * 1'000'000);
}

std::string with_slash(const std::string& url) {
    return url.ends_with('/') ? url : url + "/";
}

}  // namespace

std::string china_day(LogTime at) {
    const std::string text = to_rfc3339(at + kChinaOffset);
    return text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2);
}

std::string china_time(LogTime at) {
    const std::string text = to_rfc3339(at + kChinaOffset);
    return text.substr(0, 10) + " " + text.substr(11, 8);
}

Result<void> check(const AliyunConfig& config) {
    const auto url = parse_url(config.url);
    if (!url) return fail(Errc::Configuration, "notify.aliyun.url: " + url.error().message());
    if (url->target != "/")
        return fail(Errc::Configuration, "notify.aliyun.url: leave the path away");
    if (config.key_id.empty() || config.key_secret.empty())
        return fail(Errc::Configuration,
                    "notify.mode=live needs VITALOG_ALIYUN_KEY_ID and VITALOG_ALIYUN_KEY_SECRET in "
                    "the environment");
    if (config.sign.empty()) return fail(Errc::Configuration, "the SMS sign is empty");
    return {};
}

AliyunSms::AliyunSms(AliyunConfig config, const Clock& wall)
    : config_(std::move(config)),
      wall_(wall),
      clients_(client_options(config_.connect_timeout, config_.timeout, config_.ca_file)) {}

ClientRequest AliyunSms::signed_request(const AliyunConfig& config, std::string_view action,
                                        NameValues query, LogTime date, const std::string& nonce) {
    const auto url = parse_url(config.url);
    Acs3Request to_sign;
    to_sign.body_sha256 = sha256_hex("");
    to_sign.signed_headers = {{"host", url ? url->host_field() : ""},
                              {"x-acs-action", std::string(action)},
                              {"x-acs-content-sha256", to_sign.body_sha256},
                              {"x-acs-date", acs_date(date)},
                              {"x-acs-signature-nonce", nonce},
                              {"x-acs-version", std::string(kVersion)}};
    to_sign.query = std::move(query);
    ClientRequest request;
    request.method = to_sign.method;
    request.url = with_slash(config.url) + "?" + canonical_query(to_sign.query);
    for (const auto& [name, value] : to_sign.signed_headers)
        if (name != "host") request.headers.emplace_back(name, value);
    request.headers.emplace_back("Accept", "application/json");
    request.headers.emplace_back("Authorization",
                                 acs3_authorization(to_sign, config.key_id, config.key_secret));
    return request;
}

HttpOutcome AliyunSms::call(std::string_view action, NameValues query, std::string_view attempt) {
    const LogTime now = wall_.now();
    const std::string nonce =
        IdHash().part(attempt).part(now.micros()).part(++calls_).finish().to_string();
    return clients_.send(signed_request(config_, action, std::move(query), now, nonce));
}

SendOutcome AliyunSms::send(const Attempt& attempt) {
    NameValues query{{"PhoneNumbers", attempt.to},
                     {"SignName", attempt.sign.empty() ? config_.sign : attempt.sign},
                     {"TemplateCode", attempt.template_code},
                     {"OutId", attempt.echo()}};
    if (!attempt.params.empty()) query.emplace_back("TemplateParam", params_json(attempt));
    const auto answer = call("SendSms", std::move(query), attempt.attempt);
    if (answer.fate == HttpFate::Answered)
        return classify_send_answer(answer.response.status, answer.response.body);
    return without_answer(answer);
}

QueryOutcome AliyunSms::query(const Attempt& attempt, LogTime taken) {
    const LogTime now = wall_.now();
    std::set<std::string, std::greater<>> days{china_day(now), china_day(now - kDay)};
    if (taken <= now && now - taken < kDaysKept * kDay) days.insert(china_day(taken));
    QueryOutcome out;
    for (const std::string& day : days) {
        out = query_day(attempt, day);
        if (out.found != QueryOutcome::Found::No) return out;
    }
    return out;
}

QueryOutcome AliyunSms::query_day(const Attempt& attempt, const std::string& day) {
    for (std::int64_t page = 1; page <= kMaxPages; ++page) {
        NameValues query{{"PhoneNumber", attempt.to},
                         {"SendDate", day},
                         {"PageSize", std::to_string(kPageSize)},
                         {"CurrentPage", std::to_string(page)}};
        const auto answer = call("QuerySendDetails", std::move(query), attempt.attempt);
        if (answer.fate != HttpFate::Answered)
            return {.code = "unreachable", .message = answer.reason};
        auto details =
            read_send_details(answer.response.status, answer.response.body, attempt.echo());
        if (details.outcome.found != QueryOutcome::Found::No) return details.outcome;
        if (details.on_page == 0 || page * kPageSize >= details.total) return details.outcome;
    }
    return {.code = "too-many",
            .message = "more messages of one day to one number than can be looked through"};
}

void AliyunSms::abort() {
    clients_.abort();
}

}  // namespace vitalog::sinks
