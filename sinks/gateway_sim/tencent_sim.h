#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "sinks/gateway_sim/receipt_pusher.h"
#include "sinks/gateway_sim/sim_books.h"

namespace vitalog::sinks {

struct SimTencentTemplate {
    std::string id;
    std::size_t params = 0;
};

struct TencentSimConfig {
    std::string secret_id;   ///< VITALOG_TENCENT_SECRET_ID; empty: the API is not there
    std::string secret_key;  ///< VITALOG_TENCENT_SECRET_KEY
    std::string app_id = "1400006666";
    std::vector<std::string> signs{"健康管理"};
    std::vector<SimTencentTemplate> templates;
    int per_30_seconds = 1;  ///< to one number
    int per_hour = 5;
    int per_day = 10;
    std::size_t param_characters = 12;
    std::chrono::microseconds skew = std::chrono::minutes(5);
    std::chrono::milliseconds receipt_delay{500};
};

/// Tencent Cloud's SMS API: SendSms and PullSmsSendStatusByPhoneNumber (2021-01-11), with
/// signature, age of the request, application, sign, template and its parameters, and the limits of
/// a number. Thread-safe.
class TencentSim {
  public:
    TencentSim(TencentSimConfig config, const Clock& clock, SimBooks& books, ReceiptPusher& pusher);

    /// A POST / with the header X-TC-Action.
    void handle(const HttpRequest& request, Respond respond);

  private:
    struct Refusal {
        std::string code, message;
    };
    struct Sent {
        std::string phone, serial_no, context;
        LogTime at;
        bool delivered = true;
    };
    struct SendParams;

    std::optional<Refusal> authenticate(const HttpRequest& request) const;
    void send_sms(const HttpRequest& request, Respond respond);
    std::optional<Refusal> check(const SendParams& params) const;
    std::optional<Refusal> check_number(const std::string& phone) const;
    std::string take(const SendParams& params, const std::string& phone, bool delivered);
    HttpResponse pull_status(const HttpRequest& request) const;
    HttpResponse error(const Refusal& refusal);

    const TencentSimConfig config_;
    const Clock& clock_;
    SimBooks& books_;
    ReceiptPusher& pusher_;
    mutable std::mutex mutex_;
    std::deque<Sent> sent_;  // guarded by mutex_
};

}  // namespace vitalog::sinks
