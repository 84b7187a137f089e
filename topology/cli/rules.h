#pragma once

#include <string>
#include <vector>

#include "topology/cli/cli.h"

namespace vitalog::topology::cli {

extern const Command kRules;

/// vitalog rules backtest. Gives an exit code; what is wrong is printed.
int run_backtest(const std::vector<std::string>& words);

}  // namespace vitalog::topology::cli
