#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/topics.h"
#include "topology/runtime/runtime.h"

namespace vitalog::topology {

/// One stage of the topology: a value that can be described before it runs. One file per stage.
struct Stage {
    std::string_view name;
    std::vector<schemas::Topic> reads;
    std::string_view entity;  ///< and its key
    std::string_view does;
    std::vector<schemas::Topic> writes;
    bool stateful = true;
    ProcessorFactory make_processor;  ///< null: not a shard stage (views, effects)
};

Stage intake_stage();
Stage identity_stage();
Stage care_stage();
Stage desk_stage();
Stage notify_stage();
Stage views_stage();
Stage effects_stage();

/// All stages in the order of the way of the data.
std::vector<Stage> all_stages();
/// The topology as text: every stage, topic and entity named. Pinned by a golden test.
std::string describe();
/// The same way as a Mermaid flowchart: stages are boxes, topics are cylinders.
std::string describe_mermaid();

}  // namespace vitalog::topology
