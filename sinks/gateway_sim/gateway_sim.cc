#include "sinks/gateway_sim/gateway_sim.h"

#include <algorithm>
#include <charconv>

#include "schemas/json_decode.h"
#include "sinks/aliyun/client.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kVersion = "2017-05-25";
constexpr std::size_t kMaxSent = 200'000;  // kept for queries; the oldest half goes beyond
constexpr std::size_t kMaxPhones = 1'000;  // of the API
constexpr std::int64_t kMaxPageSize = 50;

std::string_view header(const HttpRequest& request, std::string_view name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view param(const HttpRequest& request, std::string_view name) {
    return request.query_value(name).value_or(std::string_view());
}

std::int64_t whole(std::string_view text, std::int64_t otherwise) {
    std::int64_t value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string bare_number(std::string_view phone) {
    for (const std::string_view prefix : {"+86", "0086", "86"})
        if (phone.starts_with(prefix) && phone.size() == prefix.size() + 11)
            return std::string(phone.substr(prefix.size()));
    return std::string(phone);
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

bool holds_url(std::string_view text) {
    return text.find("://") != std::string_view::npos ||
           text.find("www.") != std::string_view::npos;
}

HttpResponse answer(int status, std::string_view code, std::string_view message,
                    const std::string& request_id, std::string_view biz_id = {}) {
    HttpResponse response;
    response.status = status;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("Code", code);
    json.field("Message", message);
    if (!biz_id.empty()) json.field("BizId", biz_id);
    json.field("RequestId", request_id);
    if (status != 200) json.field("HostId", "dysmsapi.simulated");
    json.end_object();
    return response;
}

/// The members of a JSON object of strings; Malformed otherwise.
Result<std::vector<std::pair<std::string, std::string>>> read_strings(std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    const auto broken = [] {
        return fail(Errc::Malformed, "TemplateParam must be a JSON object of strings");
    };
    if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return broken();
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto field : object) {
        std::string_view text;
        if (field.value.get(text) != simdjson::SUCCESS) return broken();
        out.emplace_back(field.key, text);
    }
    return out;
}

TencentSimConfig with_delay(TencentSimConfig config, std::chrono::milliseconds delay) {
    config.receipt_delay = delay;
    return config;
}

}  // namespace

bool is_mainland_mobile(std::string_view phone) {
    const std::string number = bare_number(phone);
    if (number.size() != 11 || number[0] != '1' || number[1] < '3') return false;
    return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

GatewaySim::GatewaySim(GatewaySimConfig config, const Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      books_(clock),
      aliyun_receipts_(aliyun_receipts(receipts_url(config_.receipts_to, "aliyun")),
                       config_.receipt_delay, clock),
      tencent_receipts_(tencent_receipts(receipts_url(config_.receipts_to, "tencent")),
                        config_.receipt_delay, clock),
      wechat_receipts_(wechat_receipts(receipts_url(config_.receipts_to, "wechat"),
                                       config_.callback_token, "gh_simulated"),
                       config_.receipt_delay, clock),
      tencent_(with_delay(config_.tencent, config_.receipt_delay), clock, books_,
               tencent_receipts_),
      wechat_(config_.wechat, clock, books_, wechat_receipts_),
      wecom_(config_.wecom, clock, books_) {}

GatewaySim::~GatewaySim() {
    stop();
}

void GatewaySim::stop() {
    for (ReceiptPusher* pusher : {&aliyun_receipts_, &tencent_receipts_, &wechat_receipts_})
        pusher->stop();
    books_.release();
}

std::size_t GatewaySim::sent_count() const {
    return books_.count();
}

void GatewaySim::register_routes(Router& router) {
    const auto api = [this](HttpRequest request, Respond respond) {
        handle(std::move(request), std::move(respond));
    };
    router.route("POST", "/", api);
    router.route("GET", "/", api);
    wechat_.register_routes(router);
    wecom_.register_routes(router);
    router.route("GET", "/sent",
                 [this](HttpRequest, Respond respond) { respond(books_.sent_list()); });
    router.route("POST", "/fail", [this](HttpRequest request, Respond respond) {
        respond(books_.plan_failures(request));
    });
    router.route("GET", "/healthz", [](HttpRequest, Respond respond) {
        HttpResponse ready;
        ready.body = R"({"status":"ready"})";
        respond(std::move(ready));
    });
}

void GatewaySim::handle(HttpRequest request, Respond respond) {
    if (!header(request, "x-tc-action").empty())
        return tencent_.handle(request, std::move(respond));
    if (const auto refusal = authenticate(request))
        return respond(answer(refusal->status, refusal->code, refusal->message, books_.next_id()));
    const std::string_view action = header(request, "x-acs-action");
    if (action == "SendSms") return send_sms(request, std::move(respond));
    if (action == "QuerySendDetails") return respond(query_details(request));
    respond(answer(404, "InvalidAction.NotFound", "Specified api is not found.", books_.next_id()));
}

GatewaySim::Checked GatewaySim::authenticate(const HttpRequest& request) {
    if (header(request, "x-acs-version") != kVersion)
        return Refusal{400, "InvalidVersion", "Specified parameter Version is not valid."};
    const auto date = parse_rfc3339(header(request, "x-acs-date"));
    if (!date)
        return Refusal{400, "InvalidTimeStamp.Format",
                       "Specified time stamp or date value is not well formatted."};
    const auto skew = clock_.now() - LogTime(*date);
    if (skew > config_.limits.date_skew || skew < -config_.limits.date_skew)
        return Refusal{400, "InvalidTimeStamp.Expired",
                       "Specified time stamp or date value is expired."};
    if (auto refusal = check_signature(request)) return refusal;
    return check_nonce(request);
}

GatewaySim::Checked GatewaySim::check_signature(const HttpRequest& request) const {
    const auto authorization = parse_acs3_authorization(header(request, "authorization"));
    if (!authorization) return Refusal{400, "IncompleteSignature", authorization.error().message()};
    if (authorization->key_id != config_.key_id || config_.key_id.empty())
        return Refusal{404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."};
    const std::string body_hash = sha256_hex(request.body);
    if (header(request, "x-acs-content-sha256") != body_hash)
        return Refusal{400, "SignatureDoesNotMatch",
                       "x-acs-content-sha256 is not the SHA-256 of the body."};
    Acs3Request signed_parts;
    signed_parts.method = request.method;
    signed_parts.query = request.query;
    signed_parts.body_sha256 = body_hash;
    for (const auto& name : authorization->signed_headers)
        signed_parts.signed_headers.emplace_back(name, header(request, name));
    for (const std::string_view needed :
         {"host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"})
        if (std::find(authorization->signed_headers.begin(), authorization->signed_headers.end(),
                      needed) == authorization->signed_headers.end())
            return Refusal{400, "SignatureDoesNotMatch",
                           "SignedHeaders lacks " + std::string(needed) + "."};
    const std::string expected = acs3_signature(signed_parts, config_.key_secret);
    if (!same_secret(expected, authorization->signature))
        return Refusal{400, "SignatureDoesNotMatch",
                       "Specified signature is not matched with our calculation."};
    return std::nullopt;
}

GatewaySim::Checked GatewaySim::check_nonce(const HttpRequest& request) {
    const std::string nonce(header(request, "x-acs-signature-nonce"));
    if (nonce.empty())
        return Refusal{400, "MissingSignatureNonce", "x-acs-signature-nonce is required."};
    const LogTime now = clock_.now();
    const std::lock_guard lock(mutex_);
    // Kept twice the skew: an older date is refused by itself.
    if (nonces_.size() % 1'024 == 1'023)
        std::erase_if(nonces_, [&](const auto& entry) {
            return now - entry.second > 2 * config_.limits.date_skew;
        });
    if (!nonces_.emplace(nonce, now).second)
        return Refusal{400, "SignatureNonceUsed", "Specified signature nonce was used already."};
    return std::nullopt;
}

void GatewaySim::send_sms(const HttpRequest& request, Respond respond) {
    const auto failure = books_.next_failure("sms");
    const auto as = [&](SimFailure kind) { return failure && failure->as == kind; };
    if (as(SimFailure::Timeout)) return books_.hold(std::move(respond));
    if (as(SimFailure::Error))
        return respond(answer(200, "isp.SYSTEM_ERROR", "SYSTEM_ERROR", books_.next_id()));
    if (as(SimFailure::Limit))
        return respond(answer(200, "isv.BUSINESS_LIMIT_CONTROL", "触发流控", books_.next_id()));
    if (as(SimFailure::Code))
        return respond(answer(200, failure->code, "as planned", books_.next_id()));
    std::vector<std::string> phones;
    if (const auto refusal = check_message(request, phones))
        return respond(answer(refusal->status, refusal->code, refusal->message, books_.next_id()));
    const std::string biz_id = take(request, phones, !as(SimFailure::Undelivered));
    if (as(SimFailure::AfterSend)) return books_.hold(std::move(respond));
    respond(answer(200, "OK", "OK", books_.next_id(), biz_id));
}

GatewaySim::Checked GatewaySim::check_message(const HttpRequest& request,
                                              std::vector<std::string>& phones) const {
    for (const std::string_view name : {"PhoneNumbers", "SignName", "TemplateCode"})
        if (param(request, name).empty())
            return Refusal{400, "Missing" + std::string(name),
                           std::string(name) + " is mandatory for this action."};
    std::string_view list = param(request, "PhoneNumbers");
    while (true) {
        const std::size_t comma = list.find(',');
        const std::string_view phone = list.substr(0, comma);
        if (!is_mainland_mobile(phone))
            return Refusal{200, "isv.MOBILE_NUMBER_ILLEGAL", "非法手机号"};
        phones.push_back(bare_number(phone));
        if (comma == std::string_view::npos) break;
        list.remove_prefix(comma + 1);
    }
    if (phones.size() > kMaxPhones)
        return Refusal{200, "isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制"};
    const std::string sign(param(request, "SignName"));
    if (std::find(config_.signs.begin(), config_.signs.end(), sign) == config_.signs.end())
        return Refusal{200, "isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名"};
    const SimTemplate* wanted = find_template(param(request, "TemplateCode"));
    if (wanted == nullptr)
        return Refusal{200, "isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板"};
    if (auto refusal = check_params(*wanted, param(request, "TemplateParam"))) return refusal;
    for (const std::string& phone : phones)
        if (auto refusal = check_limits(*wanted, sign, phone)) return refusal;
    return std::nullopt;
}

GatewaySim::Checked GatewaySim::check_params(const SimTemplate& wanted,
                                             std::string_view json) const {
    const auto given = read_strings(json.empty() ? "{}" : json);
    if (!given) return Refusal{200, "isv.INVALID_JSON_PARAM", "参数格式错误，请修改为字符串值"};
    for (const std::string& variable : wanted.variables) {
        const auto found = std::find_if(given->begin(), given->end(),
                                        [&](const auto& pair) { return pair.first == variable; });
        if (found == given->end() || found->second.empty())
            return Refusal{200, "isv.TEMPLATE_MISSING_PARAMETERS", "模版缺少变量: " + variable};
    }
    for (const auto& [name, value] : *given) {
        if (holds_url(value))
            return Refusal{200, "isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL: " + name};
        if (characters(value) > config_.limits.param_characters)
            return Refusal{200, "isv.PARAM_LENGTH_LIMIT", "参数超过长度限制: " + name};
    }
    return std::nullopt;
}

int GatewaySim::recent(const std::string& phone, const std::string& sign,
                       const std::string* template_code, std::chrono::microseconds within) const {
    const LogTime now = clock_.now();
    int count = 0;
    for (auto entry = sent_.rbegin(); entry != sent_.rend() && now - entry->at < within; ++entry) {
        if (entry->phone != phone || entry->sign != sign) continue;
        const SimTemplate* used = find_template(entry->template_code);
        if (template_code != nullptr ? entry->template_code == *template_code
                                     : used != nullptr && used->one_time_code)
            ++count;
    }
    return count;
}

GatewaySim::Checked GatewaySim::check_limits(const SimTemplate& wanted, const std::string& sign,
                                             const std::string& phone) const {
    const auto over = [](std::string_view span) {
        return Refusal{200, "isv.BUSINESS_LIMIT_CONTROL", "触发" + std::string(span) + "级流控"};
    };
    const SimLimits& limits = config_.limits;
    const std::lock_guard lock(mutex_);
    if (!wanted.one_time_code) {
        if (recent(phone, sign, &wanted.code, 24h) >= limits.same_template_per_day)
            return over("天");
        return std::nullopt;
    }
    if (recent(phone, sign, nullptr, 1min) >= limits.code_per_minute) return over("分钟");
    if (recent(phone, sign, nullptr, 1h) >= limits.code_per_hour) return over("小时");
    if (recent(phone, sign, nullptr, 24h) >= limits.code_per_day) return over("天");
    return std::nullopt;
}

std::string GatewaySim::take(const HttpRequest& request, const std::vector<std::string>& phones,
                             bool delivered) {
    Sent sent;
    sent.sign = param(request, "SignName");
    sent.template_code = param(request, "TemplateCode");
    sent.out_id = param(request, "OutId");
    sent.at = clock_.now();
    sent.biz_id = std::to_string(sent.at.micros()) + std::to_string(books_.next_number()) + "^0";
    sent.delivered = delivered;
    const std::lock_guard lock(mutex_);
    if (sent_.size() >= kMaxSent) sent_.erase(sent_.begin(), sent_.begin() + kMaxSent / 2);
    for (const std::string& phone : phones) {
        sent.phone = phone;
        sent_.push_back(sent);
        aliyun_receipts_.add({phone, sent.biz_id, sent.out_id, sent.at, delivered});
        SimMessage message;
        message.channel = "sms";
        message.provider = "aliyun";
        message.to = phone;
        message.template_code = sent.template_code;
        message.params = param(request, "TemplateParam");
        message.echo = sent.out_id;
        message.intent = intent_in(sent.out_id);
        message.provider_id = sent.biz_id;
        message.at = sent.at;
        books_.add(std::move(message));
    }
    return sent.biz_id;
}

HttpResponse GatewaySim::query_details(const HttpRequest& request) const {
    const std::string phone = bare_number(param(request, "PhoneNumber"));
    const std::string_view day = param(request, "SendDate");
    const std::string_view biz_id = param(request, "BizId");
    const std::int64_t size =
        std::clamp<std::int64_t>(whole(param(request, "PageSize"), 10), 1, kMaxPageSize);
    const std::int64_t page = std::max<std::int64_t>(1, whole(param(request, "CurrentPage"), 1));
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("Code", "OK");
    json.field("Message", "OK");
    json.field("RequestId",
               IdHash().part(header(request, "x-acs-signature-nonce")).finish().to_string());
    json.key("SmsSendDetailDTOs");
    json.begin_object();
    json.key("SmsSendDetailDTO");
    json.begin_array();
    std::int64_t total = 0;
    const LogTime now = clock_.now();
    const std::lock_guard lock(mutex_);
    for (auto entry = sent_.rbegin(); entry != sent_.rend(); ++entry) {
        if (entry->phone != phone || china_day(entry->at) != day) continue;
        if (!biz_id.empty() && entry->biz_id != biz_id) continue;
        if (total++ / size + 1 != page) continue;
        const bool reported = now - entry->at >= config_.receipt_delay;
        const bool delivered = reported && entry->delivered;
        json.begin_object();
        json.field("PhoneNum", entry->phone);
        json.field("OutId", entry->out_id);
        json.field("TemplateCode", entry->template_code);
        json.field("SendStatus", delivered ? 3 : reported ? 2 : 1);
        json.field("ErrCode", delivered ? "DELIVERED" : reported ? "MK:0001" : "");
        json.field("SendDate", china_time(entry->at));
        if (reported) json.field("ReceiveDate", china_time(entry->at + config_.receipt_delay));
        json.field("Content", "【" + entry->sign + "】");
        json.end_object();
    }
    json.end_array();
    json.end_object();
    json.field("TotalCount", total);
    json.end_object();
    return response;
}

const SimTemplate* GatewaySim::find_template(std::string_view code) const {
    for (const SimTemplate& entry : config_.templates)
        if (entry.code == code) return &entry;
    return nullptr;
}

}  // namespace vitalog::sinks
