#pragma once

#include <string_view>
#include <vector>

#include "topology/cli/cli.h"
#include "topology/config.h"

namespace vitalog::topology::cli {

/// The flags by which every command takes configuration, and `more` of its own.
std::vector<std::string_view> config_flags(std::vector<std::string_view> more);
/// The configuration in force: flags, environment, file, defaults.
Result<Config> load_config(const Arguments& arguments);

}  // namespace vitalog::topology::cli
