#pragma once

#include "topology/log/kafka/positions.h"
#include "topology/log/kafka/restore.h"

namespace vitalog::topology::kafka {

/// Where a shard goes on, by what its group committed (committed_offsets); nullopt where that is
/// nothing.
///
/// An offset of the group without our text beside it was set by a person (kafka-consumer-groups.sh
/// --reset-offsets): the shard goes on from there, with the state that is there. Errors: Damaged
/// where the cluster lost what the shard needs: the group's position, or records that were not read
/// yet. Its message says what is gone and what a person can do. Nothing is left out without such a
/// word.
Result<std::optional<GroupPosition>> group_position(
    const CopyPorts& ports, const ShardPlace& place,
    const std::map<TopicPartition, CommittedOffset>& committed);

/// A shard that has no position begins with what there is, unless it ran before: Damaged then. Its
/// state was restored.
Result<GroupPosition> first_position(const CopyPorts& ports, const ShardPlace& place);

}  // namespace vitalog::topology::kafka
