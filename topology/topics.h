#pragma once

#include <vector>

#include "topology/config.h"
#include "topology/log/log.h"
#include "schemas/topic_names.h"

namespace vitalog::topology {

/// The site's names and partition counts of all topics.
schemas::TopicNames configured_names(const Config& config);
/// All topics as the log is to have them, retention included.
std::vector<TopicConfig> configured_topics(const Config& config, const schemas::TopicNames& names);

}  // namespace vitalog::topology
