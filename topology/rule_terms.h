#pragma once

#include <vector>

#include "topology/publication.h"

namespace vitalog::topology {

/// What the rule packs among these say of codes and units, against the tables among them: a rule
/// over codes that no table knows, or in a unit that its values are not kept in, would never fire.
/// A code that is no LOINC code is refused beside others that are known, too. Of publications of
/// one name the last counts. Nothing is said without tables of codes, or where these do not fit
/// together. Configuration: "FILE:LINE: what is wrong; what to write instead".
Result<void> check_terms(const std::vector<Publication>& publications);

/// Whether every index that one of these packs names is one that care computes, and every band one
/// of its index's. Asked of what is published; what was in force before stays there. Configuration
/// as above.
Result<void> check_bands(const std::vector<Publication>& publications);

/// Whether every rule that one of these packs inhibits is in one of them.
Result<void> check_inhibited(const std::vector<Publication>& publications);

}  // namespace vitalog::topology
