#include "processors/identity/identity_processor.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

// Whose is it: an identifier knows its person, links others, and learns of merges from the one entity `merges`.
Stage identity_stage() {
    using enum schemas::Topic;
    return {.name = "identity",
            .reads = {Subject},
            .entity = "identifier (\"authority|value\"); one more, \"merges\", holds the forest of merges",
            .does = "find the person, link, merge",
            .writes = {Person, Subject, DeadLetter},
            .stateful = true,
            .make_processor = [] { return std::make_unique<processors::IdentityProcessor>(); }};
}

}  // namespace vitalog::topology
