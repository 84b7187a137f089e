#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/topic_names.h"
#include "topology/cli/cli.h"
#include "topology/config.h"
#include "topology/log/log.h"

namespace vitalog::topology::cli {

/// The flags by which every command takes configuration, and `more` of its own.
std::vector<std::string_view> config_flags(std::vector<std::string_view> more);
/// The configuration in force: flags, environment, file, defaults.
Result<Config> load_config(const Arguments& arguments);

/// The same for what reads a log: without --data-dir, log.brokers alone names a cluster.
Result<Config> load_config_of_log(const Arguments& arguments);

/// The log of a stopped site, or of a cluster, for reading; `data_dir` may be empty on a cluster.
Result<std::unique_ptr<Log>> open_log_to_read(const Config& config, const schemas::TopicNames& names,
                                              const std::string& data_dir);

}  // namespace vitalog::topology::cli
