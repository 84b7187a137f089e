#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "schemas/base/ports.h"
#include "sinks/aliyun/signature.h"
#include "sinks/client_pool.h"
#include "sinks/effects/provider.h"

namespace vitalog::sinks {

struct AliyunConfig {
    std::string url = "https://dysmsapi.aliyuncs.com";  ///< notify.aliyun.url
    std::string sign = "健康管理";                      ///< the approved sign
    std::string key_id;                                 ///< VITALOG_ALIYUN_KEY_ID; never logged
    std::string key_secret;                             ///< VITALOG_ALIYUN_KEY_SECRET; never logged
    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds timeout{10'000};
    std::string ca_file;  ///< PEM; empty: the system's authorities
};

/// Errors: Configuration, naming the key.
Result<void> check(const AliyunConfig& config);

/// Aliyun's SMS API: SendSms and QuerySendDetails, parameters in the query, signature V3.
/// Thread-safe: each call takes one of a pool of connections. `wall` is the real time, also where
/// the site's clock is set by hand: the provider refuses a date 15 minutes off.
class AliyunSms : public Provider {
  public:
    AliyunSms(AliyunConfig config, const Clock& wall);

    std::string_view name() const override { return "aliyun"; }
    SendOutcome send(const Attempt& attempt) override;
    QueryOutcome query(const Attempt& attempt, LogTime taken) override;
    void abort() override;

    /// The signed request of one action: what goes over the wire. Pure.
    static ClientRequest signed_request(const AliyunConfig& config, std::string_view action,
                                        NameValues query, LogTime date, const std::string& nonce);

  private:
    HttpOutcome call(std::string_view action, NameValues query, std::string_view attempt);
    QueryOutcome query_day(const Attempt& attempt, const std::string& day);

    const AliyunConfig config_;
    const Clock& wall_;
    std::atomic<std::int64_t> calls_{0};
    ClientPool clients_;
};

/// yyyyMMdd of an instant in China Standard Time (UTC+8, no daylight saving since 1991).
std::string china_day(LogTime at);
/// "yyyy-MM-dd HH:mm:ss" in China Standard Time, as in the provider's receipts.
std::string china_time(LogTime at);

}  // namespace vitalog::sinks
