#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "schemas/base/ports.h"
#include "sinks/http_client.h"

namespace vitalog::sinks {

/// One delivery report as the provider pushes it.
struct SimReceipt {
    std::string phone, biz_id, out_id;
    LogTime sent;
    std::chrono::steady_clock::time_point due;
};

/// Pushes receipts as the provider does: POST of a JSON array, again and again until the answer is
/// {"code":0}. One thread; nothing is pushed without a URL.
class ReceiptPusher {
  public:
    ReceiptPusher(std::string url, std::chrono::milliseconds delay, const Clock& clock);
    ~ReceiptPusher() { stop(); }
    ReceiptPusher(const ReceiptPusher&) = delete;
    ReceiptPusher& operator=(const ReceiptPusher&) = delete;

    /// Queued for `delay` from now; the oldest is dropped beyond a limit.
    void add(SimReceipt receipt);
    void stop();

  private:
    void run();
    bool push(const std::deque<SimReceipt>& batch);

    const std::string url_;
    const std::chrono::milliseconds delay_;
    const Clock& clock_;
    HttpClient client_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<SimReceipt> queue_;  // guarded by mutex_
    bool stopping_ = false;         // guarded by mutex_
    std::thread thread_;
};

/// The body of a push: the provider's documented fields.
std::string receipts_json(const std::deque<SimReceipt>& receipts, LogTime reported);

}  // namespace vitalog::sinks
