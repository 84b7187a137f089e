#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "schemas/base/duty.h"
#include "schemas/base/ports.h"
#include "sinks/effects/provider.h"
#include "sinks/effects/send_gate.h"

namespace vitalog::sinks {

/// Which records of a topic a worker takes. A message of priority high does not wait behind others:
/// two workers read one topic, each with positions of its own.
enum class Lane : std::uint8_t { All, High, Other };

struct EffectWorkerOptions {
    std::string channel = "sms";
    Lane lane = Lane::All;
    std::string topic = "send.sms";
    std::string receipt_topic = "feed.receipt";
    unsigned senders = 8;                ///< threads that talk to the provider
    std::size_t window = 32;             ///< attempts taken and not yet reported
    double rate_per_second = 100;        ///< of the provider; used where no gate is given
    std::size_t max_unsettled = 10'000;  ///< attempts in doubt; beyond, nothing new is taken
    std::chrono::microseconds query_after =
        std::chrono::seconds(10);  ///< first question about a doubt
    std::chrono::microseconds query_longest =
        std::chrono::minutes(10);  ///< back-off doubles up to this
    std::chrono::microseconds query_limit =
        std::chrono::hours(24);  ///< then the doubt stays unknown
    int empty_answers =
        2;  ///< times the provider must deny an attempt: its books may trail its sending
    std::chrono::milliseconds stop_grace{2'000};  ///< calls in hand may end by themselves
};

/// Header of a receipt in feed.receipt: the attempt's "topic/partition/offset".
inline constexpr std::string_view kSendHeader = "send";

/// Sends the attempts of `send.<channel>` through a provider, each at most once, and reports what
/// became of them to the one door (feed.receipt). The order for each attempt:
///
///   1. the record is on disk (sync), then the position "effects.CHANNEL" = *taken*, past it, is
///   made durable;
///   2. the provider is called;
///   3. the outcome is appended to feed.receipt, with the header `send` = "topic/partition/offset"
///   of the attempt.
///
/// What proves that an attempt was reported is that receipt itself. A second position,
/// "effects.CHANNEL.settled", follows behind taken: all before it were reported and are no longer
/// in doubt. A third, "effects.CHANNEL.receipts" on each partition of feed.receipt, lies before
/// every receipt of an attempt at or after settled. At start the attempts in [settled, taken) are
/// matched with the receipts from there on:
///
///   - a receipt that settles it (accepted, delivered, failed, not-sent): nothing to do;
///   - a receipt `unknown`: still in doubt, the provider is asked;
///   - no receipt: it may have been sent. Reported `unknown`, then the provider is asked.
///
/// A worker of the lane High calls its positions "effects.CHANNEL.high" and so on.
///
/// An attempt in doubt is never sent again from here: the provider's books settle it (found:
/// accepted, delivered or failed; denied several times: not-sent, which permits the stage to issue
/// the same attempt again), with back-off, up to query_limit. Five calls in a row without an answer
/// pause the sending (back-off to a minute, then one probe). Where the provider can't be asked,
/// what is in doubt is left to its receipts.
///
/// Where several processes may send, one is on duty. While it is not sure whether the duty is still
/// this one's, it waits: it stores no position, sends nothing, and says of nothing that it was not
/// sent. A worker whose turn is over withdraws for good, with what it took and did not send: the
/// one on duty finds that among what is in doubt.
///
/// `site` is the clock that attempts expire by; `wall` paces rate, pauses and queries. start(),
/// stop(), step() from one thread; lag() and unsettled() from any.
class EffectWorker {
  public:
    struct Ports {
        RecordSource& source;
        FeedAppender& feed;
        Provider& provider;
        const Clock& site;
        const Clock& wall;
        Metrics* metrics = nullptr;
        SendGate* gate = nullptr;      ///< shared by the lanes of a channel; null: one of its own
        std::function<Duty()> duty{};  ///< whether this process sends; empty: always
    };

    EffectWorker(EffectWorkerOptions options, Ports ports);
    ~EffectWorker();
    EffectWorker(const EffectWorker&) = delete;
    EffectWorker& operator=(const EffectWorker&) = delete;

    /// Starts the reader thread and the senders. Recovery happens on the reader thread, retried
    /// until it succeeds.
    void start();
    /// Takes nothing more; reports what was taken and not begun as not-sent ("stopped"), lets calls
    /// in hand end within stop_grace, then cuts them (unknown). Before the log closes. Idempotent.
    void stop();
    /// For tests, instead of start(): recovers on the first call, then one pass with everything
    /// done inline.
    Result<void> step();

    /// Attempts that can be read and have no reported outcome yet; one reported `unknown` does not
    /// count.
    std::int64_t lag() const;
    /// Attempts reported `unknown` about which the provider is still being asked.
    std::size_t unsettled() const;
    /// Its turn of the duty is over, and it does nothing more: another takes its place, here or
    /// elsewhere.
    bool withdrawn() const;

  private:
    enum class Phase : std::uint8_t { InHand, Doubtful, Asking };
    struct Item {
        std::size_t partition = 0;
        Offset offset;
        LogTime taken;
        Attempt attempt;
        std::shared_ptr<const std::vector<Offset>>
            receipts_from;                   ///< shared by the items of one read
        std::optional<SendOutcome> outcome;  ///< of whoever has it in hand; not reported yet
        // guarded by mutex_:
        Phase phase = Phase::InHand;
        bool superseded = false;
        LogTime doubt_since;
        LogTime next_query;
        int queries = 0;
        int denials = 0;
    };
    using ItemRef = std::shared_ptr<Item>;  // shared: the book of its partition and the sender that
                                            // has it in hand
    struct Book {
        TopicPartition tp;
        Offset next;  ///< where to read on: taken
        Offset stored_settled;
        std::map<Offset, ItemRef> open;  ///< taken, not settled
    };
    enum class Reported : std::uint8_t { Nothing, Unknown, Settled };
    /// The receipts since `from`, by the attempt that they are of.
    struct Receipts {
        std::shared_ptr<std::vector<Offset>> from;
        std::map<std::string, Reported> states;
        std::map<std::string, Offset> next;  ///< by partition: past the last that this reader sent
    };
    enum class Standing : std::uint8_t { OnDuty, NotSure, Over };

    // Recovery (effect_recovery.cc)
    Result<void> recover();
    Result<Book> open_book(std::uint32_t partition, const Receipts& receipts,
                           std::vector<ItemRef>& in_doubt);
    Result<void> collect_in_doubt(const Book& book, Offset settled, std::vector<ItemRef>& in_doubt);
    Result<Receipts> scan_receipts();
    Result<void> scan_receipt_partition(const TopicPartition& tp, Offset from, Receipts& found);

    // The reader
    void run_reader();
    Result<bool> pass();
    Result<std::size_t> take(Book& book);
    std::size_t allowance();
    ItemRef read_item(const Book& book, std::size_t index, const RecordView& record);
    Result<std::shared_ptr<const std::vector<Offset>>> receipt_ends() const;
    void ask_due();
    Result<void> store_positions();
    Result<void> store_taken_again(const Book& book);

    // The senders
    void run_sender();
    bool run_one();
    ItemRef next_item();
    bool send(const ItemRef& item);
    SendOutcome call(const Item& item);
    bool put_back(const ItemRef& item);
    void ask(const ItemRef& item);
    bool report(const Item& item, const SendOutcome& outcome);
    bool append(const Item& item, const SendOutcome& outcome);
    void settle(const ItemRef& item);
    void doubt(const ItemRef& item);
    Standing standing();
    void note_trouble(const SendOutcome& outcome);
    std::string reader_name(std::string_view suffix) const;
    void notice(const Item& item, const SendOutcome& outcome) const;

    const EffectWorkerOptions options_;
    const Ports ports_;
    SendGate own_gate_;
    SendGate& gate_;
    bool recovered_ = false;
    LogTime positions_stored_;
    std::vector<Offset> stored_receipts_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Book> books_;    // guarded by mutex_
    std::deque<ItemRef> queue_;  // guarded by mutex_
    std::size_t in_hand_ = 0;    // guarded by mutex_: taken, not reported
    std::size_t doubts_ = 0;     // guarded by mutex_
    int troubles_ = 0;           // guarded by mutex_: calls in a row without an answer
    LogTime paused_until_;       // guarded by mutex_
    bool stopping_ = false;      // guarded by mutex_
    std::uint64_t turn_ = 0;     // guarded by mutex_: of the duty, when it recovered
    bool withdrawn_ = false;     // guarded by mutex_
    std::chrono::steady_clock::time_point give_up_at_;  // guarded by mutex_, when stopping_
    std::size_t senders_running_ = 0;                   // guarded by mutex_

    std::thread reader_;
    std::vector<std::thread> senders_;
};

}  // namespace vitalog::sinks
