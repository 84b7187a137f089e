#pragma once

#include "schemas/base/result.h"
#include "topology/log/rocks.h"

namespace vitalog::topology {

// Data directories of the first version (VLOG 1). Their records, positions, ledger and entities are
// read as they lie: blocks without a place in the chain (block_chain.h), entities of older forms.
// What else they lack is made up for here, in one write, before the directory gets this version's
// number: nothing is half done, and what was done may be done again.
//   - The links of the blocks that lie there, so that those to come follow them. Reads every block,
//     and so finds what is damaged while the version before can still be run.
//   - Attempts of priority high have senders of their own by now ("effects.CHANNEL.high"), who take
//     over where the only one stood: what it took is not sent again.

/// Conflict where the site was not stopped in order, so that another logic would go on with its
/// state (`accept_drift`: all the same), or where a version between wrote the directory. Damaged.
Result<void> complete_first_version(Rocks& rocks, bool accept_drift);

}  // namespace vitalog::topology
