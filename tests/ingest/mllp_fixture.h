#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ingest/mllp/frame.h"
#include "ingest/mllp/listener.h"

namespace vitalog::ingest::mllp {

/// A clock that stands still at 2024-01-02T03:04:05Z unless it is set.
class FixedClock : public Clock {
  public:
    LogTime now() const override { return LogTime(micros_.load()); }
    void set(LogTime at) { micros_ = at.micros(); }

  private:
    std::atomic<std::int64_t> micros_{1'704'164'645'000'000};
};

/// A log in memory with the ledger's rules. Holds appends back when told to; answers from a thread
/// of its own, newest batch first, so that nobody can rely on the order.
class FakeAppender : public FeedAppender {
  public:
    FakeAppender() : thread_([this] { run(); }) {}
    ~FakeAppender() override {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    void append(FeedRecord record, AppendDone done) override {
        const std::lock_guard lock(mutex_);
        waiting_.emplace_back(std::move(record), std::move(done));
        wake_.notify_all();
    }

    void hold() { set(holding_, true); }
    void release() { set(holding_, false); }
    void refuse_with(Errc code) {
        const std::lock_guard lock(mutex_);
        error_ = Error(code, "the disk reserve is reached");
    }
    std::vector<FeedRecord> records(std::string_view topic) {
        const std::lock_guard lock(mutex_);
        std::vector<FeedRecord> out;
        for (const auto& record : stored_)
            if (record.topic == topic) out.push_back(record);
        return out;
    }
    std::size_t waiting() {
        const std::lock_guard lock(mutex_);
        return waiting_.size();
    }

  private:
    using Item = std::pair<FeedRecord, AppendDone>;

    void set(bool& flag, bool value) {
        const std::lock_guard lock(mutex_);
        flag = value;
        wake_.notify_all();
    }
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            wake_.wait(lock, [this] { return ending_ || (!waiting_.empty() && !holding_); });
            if (waiting_.empty() || (holding_ && !ending_)) return;
            std::vector<std::pair<AppendDone, Result<AppendReceipt>>> finished;
            for (auto& [record, done] : waiting_) {
                auto result = store(std::move(record));
                finished.emplace_back(std::move(done), std::move(result));
            }
            waiting_.clear();
            lock.unlock();
            for (auto it = finished.rbegin(); it != finished.rend(); ++it)
                it->first(std::move(it->second));
            lock.lock();
        }
    }
    Result<AppendReceipt> store(FeedRecord record) {
        if (error_ && record.ledger) return tl::unexpected(*error_);
        AppendReceipt receipt;
        if (record.ledger) {
            const auto [known, is_new] = ledger_.try_emplace(record.ledger->key, *record.ledger);
            if (!is_new) {
                if (known->second.body_hash == record.ledger->body_hash) {
                    receipt.outcome = Appended::Repeat;
                    receipt.answer = known->second.answer;
                    return receipt;
                }
                if (record.ledger->on_reused == OnReusedId::Refuse) {
                    receipt.outcome = Appended::Refused;
                    return receipt;
                }
                receipt.outcome = Appended::Reused;
                known->second = *record.ledger;
            }
        }
        receipt.offset = Offset(static_cast<std::int64_t>(stored_.size()));
        stored_.push_back(std::move(record));
        return receipt;
    }

    std::mutex mutex_;  // guards everything below
    std::condition_variable wake_;
    std::vector<Item> waiting_;
    std::vector<FeedRecord> stored_;
    std::map<std::string, LedgerEntry> ledger_;
    std::optional<Error> error_;
    bool holding_ = false;
    bool ending_ = false;
    std::thread thread_;
};

class FakeMetrics : public Metrics {
  public:
    void count(std::string_view name, const Labels& labels, double by) override {
        const std::lock_guard lock(mutex_);
        std::string key(name);
        for (const auto& [label, value] : labels) key += "," + label + "=" + value;
        counts_[key] += by;
    }
    void gauge(std::string_view, const Labels&, double) override {}
    void observe(std::string_view, const Labels&, double) override {}
    double value(const std::string& key) {
        const std::lock_guard lock(mutex_);
        return counts_[key];
    }

  private:
    std::mutex mutex_;
    std::map<std::string, double> counts_;
};

/// A listener over the fakes.
class Site {
  public:
    explicit Site(ListenerConfig config = {}) {
        config.port = 0;
        config.endpoint.name = "his";
        if (config.first_control_id == 0) config.first_control_id = 1;
        auto zone = hl7::SiteZone::named("Asia/Shanghai");
        auto started = Listener::start(std::move(config), *zone, {appender, metrics, clock});
        EXPECT_TRUE(started) << (started ? "" : started.error().message());
        listener = *std::move(started);
    }

    FixedClock clock;
    FakeMetrics metrics;
    FakeAppender appender;
    std::unique_ptr<Listener> listener;
};

/// A client that sends what it is told, byte by byte if need be, and gives up reading after five
/// seconds.
class RawClient {
  public:
    explicit RawClient(const Site& site) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(site.listener->port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        const timeval limit{5, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    ~RawClient() { ::close(socket_); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            ASSERT_GT(sent, 0);
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void end_sending() { ::shutdown(socket_, SHUT_WR); }

    /// The content of the next frame; empty at the end of the stream.
    std::string receive() {
        while (true) {
            if (const auto frame = decoder_.next()) return std::string(frame->content);
            const auto size = ::recv(socket_, decoder_.prepare(4096), 4096, 0);
            if (size <= 0) {
                closed_ = size == 0;
                return {};
            }
            decoder_.commit(static_cast<std::size_t>(size));
        }
    }
    bool closed() const { return closed_; }
    std::string ask(const std::string& message) {
        send(framed(message));
        return receive();
    }

  private:
    int socket_;
    FrameDecoder decoder_{1024 * 1024};
    bool closed_ = false;
};

inline std::string read_sample(const std::string& name) {
    std::ifstream file(std::string(VITALOG_SOURCE_DIR "/tests/data/hl7/") + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace vitalog::ingest::mllp
