#pragma once

#include "topology/log/kafka/committer.h"
#include "topology/log/kafka/restore.h"

namespace vitalog::topology::kafka {

/// Where a shard goes on, its state restored as far as that.
///
/// An offset of the group without our text beside it was set by a person (kafka-consumer-groups.sh
/// --reset-offsets): the shard goes on from there, with the state that is there. Errors: Damaged
/// where the cluster lost what the shard needs: the group's position, records that were not read
/// yet, or state. Its message says what is gone and what a person can do. Nothing is left out
/// without such a word.
Result<GroupPosition> resume_shard(const RestorePorts& ports, const Ticket& ticket, bool stateful);

}  // namespace vitalog::topology::kafka
