#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"
#include "sinks/aliyun/signature.h"
#include "sinks/gateway_sim/receipt_pusher.h"
#include "sinks/gateway_sim/sim_books.h"
#include "sinks/gateway_sim/tencent_sim.h"
#include "sinks/gateway_sim/wechat_sim.h"
#include "sinks/gateway_sim/wecom_sim.h"

namespace vitalog::sinks {

/// A template as the provider approved it.
struct SimTemplate {
    std::string code;                    ///< "SMS_..."
    std::vector<std::string> variables;  ///< each must be given, no other may
    bool one_time_code = false;          ///< verification codes have tighter limits
};

/// What the provider enforces per phone number (published: 9.1 of the notification research;
/// variables 1 to 35).
struct SimLimits {
    int same_template_per_day = 50;  ///< same sign and template, notices
    int code_per_minute = 1;         ///< same sign, verification codes
    int code_per_hour = 5;
    int code_per_day = 10;
    std::size_t param_characters = 35;
    std::chrono::microseconds date_skew = std::chrono::minutes(15);
};

struct GatewaySimConfig {
    std::string key_id;      ///< VITALOG_ALIYUN_KEY_ID
    std::string key_secret;  ///< VITALOG_ALIYUN_KEY_SECRET
    std::vector<std::string> signs{"健康管理"};
    std::vector<SimTemplate> templates;
    SimLimits limits;
    TencentSimConfig tencent;
    WechatSimConfig wechat;
    WecomSimConfig wecom;
    std::string callback_token;  ///< VITALOG_WECHAT_TOKEN: signs WeChat's events
    std::string receipts_to;     ///< URL; empty: no receipts are pushed
    std::chrono::milliseconds receipt_delay{500};
};

/// The providers, simulated: Aliyun's SMS API (SendSms, QuerySendDetails; version 2017-05-25),
/// Tencent's, WeChat's template messages and WeCom's robots. It enforces what they enforce:
/// signature, date, nonce, sign, template and its variables, numbers, limits, tokens. Pushes
/// receipts, and fails on request. What it took it keeps in memory (bounded). Handlers are
/// thread-safe; it must outlive the server it is registered with.
class GatewaySim {
  public:
    GatewaySim(GatewaySimConfig config, const Clock& clock);
    ~GatewaySim();
    GatewaySim(const GatewaySim&) = delete;
    GatewaySim& operator=(const GatewaySim&) = delete;

    /// POST and GET / (Aliyun, Tencent), /cgi-bin/... (WeChat, WeCom), GET /sent, POST /fail, GET
    /// /healthz.
    void register_routes(Router& router);
    /// Stops pushing receipts and lets go of requests that are never to be answered.
    void stop();

    /// Number of messages taken.
    std::size_t sent_count() const;

  private:
    struct Sent {
        std::string phone, sign, template_code, out_id, biz_id;
        LogTime at;
        bool delivered = true;
    };
    /// A refusal: HTTP status, provider's code and message.
    struct Refusal {
        int status;
        std::string code, message;
    };
    using Checked = std::optional<Refusal>;
    void handle(HttpRequest request, Respond respond);
    Checked authenticate(const HttpRequest& request);
    Checked check_signature(const HttpRequest& request) const;
    Checked check_nonce(const HttpRequest& request);
    void send_sms(const HttpRequest& request, Respond respond);
    Checked check_message(const HttpRequest& request, std::vector<std::string>& phones) const;
    Checked check_params(const SimTemplate& wanted, std::string_view json) const;
    Checked check_limits(const SimTemplate& wanted, const std::string& sign,
                         const std::string& phone) const;
    int recent(const std::string& phone, const std::string& sign, const std::string* template_code,
               std::chrono::microseconds within) const;
    HttpResponse query_details(const HttpRequest& request) const;
    std::string take(const HttpRequest& request, const std::vector<std::string>& phones,
                     bool delivered);
    const SimTemplate* find_template(std::string_view code) const;

    const GatewaySimConfig config_;
    const Clock& clock_;
    SimBooks books_;
    ReceiptPusher aliyun_receipts_, tencent_receipts_, wechat_receipts_;
    TencentSim tencent_;
    WechatSim wechat_;
    WecomSim wecom_;

    mutable std::mutex mutex_;
    std::vector<Sent> sent_;                 // guarded by mutex_
    std::map<std::string, LogTime> nonces_;  // guarded by mutex_
};

/// True for a mainland mobile number: 11 digits from 13 to 19, with or without +86, 86 or 0086.
bool is_mainland_mobile(std::string_view phone);

}  // namespace vitalog::sinks
