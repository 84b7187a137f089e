#include "ingest/intake/intake_processor.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

// Bytes as received become canonical events: decode, validate, map codes and units. What can't be used goes to
// dead-letter with the bytes it came in. Several inputs, therefore no state; every shard follows feed.control by itself.
Stage intake_stage() {
    using enum schemas::Topic;
    return {.name = "intake",
            .reads = {FeedHis, FeedLis, FeedPacs, FeedWearable, FeedDirectory, FeedDecision, FeedReceipt, FeedControl,
                      FeedOperation},
            .entity = "none: a function of the record and the site tables",
            .does = "decode, validate, map codes and units",
            .writes = {Subject, Person, Task, Notification, DeadLetter},
            .stateful = false,
            .make_processor = [] { 
                auto processor = ingest::IntakeProcessor::make();
                VITALOG_ASSERT(processor.has_value(), "the default site zone is missing: install tzdata");
                return *std::move(processor);
            }};
}

}  // namespace vitalog::topology
