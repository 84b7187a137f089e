#include "processors/care/care_processor.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

// What it means: results and their corrections, indices as of the record that touched them, rules, episodes.
Stage care_stage() {
    using enum schemas::Topic;
    return {.name = "care",
            .reads = {Person},
            .entity = "person: everything known and pending about them",
            .does = "drop repeats, series, indices, rules, episodes",
            .writes = {Risk, Alert, Task, Notification, Person, DeadLetter},
            .stateful = true,
            .make_processor = [] { return std::make_unique<processors::care::CareProcessor>(); }};
}

}  // namespace vitalog::topology
