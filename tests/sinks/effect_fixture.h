#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "schemas/json_decode.h"
#include "sinks/effects/effect_worker.h"
#include "tests/sinks/set_clock.h"

namespace vitalog::sinks {

using namespace std::chrono_literals;
using schemas::ReceiptState;

inline constexpr LogTime kBegin(1'700'000'000'000'000);

/// A log in memory with the durability that matters here: what is not synced may not be sent,
/// positions are durable at once. It can refuse appends, and can be told to be dead (a crash:
/// nothing is taken any more).
class FakeLog : public RecordSource, public FeedAppender {
  public:
    std::uint32_t partitions(std::string_view topic) const override {
        return topic == "send.sms" ? 2 : topic == "feed.receipt" ? 2 : 0;
    }
    Result<Offset> begin_offset(const TopicPartition&) const override { return Offset(0); }
    Result<Offset> end_offset(const TopicPartition& tp) const override {
        const std::lock_guard lock(mutex_);
        return Offset(static_cast<std::int64_t>(records_[tp].size()));
    }
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t,
                      RecordBatch& out) const override {
        const std::lock_guard lock(mutex_);
        if (silences > 0) {
            --silences;
            out.next = from;
            return {};
        }
        const auto& records = records_[tp];
        for (auto i = from.value(); i < static_cast<std::int64_t>(records.size()); ++i) {
            const auto& record = *records[static_cast<std::size_t>(i)];
            out.owners.push_back(records[static_cast<std::size_t>(i)]);
            out.records.push_back(
                {Offset(i), record.timestamp, record.key, record.value, Headers(record.headers)});
        }
        out.next = Offset(static_cast<std::int64_t>(records.size()));
        return {};
    }
    Result<void> sync() override {
        if (dead) return fail(Errc::Io, "dead");
        ++syncs;
        if (on_sync) on_sync();
        return {};
    }
    std::uint64_t activity() const override { return activity_; }
    void wait(std::uint64_t seen, std::chrono::milliseconds timeout) const override {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, timeout, [&] { return activity_ != seen; });
    }
    Result<std::optional<Offset>> load_position(std::string_view reader,
                                                const TopicPartition& tp) const override {
        const std::lock_guard lock(mutex_);
        const auto found = positions_.find(std::string(reader) + " " + to_string(tp));
        if (found == positions_.end()) return std::optional<Offset>();
        return std::optional<Offset>(found->second);
    }
    Result<void> store_position(std::string_view reader, const TopicPartition& tp,
                                Offset next) override {
        if (dead) return fail(Errc::Io, "dead");
        const std::lock_guard lock(mutex_);
        positions_[std::string(reader) + " " + to_string(tp)] = next;
        return {};
    }
    void append(FeedRecord record, AppendDone done) override {
        if (refusals > 0 || dead) {
            --refusals;
            return done(fail(Errc::Busy, "disk reserve"));
        }
        put({record.topic, partition_of(record.key, 2)}, record.key, record.value, record.headers);
        done(AppendReceipt{});
    }
    void put(const TopicPartition& tp, std::string key, std::string value, std::string headers) {
        {
            const std::lock_guard lock(mutex_);
            records_[tp].push_back(std::make_shared<NewRecord>(
                NewRecord{std::move(key), std::move(value), std::move(headers),
                          kBegin}));
            ++activity_;
        }
        changed_.notify_all();
    }
    /// "attempt:state[:code]" of every receipt, in order of partition and offset.
    std::vector<std::string> receipts() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> out;
        schemas::Decoder decoder;
        for (const auto& [tp, records] : records_) {
            if (tp.topic != "feed.receipt") continue;
            for (const auto& record : records) {
                const auto receipt = *schemas::decode<schemas::Receipt>(record->value, decoder);
                EXPECT_EQ(record->key, receipt.recipient);
                EXPECT_EQ(Headers(record->headers).find(header::kFormat), "json");
                out.push_back(std::string(receipt.attempt) + ":" +
                              std::string(schemas::name_of_enum(receipt.state)) +
                              (receipt.code.empty() ? "" : ":" + std::string(receipt.code)) +
                              (receipt.retryable ? ":retryable" : ""));
            }
        }
        return out;
    }
    Offset position(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        const auto found = positions_.find(name);
        return found == positions_.end() ? Offset(-1) : found->second;
    }

    mutable std::atomic<int> silences{0};  ///< reads that give nothing, though something is there
    std::atomic<int> refusals{0};
    std::atomic<bool> dead{false};
    std::atomic<int> syncs{0};
    std::function<void()> on_sync;

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    mutable std::map<TopicPartition, std::vector<std::shared_ptr<NewRecord>>> records_;
    std::map<std::string, Offset> positions_;
    std::atomic<std::uint64_t> activity_{0};
};

/// A provider with books: what it took, by attempt. Behaves as told for the next calls.
class FakeProvider : public Provider {
  public:
    enum class Next { Accept, Refuse, Lose, TakeAndLose, Unreachable, Config };

    std::string_view name() const override { return "aliyun"; }
    SendOutcome send(const Attempt& attempt) override {
        if (on_send) on_send(attempt);
        const std::lock_guard lock(mutex);
        ++calls[attempt.attempt];
        Next next = Next::Accept;
        if (!script.empty()) {
            next = script.front();
            script.pop_front();
        }
        if (next == Next::Accept || next == Next::TakeAndLose)
            books[attempt.attempt] = ReceiptState::Delivered;
        switch (next) {
            case Next::Accept:
                return {.state = ReceiptState::Accepted, .code = "OK", .provider_id = "B1"};
            case Next::Refuse:
                return {.state = ReceiptState::NotSent, .code = "limit", .retryable = true};
            case Next::Unreachable:
                return {.state = ReceiptState::NotSent, .code = "unreachable", .retryable = true};
            case Next::Config:
                return {.state = ReceiptState::NotSent, .code = "sign", .configuration = true};
            default:
                return {.state = ReceiptState::Unknown, .code = "timeout"};
        }
    }
    QueryOutcome query(const Attempt& attempt, LogTime) override {
        const std::lock_guard lock(mutex);
        ++queries;
        if (unavailable) return {};
        const auto found = books.find(attempt.attempt);
        if (found == books.end()) return {.found = QueryOutcome::Found::No};
        return {.found = QueryOutcome::Found::Yes, .state = found->second};
    }
    void abort() override { aborted = true; }

    std::mutex mutex;
    std::deque<Next> script;
    std::map<std::string, int> calls;
    std::map<std::string, ReceiptState> books;
    int queries = 0;
    bool unavailable = false;
    std::atomic<bool> aborted{false};
    std::function<void(const Attempt&)> on_send;
};

class EffectWorkerTest : public testing::Test {
  protected:
    EffectWorkerTest() { restart(); }
    void restart(EffectWorkerOptions options = {}) {
        worker_.reset();
        worker_ = std::make_unique<EffectWorker>(
            options, EffectWorker::Ports{log_, log_, provider_, clock_, clock_, nullptr, nullptr,
                                         [this] {
                                             if (look_) look_();
                                             return Duty{turn_, sure_};
                                         }});
    }
    void issue(const std::string& attempt, std::chrono::microseconds valid = 1h,
               schemas::Priority priority = schemas::Priority::Medium) {
        schemas::Send send;
        const std::string recipient = "user:" + attempt;
        send.intent = "i";
        send.attempt = attempt;
        send.recipient = recipient;
        send.to = "13900000001";
        send.priority = priority;
        send.template_name = "SMS_1";
        send.not_after = (clock_.now() + valid).as<ReceivedTime>();
        log_.put(tp_, recipient, schemas::encode(send), "");
    }
    void step() {
        const auto done = worker_->step();
        ASSERT_TRUE(done) << done.error().to_string();
    }
    std::multiset<std::string> receipts() const {
        const auto all = log_.receipts();
        return {all.begin(), all.end()};
    }
    using Receipts = std::multiset<std::string>;
    using Next = FakeProvider::Next;

    const TopicPartition tp_{"send.sms", Partition(1)};
    FakeLog log_;
    FakeProvider provider_;
    SetClock clock_{kBegin};
    std::atomic<std::uint64_t> turn_{1};  ///< of the duty; 0: another's
    std::atomic<bool> sure_{true};
    std::function<void()> look_;  ///< at each look at the duty
    std::unique_ptr<EffectWorker> worker_;
};

}  // namespace vitalog::sinks
