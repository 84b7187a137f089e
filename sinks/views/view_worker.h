#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "sinks/views/judgement_board.h"
#include "sinks/views/view_store.h"

namespace vitalog::sinks::views {

struct ViewWorkerOptions {
    std::size_t batch_bytes = 4 << 20;  ///< read into one transaction, over all partitions
    std::chrono::milliseconds idle{
        20};  ///< waits for records at most so long before it looks at its timers
    std::chrono::seconds report{10};  ///< how often the log learns where the views stand
    Metrics* metrics = nullptr;
    schemas::TopicNames topics = {};
    std::uint32_t share = 0;          ///< follows the partitions whose number leaves this rest ...
    std::uint32_t shares = 1;         ///< ... when divided by this
    JudgementBoard* board = nullptr;  ///< whose waits it ends; null: its own
};

/// Follows `person`, `risk`, `alert`, `task-board` and `delivery` and keeps the views. Owns the
/// store and one thread; everything public is thread-safe, except that step() may not be mixed with
/// start(). What a decision waits for (task-board, delivery, alert) is read before what comes in
/// bulk.
class ViewWorker {
  public:
    static constexpr std::string_view kReader = "views";
    /// The topics by the site's names, in the order in which they are read.
    static std::vector<std::string> followed(const schemas::TopicNames& topics);

    ViewWorker(ViewStore store, RecordSource& source, ViewWorkerOptions options = {});
    ~ViewWorker();
    ViewWorker(const ViewWorker&) = delete;
    ViewWorker& operator=(const ViewWorker&) = delete;

    void start();
    /// Ends the thread after the transaction in hand, reports the positions, ends all waits.
    void stop();
    /// One round, for tests and rebuilds: true when something was applied or found applied.
    Result<bool> step();

    /// The next offset the views will apply of that partition.
    Offset position(const TopicPartition& tp) const;
    /// Records not yet shown, over all partitions.
    Result<std::uint64_t> lag() const;
    /// Calls back once the views show the judgement of the feed.decision record `root` (32 hex
    /// digits), or with nothing after the time-out.
    void wait_for_judgement(const std::string& root, std::chrono::milliseconds timeout,
                            JudgementBoard::Done done) {
        board().wait(root, timeout, std::move(done));
    }
    /// Why the views stand still; nothing while they follow.
    std::optional<Error> failure() const;

  private:
    JudgementBoard& board() { return options_.board != nullptr ? *options_.board : own_board_; }
    bool mine(std::uint32_t partition) const {
        return partition % options_.shares == options_.share;
    }
    void follow();
    Result<bool> round();
    Result<std::size_t> collect(std::string_view topic, std::size_t budget);
    Result<std::size_t> collect_partition(const TopicPartition& tp, std::size_t budget);
    Result<Offset> from_the_start(const TopicPartition& tp);
    Result<void> report_positions();
    void note_failure(std::optional<Error> error);
    void pause(std::chrono::milliseconds time);

    RecordSource& source_;
    const ViewWorkerOptions options_;
    const std::vector<std::string> topics_;  // in the order in which they are read
    JudgementBoard own_board_;

    // Used by the thread that steps.
    ViewStore store_;
    std::vector<RecordBatch> batches_;
    std::vector<ViewBatch> collected_;
    std::map<TopicPartition, Offset> reported_;
    std::chrono::steady_clock::time_point report_due_;
    std::map<std::string, std::uint32_t, std::less<>> first_partition_;  // takes turns

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::map<TopicPartition, Offset> positions_;  // guarded by mutex_
    std::optional<Error> failure_;                // guarded by mutex_
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace vitalog::sinks::views
