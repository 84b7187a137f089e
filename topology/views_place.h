#pragma once

#include <string>

#include "topology/config.h"

namespace vitalog::topology {

/// The path of the views' SQLite file; empty where they are in a database.
std::string views_file(const Config& config, const std::string& data_dir);
/// The place of the views, as sinks/views takes it: that file, or the database.
std::string views_place(const Config& config, const std::string& data_dir);

}  // namespace vitalog::topology
