#include "sinks/gateway_sim/sim_books.h"

#include <algorithm>

#include "schemas/base/ids.h"
#include "schemas/json_decode.h"

namespace vitalog::sinks {
namespace {

constexpr std::size_t kMaxSent = 200'000;
constexpr std::size_t kMaxHeld = 1'024;
constexpr std::array<std::string_view, 6> kFailures{"timeout",    "error",       "limit",
                                                    "after-send", "undelivered", "code"};

struct FailPlan {
    int next = 0;
    std::string_view as;
    std::string_view channel;
    std::string_view code;

    template <class V>
    void members(V& v) {
        v.required("next", next);
        v.required("as", as);
        v("channel", channel);
        v("code", code);
    }
};

}  // namespace

std::string intent_in(const std::string& echo) {
    const std::size_t second = echo.rfind('|');
    if (second == std::string::npos || second == 0) return echo;
    const std::size_t first = echo.rfind('|', second - 1);
    if (first == std::string::npos) return echo;
    return echo.substr(first + 1, second - first - 1);
}

void SimBooks::add(SimMessage message) {
    const std::lock_guard lock(mutex_);
    if (sent_.size() >= kMaxSent) sent_.erase(sent_.begin(), sent_.begin() + kMaxSent / 2);
    sent_.push_back(std::move(message));
}

std::size_t SimBooks::count() const {
    const std::lock_guard lock(mutex_);
    return sent_.size();
}

HttpResponse SimBooks::sent_list() const {
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_array();
    const std::lock_guard lock(mutex_);
    for (const SimMessage& sent : sent_) {
        json.begin_object();
        json.field("channel", sent.channel);
        json.field("to", sent.to);
        json.field("template", sent.template_code);
        json.key("params");
        json.raw(sent.params.empty() ? "{}" : std::string_view(sent.params));
        json.field("intent", sent.intent);
        json.field("provider", sent.provider);
        json.field("out_id", sent.echo);
        json.field("biz_id", sent.provider_id);
        json.field("at", to_rfc3339(sent.at));
        json.end_object();
    }
    json.end_array();
    return response;
}

HttpResponse SimBooks::plan_failures(const HttpRequest& request) {
    schemas::Decoder decoder;
    const auto plan = schemas::decode<FailPlan>(request.body, decoder);
    const auto name =
        plan ? std::find(kFailures.begin(), kFailures.end(), plan->as) : kFailures.end();
    const bool coded = plan && plan->as == "code";
    HttpResponse response;
    if (name == kFailures.end() || plan->next < 0 || coded == plan->code.empty()) {
        response.status = 400;
        response.body =
            R"({"error":"send {\"next\":n,\"as\":\"timeout|error|limit|after-send|undelivered|code\"}, with \"code\" a \"code\", for one channel a \"channel\""})";
        return response;
    }
    const std::lock_guard lock(mutex_);
    failures_left_ = plan->next;
    failure_ = {static_cast<SimFailure>(name - kFailures.begin()), std::string(plan->code)};
    failing_channel_ = plan->channel;
    response.body =
        R"({"next":)" + std::to_string(plan->next) + R"(,"as":")" + std::string(*name) + "\"}";
    return response;
}

std::optional<SimFailurePlan> SimBooks::next_failure(std::string_view channel) {
    const std::lock_guard lock(mutex_);
    if (failures_left_ == 0 || (!failing_channel_.empty() && failing_channel_ != channel))
        return std::nullopt;
    --failures_left_;
    return failure_;
}

void SimBooks::hold(Respond respond) {
    const std::lock_guard lock(mutex_);
    if (held_.size() < kMaxHeld) held_.push_back(std::move(respond));
}

void SimBooks::release() {
    std::vector<Respond> dropped;
    const std::lock_guard lock(mutex_);
    dropped.swap(held_);
}

std::int64_t SimBooks::next_number() {
    const std::lock_guard lock(mutex_);
    return ++numbers_;
}

std::string SimBooks::next_id() {
    return IdHash()
        .part("request")
        .part(clock_.now().micros())
        .part(next_number())
        .finish()
        .to_string();
}

}  // namespace vitalog::sinks
