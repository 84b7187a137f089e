#pragma once

#include "tests/simulation/world.h"

namespace vitalog::simulation {

/// Every stage's logged input folded anew by fresh processors, record by record: its outputs must
/// be those in the log, shard by shard and in their order; the stored state must be the fold's, and
/// so must every entity that a commit ever stored, as of the position it carries. The world was
/// stopped.
Result<void> check_folds(World& world);

/// Nothing acknowledged is lost; one record of a kind per alert revision, one task per alert, one
/// intent per message; each attempt was sent at most once, and rests on a record in the log.
Result<void> check_records(World& world);

/// Each person's outputs, and each task's, are the same sequence with the same ids in both.
Result<void> check_same(World& disturbed, World& undisturbed);

}  // namespace vitalog::simulation
