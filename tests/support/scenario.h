#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/scenario_script.h"

namespace vitalog::tests {

/// Runs a script three times through the real stages: over three partitions; the same with a crash
/// in the middle and another at the end of what every input brings; and over one partition. Every
/// run must meet the expectations, a crashed run must have the same records with the same ids, and
/// every person must get the same in the same order (architecture.md, "what equality means").
///
/// Gives what went wrong, one entry each, beginning with "line N"; empty: nothing did.
std::vector<std::string> run_scenario(const Script& script);

/// What the first of these runs puts out, each line of the script followed by what came of it: for
/// whoever writes one.
std::string show_scenario(const Script& script);

}  // namespace vitalog::tests
