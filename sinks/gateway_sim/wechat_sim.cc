#include "sinks/gateway_sim/wechat_sim.h"

#include <algorithm>
#include <optional>

#include "schemas/base/ids.h"
#include "schemas/json_decode.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kDayMicros = 86'400'000'000;
constexpr auto kRepeatSpan = 10min;
constexpr std::size_t kMaxSeen = 100'000;

struct TokenRequest {
    std::string_view grant_type, appid, secret;
    bool force_refresh = false;

    template <class V>
    void members(V& v) {
        v.required("grant_type", grant_type);
        v.required("appid", appid);
        v.required("secret", secret);
        v("force_refresh", force_refresh);
    }
};

HttpResponse answer(std::int64_t errcode, std::string_view errmsg, std::int64_t msgid = 0) {
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("errcode", errcode);
    json.field("errmsg", errmsg);
    if (msgid != 0) json.field("msgid", msgid);
    json.end_object();
    return response;
}

bool is_openid(std::string_view text) {
    return text.size() >= 6 && text.size() <= 64 &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '_';
           });
}

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

/// Data as it came: key and the text of its "value". nullopt: of another form.
using Data = std::vector<std::pair<std::string, std::string>>;
std::optional<Data> read_data(std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    const simdjson::padded_string padded(json);
    if (parser.parse(padded).get(object) != simdjson::SUCCESS) return std::nullopt;
    Data out;
    for (const auto field : object) {
        std::string_view value;
        if (field.value["value"].get(value) != simdjson::SUCCESS) return std::nullopt;
        out.emplace_back(field.key, value);
    }
    return out;
}

}  // namespace

struct WechatSim::Message {
    std::string_view touser, template_id, url, client_msg_id;
    schemas::RawJson data;

    template <class V>
    void members(V& v) {
        v.required("touser", touser);
        v.required("template_id", template_id);
        v("url", url);
        v("client_msg_id", client_msg_id);
        v.required("data", data);
    }
};

WechatSim::WechatSim(WechatSimConfig config, const Clock& clock, SimBooks& books,
                     ReceiptPusher& pusher)
    : config_(std::move(config)), clock_(clock), books_(books), pusher_(pusher) {}

void WechatSim::register_routes(Router& router) {
    router.route("POST", "/cgi-bin/stable_token",
                 [this](HttpRequest request, Respond respond) { respond(stable_token(request)); });
    router.route(
        "POST", "/cgi-bin/message/template/send",
        [this](HttpRequest request, Respond respond) { send(request, std::move(respond)); });
}

HttpResponse WechatSim::stable_token(const HttpRequest& request) {
    schemas::Decoder decoder;
    const auto wanted = schemas::decode<TokenRequest>(request.body, decoder);
    if (!wanted || wanted->grant_type != "client_credential")
        return answer(40002, "invalid grant_type");
    if (config_.appid.empty() || wanted->appid != config_.appid)
        return answer(40013, "invalid appid");
    if (wanted->secret != config_.secret) return answer(40125, "invalid appsecret");
    const LogTime now = clock_.now();
    const std::lock_guard lock(mutex_);
    if (wanted->force_refresh) {
        if (now.micros() / kDayMicros != day_) {
            day_ = now.micros() / kDayMicros;
            forced_today_ = sent_today_ = 0;
        }
        if (forced_ && now - *forced_ < config_.force_every)
            return answer(45011, "api minute-quota reach limit");
        if (forced_today_ >= config_.forces_per_day)
            return answer(45009, "reach max api daily quota limit");
        forced_ = now;
        ++forced_today_;
        issue(now, true);
    } else if (tokens_.empty() || now + config_.renew_before >= tokens_.back().until) {
        issue(now, false);
    }
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.field("access_token", tokens_.back().text);
    json.field("expires_in", (tokens_.back().until - now).count() / 1'000'000);
    json.end_object();
    return response;
}

/// With mutex_ held. A forced token ends the one before at once, a renewed one after five minutes.
void WechatSim::issue(LogTime now, bool forced) {
    for (Token& token : tokens_)
        token.until = std::min(token.until, forced ? now : now + config_.renew_before);
    std::erase_if(tokens_, [&](const Token& token) { return token.until <= now; });
    const std::string id = books_.next_id();
    tokens_.push_back({"sim_" + id + id, now, now + config_.token_life});
}

bool WechatSim::good_token(std::string_view token) const {
    const LogTime now = clock_.now();
    const std::lock_guard lock(mutex_);
    return std::any_of(tokens_.begin(), tokens_.end(), [&](const Token& known) {
        return known.text == token && now < known.until;
    });
}

void WechatSim::send(const HttpRequest& request, Respond respond) {
    if (!good_token(request.query_value("access_token").value_or("")))
        return respond(answer(40001, "invalid credential, access_token is invalid or not latest"));
    const auto failure = books_.next_failure("wechat");
    const auto as = [&](SimFailure kind) { return failure && failure->as == kind; };
    if (as(SimFailure::Timeout)) return books_.hold(std::move(respond));
    if (as(SimFailure::Error)) return respond(answer(-1, "system error"));
    if (as(SimFailure::Limit)) return respond(answer(45009, "reach max api daily quota limit"));
    if (as(SimFailure::Code))
        return respond(answer(std::strtol(failure->code.c_str(), nullptr, 10), "as planned"));
    schemas::Decoder decoder;
    const auto message = schemas::decode<Message>(request.body, decoder);
    if (!message) return respond(answer(47001, "data format error"));
    if (const auto refusal = check(*message))
        return respond(answer(refusal->errcode, refusal->errmsg));
    const std::string user(message->touser);
    {
        std::unique_lock lock(mutex_);
        if (!busy_.insert(user).second)
            return respond(answer(43108, "concurrent send to the same user"));
        worked_.wait_for(lock, config_.work, [] { return false; });
        busy_.erase(user);
    }
    auto taken = take(*message, std::string(message->data.text), !as(SimFailure::Undelivered));
    if (as(SimFailure::AfterSend)) return books_.hold(std::move(respond));
    respond(std::move(taken));
}

std::optional<WechatSim::Refusal> WechatSim::check(const Message& message) const {
    if (!is_openid(message.touser)) return Refusal{40003, "invalid openid"};
    const auto wanted =
        std::find_if(config_.templates.begin(), config_.templates.end(),
                     [&](const auto& entry) { return entry.id == message.template_id; });
    if (wanted == config_.templates.end()) return Refusal{40037, "invalid template_id"};
    const auto data = read_data(message.data.text);
    if (!data) return Refusal{47003, "argument invalid! data"};
    for (const std::string& key : wanted->keys) {
        const auto found = std::find_if(data->begin(), data->end(),
                                        [&](const auto& field) { return field.first == key; });
        if (found == data->end() || found->second.empty())
            return Refusal{47003, "argument invalid! data." + key + ".value is empty"};
        if (key.starts_with("thing") && characters(found->second) > config_.thing_characters)
            return Refusal{47003, "argument invalid! data." + key + ".value invalid"};
    }
    return std::nullopt;
}

HttpResponse WechatSim::take(const Message& message, std::string data, bool delivered) {
    const LogTime now = clock_.now();
    SimMessage sent;
    std::int64_t msgid = 0;
    {
        const std::lock_guard lock(mutex_);
        if (now.micros() / kDayMicros != day_) {
            day_ = now.micros() / kDayMicros;
            forced_today_ = sent_today_ = 0;
        }
        if (sent_today_ >= config_.per_day) return answer(45009, "reach max api daily quota limit");
        ++sent_today_;
        const std::string repeat =
            std::string(message.touser) + "|" + std::string(message.client_msg_id);
        if (seen_.size() >= kMaxSeen)
            std::erase_if(seen_, [&](const auto& e) { return now - e.second.first > kRepeatSpan; });
        const auto known = seen_.find(repeat);
        if (!message.client_msg_id.empty() && known != seen_.end() &&
            now - known->second.first <= kRepeatSpan)
            return answer(0, "ok", known->second.second);
        msgid = now.micros() * 100 + books_.next_number() % 100;
        if (!message.client_msg_id.empty()) seen_[repeat] = {now, msgid};
    }
    sent.channel = sent.provider = "wechat";
    sent.to = message.touser;
    sent.template_code = message.template_id;
    sent.params = std::move(data);
    sent.echo = sent.intent = message.client_msg_id;
    sent.provider_id = std::to_string(msgid);
    sent.at = now;
    pusher_.add({sent.to, sent.provider_id, sent.echo, now, delivered});
    books_.add(std::move(sent));
    return answer(0, "ok", msgid);
}

}  // namespace vitalog::sinks
