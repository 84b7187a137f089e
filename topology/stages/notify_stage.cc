#include "processors/notify/notify.h"
#include "topology/stages/stage.h"

namespace vitalog::topology {

// Decides what is sent, and sends nothing: an attempt is a record for an effect worker or a hospital's gateway.
Stage notify_stage() {
    using enum schemas::Topic;
    return {.name = "notify",
            .reads = {Notification},
            .entity = "recipient: contacts, preferences, intents, attempts; one more per provider message",
            .does = "choose channel, render, fall back, settle",
            .writes = {SendSms, SendWechat, SendWecom, Delivery, Notification, DeadLetter},
            .stateful = true,
            .make_processor = [] { return std::make_unique<processors::NotifyProcessor>(); }};
}

}  // namespace vitalog::topology
