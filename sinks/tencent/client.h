#pragma once

#include <chrono>
#include <string>

#include "schemas/base/ports.h"
#include "sinks/client_pool.h"
#include "sinks/effects/provider.h"

namespace vitalog::sinks {

struct TencentConfig {
    std::string url = "https://sms.tencentcloudapi.com";  ///< notify.tencent.url
    std::string app_id;                                   ///< notify.tencent.app_id: SmsSdkAppId
    std::string sign = "健康管理";                        ///< the approved sign
    std::string region = "ap-guangzhou";                  ///< notify.tencent.region
    std::string secret_id;   ///< VITALOG_TENCENT_SECRET_ID; never logged
    std::string secret_key;  ///< VITALOG_TENCENT_SECRET_KEY; never logged
    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds timeout{10'000};
    std::string ca_file;  ///< PEM; empty: the system's authorities
};

/// Errors: Configuration, naming the key.
Result<void> check(const TencentConfig& config);

/// Tencent Cloud's SMS API: SendSms and PullSmsSendStatusByPhoneNumber (2021-01-11), signature
/// TC3-HMAC-SHA256. SessionContext carries "recipient|intent|attempt". Thread-safe. `wall` is the
/// real time, also where the site's clock is set by hand: the provider refuses one 5 minutes off.
class TencentSms : public Provider {
  public:
    TencentSms(TencentConfig config, const Clock& wall);

    std::string_view name() const override { return "tencent"; }
    SendOutcome send(const Attempt& attempt) override;
    QueryOutcome query(const Attempt& attempt, LogTime taken) override;
    void abort() override { clients_.abort(); }

    /// The signed request of one action: what goes over the wire. Pure.
    static ClientRequest signed_request(const TencentConfig& config, std::string_view action,
                                        std::string body, LogTime at);

  private:
    const TencentConfig config_;
    const Clock& wall_;
    ClientPool clients_;
};

/// E.164: a number without country code is Chinese.
std::string e164(std::string_view phone);

}  // namespace vitalog::sinks
