#include "sinks/wecom/client.h"

#include "schemas/json.h"
#include "sinks/aliyun/signature.h"
#include "sinks/effects/no_answer.h"
#include "sinks/wechat/answer.h"

namespace vitalog::sinks {

Result<void> check(const WecomConfig& config) {
    const auto url = parse_url(config.url);
    if (!url) return fail(Errc::Configuration, "notify.wecom.url: " + url.error().message());
    if (url->target != "/")
        return fail(Errc::Configuration, "notify.wecom.url: leave the path away");
    if (config.robots.empty())
        return fail(Errc::Configuration,
                    "notify.wecom.url needs VITALOG_WECOM_ROBOTS (NAME=KEY,NAME=KEY) in the "
                    "environment or in secrets.file");
    return {};
}

SendOutcome WecomRobots::send(const Attempt& attempt) {
    const std::size_t bar = std::min(attempt.to.find('|'), attempt.to.size());
    const std::string robot = attempt.to.substr(0, bar);
    const std::string phone = attempt.to.substr(std::min(bar + 1, attempt.to.size()));
    const auto key = config_.robots.find(robot);
    SendOutcome out;
    if (key == config_.robots.end()) {
        out.state = schemas::ReceiptState::NotSent;
        out.code = "unknown-robot";
        out.message = "VITALOG_WECOM_ROBOTS has no robot '" + robot + "'";
        out.configuration = true;
        return out;
    }
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("msgtype", "text");
    json.key("text");
    json.begin_object();
    json.field("content", attempt.text);
    if (!phone.empty()) {
        json.key("mentioned_mobile_list");
        json.begin_array();
        json.value(phone);
        json.end_array();
    }
    json.end_object();
    json.end_object();
    const std::string base =
        config_.url.ends_with('/') ? config_.url.substr(0, config_.url.size() - 1) : config_.url;
    const auto answer =
        clients_.send({"POST",
                       base + "/cgi-bin/webhook/send?key=" + rfc3986_escape(key->second),
                       {{"Content-Type", "application/json; charset=utf-8"}},
                       std::move(body)});
    if (answer.fate == HttpFate::Answered)
        return classify_wecom_send(answer.response.status, answer.response.body);
    return without_answer(answer);
}

}  // namespace vitalog::sinks
