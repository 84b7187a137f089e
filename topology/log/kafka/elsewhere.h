#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "topology/log/kafka/activity.h"
#include "topology/log/kafka/asker.h"
#include "topology/log/kafka/membership.h"
#include "topology/log/kafka/repeated.h"

namespace vitalog::topology::kafka {

/// Where the shards stand that other processes run: asked of the cluster a few times a second.
/// Thread-safe.
class Elsewhere {
  public:
    /// A stage's group, its inputs, and our membership in it; null: this process does not run the
    /// stage.
    struct Group {
        std::string name;
        std::vector<TopicPartition> partitions;
        const Membership* member = nullptr;
    };
    /// The asker and the memberships outlive it.
    Elsewhere(Asker& asker, std::vector<Group> groups, Activity& activity);

    /// nullopt until it was asked, and where nothing was committed.
    std::optional<Offset> committed(std::string_view group, const TopicPartition& input) const;

  private:
    void ask(const Group& group);

    Asker& asker_;
    const std::vector<Group> groups_;
    Activity& activity_;
    mutable std::mutex mutex_;  // guards what follows
    std::map<std::pair<std::string, TopicPartition>, Offset, std::less<>> committed_;
    Repeated asking_;
};

}  // namespace vitalog::topology::kafka
