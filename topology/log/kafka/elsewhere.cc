#include "topology/log/kafka/elsewhere.h"

#include "schemas/base/ports.h"
#include "topology/log/kafka/positions.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::chrono::milliseconds kEvery{250};

}  // namespace

Elsewhere::Elsewhere(rd_kafka_t* client, std::vector<Group> groups, Activity& activity)
    : client_(client),
      groups_(std::move(groups)),
      activity_(activity),
      thread_([this] { run(); }) {}

Elsewhere::~Elsewhere() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Elsewhere::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        for (const Group& group : groups_) ask(group);
        lock.lock();
        wake_.wait_for(lock, kEvery, [this] { return stopping_; });
    }
}

void Elsewhere::ask(const Group& group) {
    std::vector<TopicPartition> theirs;
    for (const TopicPartition& tp : group.partitions)
        if (!group.member || group.member->ownership(tp) == Ownership::Others) theirs.push_back(tp);
    if (theirs.empty()) return;
    const auto found = committed_offsets(client_, group.name, theirs, Stable::No);
    if (!found) return;  // asked again soon
    bool moved = false;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [tp, offset] : *found) {
            Offset& known = committed_[{group.name, tp}];
            moved |= known != offset.next;
            known = offset.next;
        }
    }
    if (moved) activity_.bump();
}

std::optional<Offset> Elsewhere::committed(std::string_view group,
                                           const TopicPartition& input) const {
    const std::lock_guard lock(mutex_);
    const auto found = committed_.find(std::pair(std::string(group), input));
    if (found == committed_.end()) return std::nullopt;
    return found->second;
}

}  // namespace vitalog::topology::kafka
