#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "schemas/base/ids.h"
#include "topology/log/log.h"

namespace vitalog::topology::kafka {

/// Which partitions a member of a consumer group has, by the word of its assignments, each under a
/// number that tells one turn from the next. The caller guards it.
class Holdings {
  public:
    /// `generation`: of the group, counted up by one with each assignment; nullopt: not known.
    void assigned(std::optional<std::int32_t> generation,
                  const std::vector<TopicPartition>& partitions);
    /// `lost`: others have them already.
    void revoked(bool lost);
    /// No word of an assignment is expected any more.
    void clear();

    Ownership ownership(const TopicPartition& tp) const;
    /// The turn's number: counts up each time that the partition comes from others, who may have
    /// worked on it. Stays while partitions are moved, and after it when nobody else can have had
    /// it; 0: not ours.
    std::uint64_t holding(const TopicPartition& tp) const;
    /// All that is held now, nothing while partitions are moved.
    std::vector<TopicPartition> held() const;

  private:
    using Turns = std::map<TopicPartition, std::uint64_t>;
    std::uint64_t turns_ = 0;
    Turns held_;
    Turns before_;  // between a revocation and the next assignment
    std::optional<std::int32_t> generation_;
    bool moving_ = true;  // nothing was assigned yet, or anew
};

}  // namespace vitalog::topology::kafka
