#pragma once

#include <vector>

#include "topology/log/log.h"

namespace vitalog::topology {

/// Names that can be stored, none twice, each with a partition. Configuration.
Result<void> check_topics(const std::vector<TopicConfig>& topics);

}  // namespace vitalog::topology
