#include "sinks/gateway_sim/receipt_pusher.h"

#include "schemas/json_decode.h"
#include "sinks/aliyun/client.h"

namespace vitalog::sinks {
namespace {

constexpr std::size_t kMaxQueued = 100'000;
constexpr std::size_t kMaxBatch = 100;
constexpr std::chrono::milliseconds kRetryFirst{500};
constexpr std::chrono::milliseconds kRetryLongest{30'000};

struct PushAnswer {
    int code = -1;

    template <class V>
    void members(V& v) {
        v.required("code", code);
    }
};

}  // namespace

std::string receipts_json(const std::deque<SimReceipt>& receipts, LogTime reported) {
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_array();
    for (const SimReceipt& receipt : receipts) {
        json.begin_object();
        json.field("phone_number", receipt.phone);
        json.field("send_time", china_time(receipt.sent));
        json.field("report_time", china_time(reported));
        json.field("success", true);
        json.field("err_code", "DELIVERED");
        json.field("err_msg", "用户接收成功");
        json.field("sms_size", "1");
        json.field("biz_id", receipt.biz_id);
        json.field("out_id", receipt.out_id);
        json.end_object();
    }
    json.end_array();
    return out;
}

ReceiptPusher::ReceiptPusher(std::string url, std::chrono::milliseconds delay, const Clock& clock)
    : url_(std::move(url)), delay_(delay), clock_(clock) {
    if (!url_.empty()) thread_ = std::thread([this] { run(); });
}

void ReceiptPusher::add(SimReceipt receipt) {
    if (url_.empty()) return;
    receipt.due = std::chrono::steady_clock::now() + delay_;
    {
        const std::lock_guard lock(mutex_);
        if (queue_.size() == kMaxQueued) queue_.pop_front();
        queue_.push_back(std::move(receipt));
    }
    changed_.notify_all();
}

void ReceiptPusher::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    client_.abort();
    if (thread_.joinable()) thread_.join();
}

void ReceiptPusher::run() {
    auto pause = kRetryFirst;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto now = std::chrono::steady_clock::now();
        if (queue_.empty()) {
            changed_.wait(lock);
            continue;
        }
        if (queue_.front().due > now) {
            changed_.wait_until(lock, queue_.front().due);
            continue;
        }
        std::deque<SimReceipt> batch;
        while (!queue_.empty() && queue_.front().due <= now && batch.size() < kMaxBatch) {
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        lock.unlock();
        const bool taken = push(batch);
        lock.lock();
        if (taken) {
            pause = kRetryFirst;
            continue;
        }
        queue_.insert(queue_.begin(), batch.begin(), batch.end());
        changed_.wait_for(lock, pause, [this] { return stopping_; });
        pause = std::min(kRetryLongest, pause * 2);
    }
}

bool ReceiptPusher::push(const std::deque<SimReceipt>& batch) {
    ClientRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers = {{"Content-Type", "application/json;charset=utf-8"}};
    request.body = receipts_json(batch, clock_.now());
    const auto outcome = client_.send(request);
    std::string reason = outcome.reason;
    if (outcome.fate == HttpFate::Answered) {
        schemas::Decoder decoder;
        const auto answer = schemas::decode<PushAnswer>(outcome.response.body, decoder);
        if (answer && answer->code == 0) return true;
        reason = "the answer, status " + std::to_string(outcome.response.status) +
                 ", is not {\"code\":0}";
    }
    log_line("warn", "sim_receipts_not_taken",
             {{"count", std::to_string(batch.size())}, {"reason", reason}});
    return false;
}

}  // namespace vitalog::sinks
