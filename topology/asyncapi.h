#pragma once

#include <string>
#include <vector>

#include "schemas/topic_names.h"
#include "topology/log/log.h"

namespace vitalog::topology {

/// The site's topics as an AsyncAPI 3.0 document in YAML: for each its key, headers, payload,
/// partitions and retention, and what it is to others. Payloads refer to json/*.schema.json beside
/// the document. `topics` are those of configured_topics, in the order of the catalogue.
std::string asyncapi(const schemas::TopicNames& names, const std::vector<TopicConfig>& topics);

}  // namespace vitalog::topology
