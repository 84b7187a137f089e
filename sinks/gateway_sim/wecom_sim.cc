#include "sinks/gateway_sim/wecom_sim.h"

#include <algorithm>

#include "schemas/json_decode.h"

namespace vitalog::sinks {
namespace {

struct RobotText {
    std::string_view content;
    std::vector<std::string_view> mentioned_mobile_list;

    template <class V>
    void members(V& v) {
        v.required("content", content);
        v("mentioned_mobile_list", mentioned_mobile_list);
    }
};

struct RobotMessage {
    std::string_view msgtype;
    RobotText text;

    template <class V>
    void members(V& v) {
        v.required("msgtype", msgtype);
        v.required("text", text);
    }
};

HttpResponse answer(std::int64_t errcode, std::string_view errmsg) {
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("errcode", errcode);
    json.field("errmsg", errmsg);
    json.end_object();
    return response;
}

}  // namespace

void WecomSim::register_routes(Router& router) {
    router.route("POST", "/cgi-bin/webhook/send", [this](HttpRequest request, Respond respond) {
        send(request, std::move(respond));
    });
}

void WecomSim::send(const HttpRequest& request, Respond respond) {
    const std::string key(request.query_value("key").value_or(""));
    const auto robot = std::find_if(config_.robots.begin(), config_.robots.end(),
                                    [&](const auto& entry) { return entry.second == key; });
    if (key.empty() || robot == config_.robots.end())
        return respond(answer(93000, "invalid webhook url"));
    const auto failure = books_.next_failure("wecom");
    const auto as = [&](SimFailure kind) { return failure && failure->as == kind; };
    if (as(SimFailure::Timeout)) return books_.hold(std::move(respond));
    if (as(SimFailure::Error)) return respond(answer(-1, "system busy"));
    if (as(SimFailure::Code))
        return respond(answer(std::strtol(failure->code.c_str(), nullptr, 10), "as planned"));
    schemas::Decoder decoder;
    const auto message = schemas::decode<RobotMessage>(request.body, decoder);
    if (!message || message->msgtype != "text")
        return respond(answer(40008, "invalid message type"));
    if (message->text.content.empty()) return respond(answer(44004, "empty content"));
    if (message->text.content.size() > config_.content_bytes)
        return respond(answer(40058, "content exceed max length 2048"));
    const LogTime now = clock_.now();
    {
        const std::lock_guard lock(mutex_);
        auto& recent = recent_[robot->first];
        std::erase_if(recent, [&](LogTime at) { return now - at >= std::chrono::minutes(1); });
        if (as(SimFailure::Limit) || recent.size() >= static_cast<std::size_t>(config_.per_minute))
            return respond(answer(45009, "api freq out of limit"));
        recent.push_back(now);
    }
    SimMessage sent;
    sent.channel = sent.provider = "wecom";
    sent.to = robot->first;
    sent.template_code = "text";
    sent.params = request.body;
    sent.at = now;
    books_.add(std::move(sent));
    if (as(SimFailure::AfterSend)) return books_.hold(std::move(respond));
    respond(answer(0, "ok"));
}

}  // namespace vitalog::sinks
