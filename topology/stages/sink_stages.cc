#include "topology/stages/stage.h"

namespace vitalog::topology {

// Upserts into SQL, position in the same transaction; the FHIR API reads from there.
Stage views_stage() {
    using enum schemas::Topic;
    return {.name = "views",
            .reads = {Person, Risk, Alert, TaskBoard, Delivery},
            .entity = "none",
            .does = "upsert into SQL, position in the same transaction",
            .writes = {},
            .stateful = false,
            .make_processor = nullptr};
}

// Sends attempts that are on disk to the provider, once, and reports what became of them.
Stage effects_stage() {
    using enum schemas::Topic;
    return {.name = "effects",
            .reads = {SendSms, SendWechat, SendWecom},
            .entity = "none",
            .does = "send each attempt once, report the outcome",
            .writes = {FeedReceipt},
            .stateful = false,
            .make_processor = nullptr};
}

}  // namespace vitalog::topology
