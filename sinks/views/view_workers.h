#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/views/view_worker.h"

namespace vitalog::sinks::views {

/// The workers of one process over one place: several for a PostgreSQL database, each with
/// partitions of its own; a SQLite file has one. Thread-safe but for start(), stop() and
/// catch_up().
class ViewWorkers {
  public:
    /// `options` without share and board. Errors of ViewStore::open.
    static Result<std::unique_ptr<ViewWorkers>> open(const std::string& place, Side side,
                                                     Generation generation, RecordSource& source,
                                                     const ViewWorkerOptions& options);

    void start();
    /// Ends the threads after the transactions in hand, reports the positions, ends all waits.
    void stop();

    Offset position(const TopicPartition& tp) const;
    /// Records not yet shown, over all partitions.
    Result<std::uint64_t> lag() const;
    /// As ViewWorker's.
    void wait_for_judgement(const std::string& root, std::chrono::milliseconds timeout,
                            JudgementBoard::Done done) {
        board_.wait(root, timeout, std::move(done));
    }
    std::optional<Error> failure() const;

    /// Instead of start(): applies what is in the log, each worker in a thread of its own.
    /// `progress` is told records applied and records still to come.
    Result<void> catch_up(const std::function<void(std::uint64_t, std::uint64_t)>& progress);

  private:
    ViewWorkers() = default;

    JudgementBoard board_;
    std::vector<std::unique_ptr<ViewWorker>> workers_;
};

struct RebuildOptions {
    std::function<void(std::uint64_t, std::uint64_t)> progress = {};  ///< of catch_up()
    ViewWorkerOptions workers = {};
};

/// Fills new tables from the log, to the end of what is there when it begins, and puts them in the
/// place of the live ones, which are as they were should it fail. Nothing of this process may have
/// the place open.
Result<void> rebuild_views(const std::string& place, Generation generation, RecordSource& source,
                           const RebuildOptions& options = {});

}  // namespace vitalog::sinks::views
