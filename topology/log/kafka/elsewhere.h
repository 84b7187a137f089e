#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "topology/log/kafka/activity.h"
#include "topology/log/kafka/client.h"
#include "topology/log/kafka/membership.h"

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
    /// `client` and the memberships outlive it.
    Elsewhere(rd_kafka_t* client, std::vector<Group> groups, Activity& activity);
    ~Elsewhere();

    /// nullopt until it was asked, and where nothing was committed.
    std::optional<Offset> committed(std::string_view group, const TopicPartition& input) const;

  private:
    void run();
    void ask(const Group& group);

    rd_kafka_t* const client_;
    const std::vector<Group> groups_;
    Activity& activity_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable wake_;
    std::map<std::pair<std::string, TopicPartition>, Offset, std::less<>> committed_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace vitalog::topology::kafka
