#include "tests/simulation/sim_provider.h"

namespace vitalog::simulation {

using schemas::ReceiptState;
using sinks::QueryOutcome;
using sinks::SendOutcome;

SendOutcome SimProvider::send(const sinks::Attempt& attempt) {
    const auto fate = static_cast<unsigned>(random_.pick(1000));
    auto within = [fate, from = 0U](unsigned share) mutable {
        const bool hit = fate >= from && fate < from + share;
        from += share;
        return hit;
    };
    SendOutcome outcome;
    if (within(faults_.limit)) {
        outcome = {.state = ReceiptState::NotSent, .code = "limit", .retryable = true};
    } else if (within(faults_.fails)) {
        outcome = {.state = ReceiptState::Failed, .code = "refused"};
    } else if (within(faults_.silent_before)) {
        outcome = {.state = ReceiptState::Unknown, .code = "timeout"};
    } else {
        const bool silent = within(faults_.silent_after);
        const std::string id = name_ + std::to_string(sent_.size() + 1);
        sent_.push_back({id, attempt.recipient, attempt.intent, attempt.attempt, attempt.to,
                         attempt.resend, on_disk_(attempt.attempt),
                         random_.chance(faults_.trails)});
        outcome = silent ? SendOutcome{.state = ReceiptState::Unknown, .code = "timeout"}
                         : SendOutcome{.state = ReceiptState::Accepted, .provider_id = id};
    }
    trace_.say("  {} gets attempt {} of intent {}: {}", name_, attempt.attempt.substr(0, 8),
               attempt.intent.substr(0, 8), schemas::name_of_enum(outcome.state));
    return outcome;
}

QueryOutcome SimProvider::query(const sinks::Attempt& attempt, LogTime /*taken*/) {
    if (random_.chance(faults_.no_books)) return {};
    for (Sent& sent : sent_) {
        if (sent.attempt != attempt.attempt) continue;
        if (sent.trails) {
            sent.trails = false;
            return {.found = QueryOutcome::Found::No};
        }
        return {.found = QueryOutcome::Found::Yes, .state = ReceiptState::Accepted};
    }
    return {.found = QueryOutcome::Found::No};
}

}  // namespace vitalog::simulation
