#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "topology/log/log.h"

namespace vitalog::topology {

/// Names that can be stored, none twice, each with a partition. Configuration.
Result<void> check_topics(const std::vector<TopicConfig>& topics);

/// The configured topics that the log in `folder` does not have yet; `stored` are those it has, with their partitions.
/// Configuration where one has another number of partitions, or another name than the configuration gives it.
Result<std::vector<TopicConfig>> new_topics(const std::vector<TopicConfig>& configured, std::map<std::string, std::uint64_t> stored,
                                            std::string_view folder);

}  // namespace vitalog::topology
