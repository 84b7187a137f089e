#pragma once

#include "processors/identity/merges.h"
#include "processors/identity/site_policy.h"
#include "processors/processor.h"
#include "schemas/events/identity.h"

// What the entity "merges" decides. Its partition of the log is the order in which merges happened:
// of two that contradict each other the first holds.

namespace vitalog::processors::identity {

/// Checks a hospital's request and sends it round to ask whose its identifiers are. Malformed, and
/// Conflict where both are the same (MRG-1 = PID-3).
Result<void> ask_whose(const schemas::MergeRequest& request, Context& out);

/// Judges a request whose identifiers are known by their founders. What was merged this way before
/// has no effect. Conflict when hospitals said the opposite before: it would be a cycle.
Result<void> judge(MergesEntity& merges, const schemas::MergeInquiry& inquiry, Context& out);

/// Merges two persons that share a trusted identifier, or records the pair for an operator, once.
Result<void> settle(MergesEntity& merges, const schemas::IdentityClash& clash,
                    const SitePolicy& policy, Context& out);

}  // namespace vitalog::processors::identity
