#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "topology/log/kafka/asker.h"
#include "topology/log/kafka/copies.h"
#include "topology/log/kafka/repeated.h"

namespace vitalog::topology::kafka {

/// Whose a partition is, as the group's `range` assignment gives them: consecutive partitions to
/// the members in the order of their names, one more to the first ones where they do not come out
/// even. An index of the sorted members, of whom there is one at least.
std::size_t range_owner(std::size_t members, std::uint32_t partitions, std::uint32_t partition);

/// The partitions that `instance` stands by for: those that would come to it were their owner gone,
/// or after it the next owner, and so on `standbys` times. Every member gives the same answer about
/// every other from the names alone. `members` is sorted, without repetition.
std::set<std::uint32_t> stands_by_for(const std::vector<std::string>& members,
                                      const std::string& instance, std::uint32_t partitions,
                                      std::size_t standbys);

/// Of those who were `known` and are not `present`, what `instance` has to clear up after: all of
/// them where it is the first of those present, else none.
std::set<std::string> left_by(const std::set<std::string>& known,
                              const std::set<std::string>& present, const std::string& instance);

/// What this process does for the others of its site: asks the cluster again and again who is in
/// the stages' groups, follows shards of others, and clears up after one that is gone from all
/// groups, lest a transaction that it left open holds up the shards' new owners until its time-out.
class Standby {
  public:
    struct Stage {
        std::string group;
        std::vector<std::string> shards;  ///< by partition of the stage's input
    };
    struct Options {
        std::string instance;
        std::size_t standbys = 0;   ///< of each shard
        std::vector<Stage> stages;  ///< with state, that this process runs
        std::function<Result<void>(const std::string& instance)> clear_up;
        Metrics* metrics = nullptr;
    };
    /// The asker and `copies` outlive it.
    Standby(Options options, Asker& asker, Copies& copies);

  private:
    void look();
    void drop_old();
    void clear_up(const std::set<std::string>& present);

    const Options options_;
    Asker& asker_;
    Copies& copies_;
    std::set<std::string> planned_;
    std::set<std::string> known_;  // instances that were in a group
    std::chrono::steady_clock::time_point dropped_ = std::chrono::steady_clock::now();
    Repeated looking_;
};

}  // namespace vitalog::topology::kafka
