#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "topology/log/kafka/activity.h"
#include "topology/log/kafka/restore.h"

namespace vitalog::topology::kafka {

/// Who writes the copies of shards' state in the data directory: the restore of a shard that this
/// process is to run, then the commits of whoever opened it, or a follower of one that another
/// process runs. One at a time for each shard. Restores and followers are stepped in turn by a few
/// threads of its own, restores first, so that no shard waits for another's. Thread-safe.
class Copies {
  public:
    /// `places`: all shards that this process may run.
    Copies(const std::vector<ShardPlace>& places, CopyPorts ports, Activity& activity);
    ~Copies();

    /// Where the shard goes on, once its copy is complete: it is the caller's until release().
    /// nullopt while it is being restored, which the first call begins: activity changes when that
    /// ends. `holding` is Membership::holding of the caller's turn. Conflict when the shard is
    /// open, NotFound, and what a restore gives.
    Result<std::optional<GroupPosition>> open(const std::string& shard, std::uint64_t holding);
    void release(const std::string& shard);
    /// From now on these are followed, as far as they are not this process's, and no others.
    void follow(const std::set<std::string>& shards);
    /// Removes the copies that nobody has written for longer than they are good for.
    Result<void> drop_old();

  private:
    struct Copy {
        enum class State : std::uint8_t { Queued, Running, Ready, Failed, Open };
        const ShardPlace* place = nullptr;
        State state = State::Queued;
        std::uint64_t holding = 0;  ///< of the restore; 0: followed
        std::unique_ptr<CopyWork> work;
        std::chrono::steady_clock::time_point due;
        std::optional<GroupPosition> position;  // Ready
        std::optional<Error> error;             // Failed
        bool dropped = false;                   // while Running: not wanted any more
    };
    using Found = std::map<std::string, Copy>::iterator;

    void begin(Copy& copy, const ShardPlace& place, std::uint64_t holding);
    bool drop_unfollowed(const std::string& shard, Copy& copy, const std::set<std::string>& shards);
    void run();
    Found next_due(std::chrono::steady_clock::time_point now);
    bool wanted(const Copy& copy) const;
    void settle(Found copy, const Result<CopyStep>& step);

    const CopyPorts ports_;
    Activity& activity_;
    std::map<std::string, ShardPlace> places_;  // by shard; as it is from the begin

    std::mutex mutex_;  // guards what follows, but not the work of a copy that is Running
    std::condition_variable changed_;
    std::map<std::string, Copy> copies_;  // by shard
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace vitalog::topology::kafka
