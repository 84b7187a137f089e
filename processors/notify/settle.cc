#include "processors/notify/settle.h"

#include <algorithm>

#include "schemas/base/ids.h"
#include "schemas/base/planted.h"

namespace vitalog::processors {
namespace {

using schemas::DeliveryState;
using schemas::ReceiptState;

/// What our effect worker reports for an attempt that it found after its not_after, and did not
/// send.
constexpr std::string_view kExpiredCode = "expired";

/// How settled a state is; receipts move an intent upwards only.
int rank(DeliveryState state) {
    switch (state) {
        case DeliveryState::Decided:
        case DeliveryState::Waiting:
        case DeliveryState::Sending:
            return 0;
        case DeliveryState::Unknown:
            return 1;
        case DeliveryState::Accepted:
            return 2;
        case DeliveryState::Suppressed:
        case DeliveryState::Cancelled:
        case DeliveryState::Expired:
            return 3;
        case DeliveryState::Failed:
            return 4;
        case DeliveryState::Delivered:
            return 5;
    }
    return 5;
}

bool move_to(HeldIntent& intent, DeliveryState state, const schemas::Receipt& receipt) {
    if (rank(state) <= rank(intent.state)) return false;
    intent.state = state;
    intent.hold = Hold::None;
    intent.code = receipt.code;
    intent.reason.clear();
    return true;
}

Settled not_taken(HeldIntent& intent, const schemas::Receipt& receipt, ReceivedTime now,
                  const RetryPolicy& policy) {
    if (rank(intent.state) > rank(DeliveryState::Unknown) || intent.state == DeliveryState::Waiting)
        return Settled::Unchanged;
    intent.code = receipt.code;
    if (!intent.cancelled.empty()) {
        intent.end(DeliveryState::Cancelled, intent.cancelled);
    } else if (now >= intent.not_after) {
        intent.end(DeliveryState::Expired, "not taken by the provider in time");
    } else if (!receipt.retryable) {
        intent.end(DeliveryState::Failed, "refused by the provider");
        return Settled::ChannelFailed;
    } else if (intent.channel_attempts >= policy.attempts_max) {
        intent.end(DeliveryState::Failed,
                   "not taken in " + std::to_string(intent.channel_attempts) + " attempts");
        return Settled::ChannelFailed;
    } else {
        const ReceivedTime again = now + backoff(policy, intent.attempt, intent.channel_attempts);
        if (again >= intent.not_after) {
            intent.end(DeliveryState::Expired, "no time left for another attempt");
        } else {
            intent.wait(Hold::Backoff, "not taken by the provider; another attempt follows", again);
        }
    }
    return Settled::Changed;
}

}  // namespace

std::string attempt_id(std::string_view intent, std::int64_t number) {
    return IdHash().part(intent).part(number).finish().to_string();
}

std::chrono::microseconds backoff(const RetryPolicy& policy, std::string_view attempt,
                                  std::int64_t number) {
    auto delay = std::min(policy.first, policy.most);
    for (std::int64_t i = 1; i < number && delay < policy.most; ++i)
        delay = std::min(delay * 2, policy.most);
    constexpr std::int64_t kSteps = 1024;
    const auto share = static_cast<std::int64_t>(hash64(attempt) % kSteps);
    return delay * 3 / 4 + delay / 2 * share / kSteps;
}

Settled settle(HeldIntent& intent, const schemas::Receipt& receipt, ReceivedTime now,
               const RetryPolicy& policy) {
    const bool last = receipt.attempt.empty() || receipt.attempt == intent.attempt;
    switch (receipt.state) {
        case ReceiptState::Delivered:
            return move_to(intent, DeliveryState::Delivered, receipt) ? Settled::Changed
                                                                      : Settled::Unchanged;
        case ReceiptState::Accepted:
            if (!last) return Settled::Unchanged;  // what counts is the attempt after it
            return move_to(intent, DeliveryState::Accepted, receipt) ? Settled::Changed
                                                                     : Settled::Unchanged;
        case ReceiptState::Failed:
            if (last && receipt.code == kExpiredCode) {
                if (!move_to(intent, DeliveryState::Expired, receipt)) return Settled::Unchanged;
                intent.reason = "found too late to be sent";
                return Settled::Changed;
            }
            if (!last || !move_to(intent, DeliveryState::Failed, receipt))
                return Settled::Unchanged;
            intent.reason = "the provider could not deliver it";
            return Settled::ChannelFailed;
        case ReceiptState::Unknown:
            if (!last || intent.state != DeliveryState::Sending) return Settled::Unchanged;
            if (planted("send-again-when-unknown")) {
                intent.wait(Hold::Backoff, "another attempt follows", now + policy.first);
                return Settled::Changed;
            }
            move_to(intent, DeliveryState::Unknown, receipt);
            intent.reason = "the provider's answer did not come; only a receipt can settle it";
            intent.retry_at = now + policy.unknown_limit;
            return Settled::Changed;
        case ReceiptState::NotSent:
            return last ? not_taken(intent, receipt, now, policy) : Settled::Unchanged;
    }
    return Settled::Unchanged;
}

}  // namespace vitalog::processors
