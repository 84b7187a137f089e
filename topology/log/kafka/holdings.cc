#include "topology/log/kafka/holdings.h"

namespace vitalog::topology::kafka {

/// What was held until the revocation is held on where this is the very next generation: in one
/// between them, which a member that was slow to join never saw, others had it.
void Holdings::assigned(std::optional<std::int32_t> generation,
                        const std::vector<TopicPartition>& partitions) {
    if (!generation || !generation_ || *generation != *generation_ + 1) before_.clear();
    ++turns_;
    held_.clear();
    for (const TopicPartition& tp : partitions) {
        const auto kept = before_.find(tp);
        held_[tp] = kept == before_.end() ? turns_ : kept->second;
    }
    before_.clear();
    generation_ = generation;
    moving_ = false;
}

void Holdings::revoked(bool lost) {
    before_ = lost ? Turns() : held_;
    held_.clear();
    moving_ = true;
}

void Holdings::clear() {
    held_.clear();
    before_.clear();
    generation_.reset();
    moving_ = false;
}

Ownership Holdings::ownership(const TopicPartition& tp) const {
    if (held_.contains(tp)) return Ownership::Ours;
    return moving_ ? Ownership::Undecided : Ownership::Others;
}

std::uint64_t Holdings::holding(const TopicPartition& tp) const {
    for (const auto* turns : {&held_, &before_})
        if (const auto found = turns->find(tp); found != turns->end()) return found->second;
    return 0;
}

std::vector<TopicPartition> Holdings::held() const {
    std::vector<TopicPartition> all;
    for (const auto& [tp, turn] : held_) all.push_back(tp);
    return all;
}

}  // namespace vitalog::topology::kafka
