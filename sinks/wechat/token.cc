#include "sinks/wechat/token.h"

#include "schemas/json.h"
#include "sinks/wechat/answer.h"

namespace vitalog::sinks {
namespace {

constexpr std::chrono::minutes kRenewBefore{5};
constexpr std::chrono::seconds kForceEvery{30};
constexpr int kForcesADay = 20;
constexpr std::int64_t kDayMicros = 86'400'000'000;

std::string token_body(const WechatConfig& config, bool force) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("grant_type", "client_credential");
    json.field("appid", config.appid);
    json.field("secret", config.secret);
    json.field("force_refresh", force);
    json.end_object();
    return body;
}

}  // namespace

Result<void> check(const WechatConfig& config) {
    const auto url = parse_url(config.url);
    if (!url) return fail(Errc::Configuration, "notify.wechat.url: " + url.error().message());
    if (url->target != "/")
        return fail(Errc::Configuration, "notify.wechat.url: leave the path away");
    if (config.appid.empty() || config.secret.empty())
        return fail(Errc::Configuration,
                    "notify.wechat.url needs VITALOG_WECHAT_APPID and VITALOG_WECHAT_SECRET in the "
                    "environment or in secrets.file");
    return {};
}

Result<std::string> WechatToken::get() {
    const std::lock_guard lock(mutex_);
    if (token_.empty() || wall_.now() + kRenewBefore >= expires_) {
        const auto fetched = fetch(false);
        const bool still_good = !token_.empty() && wall_.now() < expires_;
        if (!fetched && !still_good) return tl::unexpected(fetched.error());
    }
    return token_;
}

Result<std::string> WechatToken::instead_of(const std::string& refused) {
    const std::lock_guard lock(mutex_);
    if (token_ != refused && !token_.empty()) return token_;
    VITALOG_CHECK(fetch(false));
    if (token_ != refused) return token_;
    const LogTime now = wall_.now();
    if (now.micros() / kDayMicros != forced_day_) {
        forced_day_ = now.micros() / kDayMicros;
        forced_today_ = 0;
    }
    if (forced_today_ >= kForcesADay || (forced_ && now - *forced_ < kForceEvery))
        return fail(Errc::Busy, "the token is refused, and a new one can't be forced yet");
    forced_ = now;
    ++forced_today_;
    VITALOG_CHECK(fetch(true));
    if (token_ == refused) return fail(Errc::Busy, "the token is refused, and stays the same");
    return token_;
}

/// With mutex_ held.
Result<void> WechatToken::fetch(bool force) {
    const std::string base =
        config_.url.ends_with('/') ? config_.url.substr(0, config_.url.size() - 1) : config_.url;
    const auto answer = clients_.send({"POST",
                                       base + "/cgi-bin/stable_token",
                                       {{"Content-Type", "application/json"}},
                                       token_body(config_, force)});
    if (answer.fate != HttpFate::Answered)
        return fail(Errc::Busy, "stable_token: " + answer.reason);
    VITALOG_TRY(auto fetched, read_wechat_token(answer.response.status, answer.response.body));
    token_ = std::move(fetched.token);
    expires_ = wall_.now() + fetched.expires_in;
    return {};
}

}  // namespace vitalog::sinks
