#pragma once

#include "processors/care/turn.h"
#include "schemas/events/identity.h"

namespace vitalog::processors::care {

/// The loser of a merge hands over all it holds, and forwards from then on.
void hand_over(Turn& turn, const schemas::PersonMerged& merged);

/// The survivor takes over what the loser held: results, open episodes, decisions. Damaged when the
/// state can't be read; nothing has changed then.
Result<void> take_over(Turn& turn, const schemas::PersonMoved& moved,
                       std::vector<Touched>& touched);

}  // namespace vitalog::processors::care
