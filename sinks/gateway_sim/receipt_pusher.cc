#include "sinks/gateway_sim/receipt_pusher.h"

#include <algorithm>

#include "schemas/json_decode.h"
#include "sinks/aliyun/client.h"
#include "sinks/aliyun/signature.h"
#include "sinks/digest.h"
#include "sinks/wechat/callback.h"

namespace vitalog::sinks {
namespace {

constexpr std::size_t kMaxQueued = 100'000;
constexpr std::chrono::milliseconds kRetryFirst{500};
constexpr std::chrono::milliseconds kRetryLongest{30'000};
constexpr std::string_view kJson = "application/json;charset=utf-8";

struct AliyunAnswer {
    int code = -1;

    template <class V>
    void members(V& v) {
        v.required("code", code);
    }
};

struct TencentAnswer {
    int result = -1;

    template <class V>
    void members(V& v) {
        v.required("result", result);
    }
};

std::string aliyun_json(const std::deque<SimReceipt>& receipts, LogTime reported) {
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_array();
    for (const SimReceipt& receipt : receipts) {
        json.begin_object();
        json.field("phone_number", receipt.to);
        json.field("send_time", china_time(receipt.sent));
        json.field("report_time", china_time(reported));
        json.field("success", receipt.delivered);
        json.field("err_code", receipt.delivered ? "DELIVERED" : "MK:0001");
        json.field("err_msg", receipt.delivered ? "用户接收成功" : "空号");
        json.field("sms_size", "1");
        json.field("biz_id", receipt.provider_id);
        json.field("out_id", receipt.echo);
        json.end_object();
    }
    json.end_array();
    return out;
}

std::string tencent_json(const std::deque<SimReceipt>& receipts, LogTime reported) {
    std::string out;
    schemas::JsonWriter json(out);
    json.begin_array();
    for (const SimReceipt& receipt : receipts) {
        json.begin_object();
        json.field("user_receive_time", china_time(reported));
        json.field("nationcode", "86");
        json.field("mobile", receipt.to);
        json.field("report_status", receipt.delivered ? "SUCCESS" : "FAIL");
        json.field("errmsg", receipt.delivered ? "DELIVRD" : "MK:0001");
        json.field("description", receipt.delivered ? "用户短信送达成功" : "空号");
        json.field("sid", receipt.provider_id);
        json.end_object();
    }
    json.end_array();
    return out;
}

std::string wechat_xml(const SimReceipt& receipt, const std::string& account, LogTime reported) {
    const auto text = [](std::string_view name, std::string_view value) {
        return "<" + std::string(name) + "><![CDATA[" + std::string(value) + "]]></" +
               std::string(name) + ">";
    };
    return "<xml>" + text("ToUserName", account) + text("FromUserName", receipt.to) +
           "<CreateTime>" + std::to_string(reported.micros() / 1'000'000) + "</CreateTime>" +
           text("MsgType", "event") + text("Event", "TEMPLATESENDJOBFINISH") + "<MsgID>" +
           receipt.provider_id + "</MsgID>" +
           text("Status", receipt.delivered ? "success" : "failed:user block") + "</xml>";
}

template <class Answer>
std::optional<Answer> read_answer(const ClientResponse& response) {
    schemas::Decoder decoder;
    const auto answer = schemas::decode<Answer>(response.body, decoder);
    return answer ? std::optional(*answer) : std::nullopt;
}

}  // namespace

ReceiptForm aliyun_receipts(std::string url) {
    ReceiptForm form;
    form.url = std::move(url);
    form.request = [](const std::string& to, const std::deque<SimReceipt>& batch, LogTime now) {
        return ClientRequest{
            "POST", to, {{"Content-Type", std::string(kJson)}}, aliyun_json(batch, now)};
    };
    form.taken = [](const ClientResponse& response) {
        const auto answer = read_answer<AliyunAnswer>(response);
        return answer && answer->code == 0;
    };
    return form;
}

ReceiptForm tencent_receipts(std::string url) {
    ReceiptForm form;
    form.url = std::move(url);
    form.request = [](const std::string& to, const std::deque<SimReceipt>& batch, LogTime now) {
        return ClientRequest{
            "POST", to, {{"Content-Type", std::string(kJson)}}, tencent_json(batch, now)};
    };
    form.taken = [](const ClientResponse& response) {
        const auto answer = read_answer<TencentAnswer>(response);
        return answer && answer->result == 0;
    };
    return form;
}

ReceiptForm wechat_receipts(std::string url, std::string callback_token, std::string account) {
    ReceiptForm form;
    form.url = std::move(url);
    form.batch_max = 1;
    form.request = [token = std::move(callback_token), account = std::move(account)](
                       const std::string& to, const std::deque<SimReceipt>& batch, LogTime now) {
        const std::string timestamp = std::to_string(now.micros() / 1'000'000);
        const std::string nonce = sha1_hex(batch.front().provider_id).substr(0, 10);
        return ClientRequest{
            "POST",
            to + "?signature=" + wechat_callback_signature(token, timestamp, nonce) +
                "&timestamp=" + timestamp + "&nonce=" + nonce +
                "&openid=" + rfc3986_escape(batch.front().to),
            {{"Content-Type", "text/xml"}},
            wechat_xml(batch.front(), account, now)};
    };
    form.taken = [](const ClientResponse& response) {
        return response.status == 200 && (response.body == "success" || response.body.empty());
    };
    return form;
}

std::string receipts_url(const std::string& to, std::string_view provider) {
    constexpr std::string_view kPath = "/receipts/";
    if (to.empty()) return {};
    const std::size_t path = to.rfind(kPath);
    std::string base = to.substr(0, path);
    if (base.ends_with('/')) base.pop_back();
    if (path != std::string::npos && to.substr(path + kPath.size()) == provider) return to;
    return base + std::string(kPath) + std::string(provider);
}

ReceiptPusher::ReceiptPusher(ReceiptForm form, std::chrono::milliseconds delay, const Clock& clock)
    : form_(std::move(form)), delay_(delay), clock_(clock) {
    if (!form_.url.empty()) thread_ = std::thread([this] { run(); });
}

void ReceiptPusher::add(SimReceipt receipt) {
    if (form_.url.empty()) return;
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
        while (!queue_.empty() && queue_.front().due <= now && batch.size() < form_.batch_max) {
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
    const auto outcome = client_.send(form_.request(form_.url, batch, clock_.now()));
    std::string reason = outcome.reason;
    if (outcome.fate == HttpFate::Answered) {
        if (form_.taken(outcome.response)) return true;
        reason = "the answer, status " + std::to_string(outcome.response.status) +
                 ", does not say that they were taken";
    }
    log_line("warn", "sim_receipts_not_taken",
             {{"count", std::to_string(batch.size())}, {"reason", reason}});
    return false;
}

}  // namespace vitalog::sinks
