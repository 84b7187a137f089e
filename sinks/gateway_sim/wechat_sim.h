#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sinks/gateway_sim/receipt_pusher.h"
#include "sinks/gateway_sim/sim_books.h"

namespace vitalog::sinks {

struct SimWechatTemplate {
    std::string id;
    std::vector<std::string> keys;
};

struct WechatSimConfig {
    std::string appid;   ///< VITALOG_WECHAT_APPID; empty: the API is not there
    std::string secret;  ///< VITALOG_WECHAT_SECRET
    std::vector<SimWechatTemplate> templates;
    int per_day = 100'000;  ///< template messages of the account
    std::chrono::seconds token_life{7'200};
    std::chrono::seconds renew_before{300};  ///< of the end; the one before lives on until then
    std::chrono::seconds force_every{30};
    int forces_per_day = 20;
    std::size_t thing_characters = 20;
    std::chrono::milliseconds work{5};  ///< that a send takes: another to the same user meets it
};

/// WeChat's official account API: POST /cgi-bin/stable_token, POST
/// /cgi-bin/message/template/send, the result event. Enforces account and secret, the tokens' life
/// and the limits on forcing one, template and data, openid, one send at a time for each user
/// (43108) and the daily quota; the same openid and client_msg_id within ten minutes are one
/// message. Thread-safe; a handler works for a few milliseconds.
class WechatSim {
  public:
    WechatSim(WechatSimConfig config, const Clock& clock, SimBooks& books, ReceiptPusher& pusher);
    void register_routes(Router& router);

  private:
    struct Refusal {
        std::int64_t errcode;
        std::string errmsg;
    };
    struct Token {
        std::string text;
        LogTime issued;
        LogTime until;
    };
    struct Message;

    HttpResponse stable_token(const HttpRequest& request);
    void issue(LogTime now, bool forced);
    bool good_token(std::string_view token) const;
    void send(const HttpRequest& request, Respond respond);
    std::optional<Refusal> check(const Message& message) const;
    HttpResponse take(const Message& message, std::string data, bool delivered);

    const WechatSimConfig config_;
    const Clock& clock_;
    SimBooks& books_;
    ReceiptPusher& pusher_;
    mutable std::mutex mutex_;
    std::condition_variable worked_;
    std::vector<Token> tokens_;  // guarded by mutex_, as is what follows: the last one is in force
    std::optional<LogTime> forced_;
    std::int64_t day_ = 0;
    int forced_today_ = 0;
    int sent_today_ = 0;
    std::set<std::string> busy_;  // users to whom a send is under way
    std::map<std::string, std::pair<LogTime, std::int64_t>> seen_;  // openid|client_msg_id: msgid
};

}  // namespace vitalog::sinks
