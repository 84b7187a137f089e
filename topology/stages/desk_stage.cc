#include "processors/desk/desk.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

// The doctor's hour: assign, remind, escalate, judge decisions.
Stage desk_stage() {
    using enum schemas::Topic;
    return {.name = "desk",
            .reads = {Task},
            .entity = "task: owner, clock, evidence",
            .does = "assign, deadline, escalate, judge decisions",
            .writes = {TaskBoard, Notification, Person, DeadLetter},
            .stateful = true,
            .make_processor = [] { return std::make_unique<processors::DeskProcessor>(); }};
}

}  // namespace vitalog::topology
