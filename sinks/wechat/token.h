#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "schemas/base/ports.h"
#include "sinks/client_pool.h"

namespace vitalog::sinks {

struct WechatConfig {
    std::string url = "https://api.weixin.qq.com";  ///< notify.wechat.url
    std::string appid;                              ///< VITALOG_WECHAT_APPID
    std::string secret;                             ///< VITALOG_WECHAT_SECRET; never logged
    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds timeout{10'000};
    std::string ca_file;  ///< PEM; empty: the system's authorities
};

/// Errors: Configuration, naming the key.
Result<void> check(const WechatConfig& config);

/// The account's one access token, by POST /cgi-bin/stable_token: asked for when it is first
/// needed, when it has less than five minutes to live (the provider has renewed it by then), and
/// when the API refused it. Asking without force gives the token in force, so that sites that share
/// an account share it; only when that is the very one refused is a new one forced, at most every
/// 30 s and 20 times a day, as the provider allows. Thread-safe: while one thread asks, others wait
/// for its answer.
class WechatToken {
  public:
    WechatToken(const WechatConfig& config, const Clock& wall, ClientPool& clients)
        : config_(config), wall_(wall), clients_(clients) {}

    /// A usable token. Errors: Configuration (account, secret), Busy.
    Result<std::string> get();
    /// A token other than the one that was refused. Errors as get(); Busy when none can be had now.
    Result<std::string> instead_of(const std::string& refused);

  private:
    Result<void> fetch(bool force);

    const WechatConfig& config_;
    const Clock& wall_;
    ClientPool& clients_;
    std::mutex mutex_;
    std::string token_;  // guarded by mutex_, as are the next four
    LogTime expires_;
    std::optional<LogTime> forced_;
    std::int64_t forced_day_ = 0;
    int forced_today_ = 0;
};

}  // namespace vitalog::sinks
