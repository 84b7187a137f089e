#include "sinks/wechat/client.h"

#include "schemas/json.h"
#include "sinks/aliyun/signature.h"
#include "sinks/effects/no_answer.h"
#include "sinks/wechat/answer.h"

namespace vitalog::sinks {
namespace {

SendOutcome without_token(const Error& error) {
    SendOutcome out;
    out.state = schemas::ReceiptState::NotSent;
    out.code = "no-token";
    out.message = error.message();
    out.retryable = error.retryable();
    out.configuration = !error.retryable();
    return out;
}

}  // namespace

std::string WechatTemplates::send_body(const Attempt& attempt) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("touser", attempt.to);
    json.field("template_id", attempt.template_code);
    if (!attempt.url.empty()) json.field("url", attempt.url);
    json.field("client_msg_id", attempt.resend ? attempt.attempt : attempt.intent);
    json.key("data");
    json.begin_object();
    for (const auto& [key, value] : attempt.params) {
        json.key(key);
        json.begin_object();
        json.field("value", value);
        json.end_object();
    }
    json.end_object();
    json.end_object();
    return body;
}

HttpOutcome WechatTemplates::post(const std::string& token, const std::string& body) {
    const std::string base =
        config_.url.ends_with('/') ? config_.url.substr(0, config_.url.size() - 1) : config_.url;
    return clients_.send(
        {"POST",
         base + "/cgi-bin/message/template/send?access_token=" + rfc3986_escape(token),
         {{"Content-Type", "application/json; charset=utf-8"}},
         body});
}

SendOutcome WechatTemplates::send(const Attempt& attempt) {
    auto token = token_.get();
    if (!token) return without_token(token.error());
    const std::string body = send_body(attempt);
    auto answer = post(*token, body);
    const auto errcode =
        answer.fate == HttpFate::Answered ? errcode_of(answer.response.body) : std::int64_t{0};
    if (errcode && is_token_error(*errcode)) {
        token = token_.instead_of(*token);
        if (!token) return without_token(token.error());
        answer = post(*token, body);
    }
    if (answer.fate == HttpFate::Answered)
        return classify_wechat_send(answer.response.status, answer.response.body);
    return without_answer(answer);
}

}  // namespace vitalog::sinks
