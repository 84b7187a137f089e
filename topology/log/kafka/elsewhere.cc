#include "topology/log/kafka/elsewhere.h"

#include "schemas/base/ports.h"
#include "topology/log/kafka/positions.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::chrono::milliseconds kEvery{250};

}  // namespace

Elsewhere::Elsewhere(Asker& asker, std::vector<Group> groups, Activity& activity)
    : asker_(asker),
      groups_(std::move(groups)),
      activity_(activity),
      asking_("elsewhere", kEvery, [this] {
          for (const Group& group : groups_)
              if (!asking_.stopping()) ask(group);
      }) {}

void Elsewhere::ask(const Group& group) {
    std::vector<TopicPartition> theirs;
    for (const TopicPartition& tp : group.partitions)
        if (!group.member || group.member->ownership(tp) == Ownership::Others) theirs.push_back(tp);
    if (theirs.empty()) return;
    const auto found = committed_offsets_now(asker_, group.name, theirs, Stable::No);
    if (!found || !*found) return;  // asked again soon
    bool moved = false;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [tp, offset] : **found) {
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
