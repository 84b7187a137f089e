#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::topology {

/// Appends that wait to be made durable together. records[i] is answered by done[i].
struct AppendGroup {
    std::vector<FeedRecord> records;
    std::vector<AppendDone> done;
    std::size_t bytes = 0;

    bool empty() const { return records.empty(); }
};

/// A bounded queue of appends and the one thread that takes everything waiting, up to a group's
/// limits, and hands it on: whoever appends while a group is on its way to disk shares the next
/// fsync. Thread-safe.
class GroupCommitter {
  public:
    struct Limits {
        std::size_t queue_records = 65'536;
        std::size_t queue_bytes = std::size_t{128} << 20;
        std::size_t group_records = 8'192;
        std::size_t group_bytes = std::size_t{4} << 20;
    };
    /// `commit` gets each group, `sync` is called after a nudge that no group followed; both on the
    /// thread.
    GroupCommitter(Limits limits, std::function<void(AppendGroup)> commit,
                   std::function<void()> sync);
    /// Calls stop().
    ~GroupCommitter();

    /// Takes both when there is room; leaves them otherwise and gives false.
    bool offer(FeedRecord& record, AppendDone& done);
    /// What was written lately is waited for: sync soon.
    void nudge();
    /// Commits what waits, then ends the thread. What is offered afterwards finds no room.
    void stop();

  private:
    void run();
    AppendGroup take();

    const Limits limits_;
    const std::function<void(AppendGroup)> commit_;
    const std::function<void()> sync_;

    std::mutex mutex_;  // guards what follows
    std::condition_variable wanted_;
    AppendGroup waiting_;
    bool nudged_ = false;
    bool stopping_ = false;

    std::thread thread_;
};

/// What a record takes in the queue.
std::size_t memory_bytes(const FeedRecord& record);

}  // namespace vitalog::topology
