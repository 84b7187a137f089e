#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "schemas/base/ports.h"
#include "sinks/http_client.h"

namespace vitalog::sinks {

/// What a provider has to report about one message.
struct SimReceipt {
    std::string to, provider_id, echo;
    LogTime sent;
    bool delivered = true;
    std::chrono::steady_clock::time_point due{};
};

/// How a provider reports: where to, in what form, and which answer ends its repeats.
struct ReceiptForm {
    std::string url;              ///< empty: nothing is pushed
    std::size_t batch_max = 100;  ///< receipts in one request
    std::function<ClientRequest(const std::string& url, const std::deque<SimReceipt>&, LogTime)>
        request;
    std::function<bool(const ClientResponse&)> taken;
};

/// Pushes receipts as the provider does: again and again until they are taken. One thread.
class ReceiptPusher {
  public:
    ReceiptPusher(ReceiptForm form, std::chrono::milliseconds delay, const Clock& clock);
    ~ReceiptPusher() { stop(); }
    ReceiptPusher(const ReceiptPusher&) = delete;
    ReceiptPusher& operator=(const ReceiptPusher&) = delete;

    /// Queued for `delay` from now; the oldest is dropped beyond a limit.
    void add(SimReceipt receipt);
    void stop();

  private:
    void run();
    bool push(const std::deque<SimReceipt>& batch);

    const ReceiptForm form_;
    const std::chrono::milliseconds delay_;
    const Clock& clock_;
    HttpClient client_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<SimReceipt> queue_;  // guarded by mutex_
    bool stopping_ = false;         // guarded by mutex_
    std::thread thread_;
};

/// The forms of Aliyun (SmsReport), Tencent (status callback) and WeChat (TEMPLATESENDJOBFINISH,
/// signed with the callback's token, for the account named).
ReceiptForm aliyun_receipts(std::string url);
ReceiptForm tencent_receipts(std::string url);
ReceiptForm wechat_receipts(std::string url, std::string callback_token, std::string account);

/// Where a provider's receipts go: `to` names one provider's path ("http://h/receipts/aliyun") or
/// the site ("http://h"). Empty for an empty one.
std::string receipts_url(const std::string& to, std::string_view provider);

}  // namespace vitalog::sinks
