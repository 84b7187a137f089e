#include "sinks/gateway_sim/tencent_sim.h"

#include <algorithm>
#include <charconv>

#include "schemas/json_decode.h"
#include "sinks/digest.h"
#include "sinks/tencent/signature.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kVersion = "2021-01-11";
constexpr std::size_t kMaxSent = 100'000;
constexpr std::size_t kMaxPhones = 200;  // of the API

std::string_view header(const HttpRequest& request, std::string_view name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string_view() : std::string_view(found->second);
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

bool is_mainland(std::string_view phone) {
    if (!phone.starts_with("+86") || phone.size() != 14 || phone[3] != '1' || phone[4] < '3')
        return false;
    return std::all_of(phone.begin() + 1, phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct PullParams {
    std::int64_t begin = 0;
    std::int64_t offset = 0;
    std::int64_t limit = 0;
    std::string_view phone;
    std::string_view app_id;

    template <class V>
    void members(V& v) {
        v.required("BeginTime", begin);
        v.required("Offset", offset);
        v.required("Limit", limit);
        v.required("PhoneNumber", phone);
        v.required("SmsSdkAppId", app_id);
    }
};

}  // namespace

struct TencentSim::SendParams {
    std::vector<std::string_view> phones;
    std::string_view app_id, template_id, sign, context;
    std::vector<std::string_view> params;

    template <class V>
    void members(V& v) {
        v.required("PhoneNumberSet", phones);
        v.required("SmsSdkAppId", app_id);
        v.required("TemplateId", template_id);
        v("SignName", sign);
        v("TemplateParamSet", params);
        v("SessionContext", context);
    }
};

TencentSim::TencentSim(TencentSimConfig config, const Clock& clock, SimBooks& books,
                       ReceiptPusher& pusher)
    : config_(std::move(config)), clock_(clock), books_(books), pusher_(pusher) {}

void TencentSim::handle(const HttpRequest& request, Respond respond) {
    if (const auto refusal = authenticate(request)) return respond(error(*refusal));
    const std::string_view action = header(request, "x-tc-action");
    if (action == "SendSms") return send_sms(request, std::move(respond));
    if (action == "PullSmsSendStatusByPhoneNumber") return respond(pull_status(request));
    respond(error({"InvalidAction", "The request action is not found."}));
}

std::optional<TencentSim::Refusal> TencentSim::authenticate(const HttpRequest& request) const {
    if (header(request, "x-tc-version") != kVersion)
        return Refusal{"NoSuchVersion", "The API version does not exist."};
    const std::string_view stamp = header(request, "x-tc-timestamp");
    Tc3Request to_verify;
    std::from_chars(stamp.data(), stamp.data() + stamp.size(), to_verify.timestamp);
    const auto skew = clock_.now() - LogTime(to_verify.timestamp * 1'000'000);
    if (skew > config_.skew || skew < -config_.skew)
        return Refusal{"AuthFailure.SignatureExpire", "The request is older than 5 minutes."};
    const auto given = parse_tc3_authorization(header(request, "authorization"));
    if (!given) return Refusal{"AuthFailure.InvalidAuthorization", given.error().message()};
    if (config_.secret_id.empty() || given->secret_id != config_.secret_id)
        return Refusal{"AuthFailure.SecretIdNotFound", "The SecretId is not found."};
    for (const std::string_view needed : {"content-type", "host"})
        if (std::find(given->signed_headers.begin(), given->signed_headers.end(), needed) ==
            given->signed_headers.end())
            return Refusal{"AuthFailure.SignatureFailure",
                           "SignedHeaders lacks " + std::string(needed) + "."};
    for (const auto& name : given->signed_headers)
        to_verify.signed_headers.emplace_back(name, header(request, name));
    to_verify.body = request.body;
    if (given->scope != tc3_scope(to_verify) ||
        !same_secret(given->signature, tc3_signature(to_verify, config_.secret_key)))
        return Refusal{"AuthFailure.SignatureFailure",
                       "The provided credentials could not be validated."};
    return std::nullopt;
}

HttpResponse TencentSim::error(const Refusal& refusal) {
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("Response");
    json.begin_object();
    json.key("Error");
    json.begin_object();
    json.field("Code", refusal.code);
    json.field("Message", refusal.message);
    json.end_object();
    json.field("RequestId", books_.next_id());
    json.end_object();
    json.end_object();
    return response;
}

void TencentSim::send_sms(const HttpRequest& request, Respond respond) {
    const auto failure = books_.next_failure("sms");
    const auto as = [&](SimFailure kind) { return failure && failure->as == kind; };
    if (as(SimFailure::Timeout)) return books_.hold(std::move(respond));
    if (as(SimFailure::Error)) return respond(error({"InternalError.OtherError", "Other error."}));
    schemas::Decoder decoder;
    const auto params = schemas::decode<SendParams>(request.body, decoder);
    if (!params) return respond(error({"InvalidParameter", params.error().message()}));
    if (const auto refusal = check(*params)) return respond(error(*refusal));
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("Response");
    json.begin_object();
    json.key("SendStatusSet");
    json.begin_array();
    for (const std::string_view number : params->phones) {
        const std::string phone(number);
        auto refusal = check_number(phone);
        if (as(SimFailure::Limit))
            refusal = {"LimitExceeded.PhoneNumberThirtySecondLimit", "over the limit of 30 s"};
        if (as(SimFailure::Code)) refusal = {failure->code, "as planned"};
        const std::string serial =
            refusal ? std::string() : take(*params, phone, !as(SimFailure::Undelivered));
        json.begin_object();
        json.field("SerialNo", serial);
        json.field("PhoneNumber", phone);
        json.field("Fee", refusal ? 0 : 1);
        json.field("SessionContext", params->context);
        json.field("Code", refusal ? std::string_view(refusal->code) : std::string_view("Ok"));
        json.field("Message",
                   refusal ? std::string_view(refusal->message) : std::string_view("send success"));
        json.field("IsoCode", "CN");
        json.end_object();
    }
    json.end_array();
    json.field("RequestId", books_.next_id());
    json.end_object();
    json.end_object();
    if (as(SimFailure::AfterSend)) return books_.hold(std::move(respond));
    respond(std::move(response));
}

std::optional<TencentSim::Refusal> TencentSim::check(const SendParams& params) const {
    if (params.phones.empty())
        return Refusal{"MissingParameter.EmptyPhoneNumberSet", "PhoneNumberSet is empty."};
    if (params.phones.size() > kMaxPhones)
        return Refusal{"LimitExceeded.PhoneNumberCountLimit", "At most 200 numbers."};
    if (params.app_id != config_.app_id)
        return Refusal{"UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId is unknown."};
    if (std::find(config_.signs.begin(), config_.signs.end(), params.sign) == config_.signs.end())
        return Refusal{"FailedOperation.SignatureIncorrectOrUnapproved", "SignName is unknown."};
    const auto wanted =
        std::find_if(config_.templates.begin(), config_.templates.end(),
                     [&](const auto& entry) { return entry.id == params.template_id; });
    if (wanted == config_.templates.end())
        return Refusal{"FailedOperation.TemplateIncorrectOrUnapproved", "TemplateId is unknown."};
    if (wanted->params != params.params.size())
        return Refusal{"FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
                       "The template has other parameters."};
    for (const std::string_view value : params.params) {
        if (value.find("://") != std::string_view::npos)
            return Refusal{"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
                           "A parameter holds a URL."};
        if (characters(value) > config_.param_characters)
            return Refusal{"InvalidParameterValue.TemplateParameterLengthLimit",
                           "A parameter is too long."};
    }
    return std::nullopt;
}

std::optional<TencentSim::Refusal> TencentSim::check_number(const std::string& phone) const {
    if (!is_mainland(phone))
        return Refusal{"InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number"};
    const LogTime now = clock_.now();
    int half_minute = 0, hour = 0, day = 0;
    const std::lock_guard lock(mutex_);
    for (auto entry = sent_.rbegin(); entry != sent_.rend() && now - entry->at < 24h; ++entry) {
        if (entry->phone != phone) continue;
        ++day;
        if (now - entry->at < 1h) ++hour;
        if (now - entry->at < 30s) ++half_minute;
    }
    if (half_minute >= config_.per_30_seconds)
        return Refusal{"LimitExceeded.PhoneNumberThirtySecondLimit", "over the limit of 30 s"};
    if (hour >= config_.per_hour)
        return Refusal{"LimitExceeded.PhoneNumberOneHourLimit", "over the limit of an hour"};
    if (day >= config_.per_day)
        return Refusal{"LimitExceeded.PhoneNumberDailyLimit", "over the limit of a day"};
    return std::nullopt;
}

std::string TencentSim::take(const SendParams& params, const std::string& phone, bool delivered) {
    SimMessage message;
    message.channel = "sms";
    message.provider = "tencent";
    message.to = phone;
    message.template_code = params.template_id;
    schemas::JsonWriter json(message.params);
    json.begin_array();
    for (const auto value : params.params) json.value(value);
    json.end_array();
    message.echo = params.context;
    message.intent = intent_in(message.echo);
    message.at = clock_.now();
    message.provider_id =
        std::to_string(message.at.micros()) + ":" + std::to_string(books_.next_number());
    const std::string serial = message.provider_id;
    pusher_.add({phone.substr(3), serial, message.echo, message.at, delivered});
    {
        const std::lock_guard lock(mutex_);
        if (sent_.size() == kMaxSent) sent_.pop_front();
        sent_.push_back({phone, serial, message.echo, message.at, delivered});
    }
    books_.add(std::move(message));
    return serial;
}

HttpResponse TencentSim::pull_status(const HttpRequest& request) const {
    schemas::Decoder decoder;
    const auto params = schemas::decode<PullParams>(request.body, decoder);
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("Response");
    json.begin_object();
    json.key("PullSmsSendStatusSet");
    json.begin_array();
    const LogTime now = clock_.now();
    std::int64_t at = 0;
    const std::lock_guard lock(mutex_);
    for (const Sent& entry : sent_) {
        const bool reported = now - entry.at >= config_.receipt_delay;
        if (!params || !reported || entry.phone != params->phone ||
            entry.at < LogTime(params->begin * 1'000'000))
            continue;
        if (at++ < params->offset || at > params->offset + params->limit) continue;
        json.begin_object();
        json.field("UserReceiveTime", (entry.at + config_.receipt_delay).micros() / 1'000'000);
        json.field("CountryCode", "86");
        json.field("SubscriberNumber", entry.phone.substr(3));
        json.field("PhoneNumber", entry.phone);
        json.field("SerialNo", entry.serial_no);
        json.field("ReportStatus", entry.delivered ? "SUCCESS" : "FAIL");
        json.field("Description", entry.delivered ? "用户短信送达成功" : "空号");
        json.field("SessionContext", entry.context);
        json.end_object();
    }
    json.end_array();
    json.field("RequestId", IdHash().part("pull").part(now.micros()).finish().to_string());
    json.end_object();
    json.end_object();
    return response;
}

}  // namespace vitalog::sinks
