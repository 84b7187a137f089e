#include "processors/notify/notify.h"
#include "schemas/events/message.h"
#include "schemas/json_decode.h"

// What comes back about attempts: receipts by recipient, reports by a provider's own id, and an
// operator's wish to send once more.

namespace vitalog::processors {
namespace {

using schemas::DeliveryState;
using schemas::Topic;

constexpr std::string_view kForgetTimer = "forget";
/// Providers report for three days (Aliyun: 72 h); a week covers an outage on either side.
constexpr auto kProviderMessageKept = std::chrono::hours(24 * 7);

/// True for an attempt that was made; the empty name stands for the last one.
bool knows_attempt(const HeldIntent& intent, std::string_view attempt) {
    if (attempt.empty() || attempt == intent.attempt) return intent.attempts > 0;
    for (std::int64_t number = 1; number < intent.attempts; ++number)
        if (attempt_id(intent.intent, number) == attempt) return true;
    return false;
}

/// Conflict: it may not be sent once more.
Result<void> check_resend(const HeldIntent& intent) {
    if (intent.state == DeliveryState::Delivered)
        return fail(Errc::Conflict, "was delivered; it is not sent again");
    if (intent.state == DeliveryState::Sending)
        return fail(Errc::Conflict, "is being sent; wait for its outcome");
    if (intent.state == DeliveryState::Waiting)
        return fail(Errc::Conflict, "still goes out by itself: " + intent.reason);
    if (intent.messages.empty())
        return fail(Errc::Conflict, "has no text, because " + intent.reason);
    return {};
}

}  // namespace

Result<void> NotifyProcessor::on_receipt(const Hand& hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::Receipt>(input.value, decoder_));
    HeldIntent* intent = hand.recipient.find(event.intent);
    if (intent == nullptr)
        return fail(Errc::NotFound,
                    "a receipt for intent '" + std::string(event.intent) +
                        "', which this recipient does not have or no longer remembers");
    if (!knows_attempt(*intent, event.attempt))
        return fail(Errc::NotFound, "a receipt for attempt '" + std::string(event.attempt) +
                                        "', which intent '" + intent->intent + "' did not make");
    name_provider_message(hand, *intent, event);
    const Settled settled = settle(*intent, event, hand.now, settings_.retry);
    if (settled == Settled::ChannelFailed)
        fall_back(hand, *intent);
    else if (settled == Settled::Changed)
        show(hand, *intent);
    return {};
}

/// Tells the provider message's entity whose it is, so that a report with nothing but the
/// provider's id finds its way.
void NotifyProcessor::name_provider_message(const Hand& hand, HeldIntent& intent,
                                            const schemas::Receipt& receipt) {
    if (receipt.state != schemas::ReceiptState::Accepted || receipt.provider_id.empty()) return;
    std::string id = std::string(receipt.provider) + "|" + std::string(receipt.provider_id);
    if (id == intent.provider_id) return;
    schemas::Receipt note = receipt;
    note.recipient = hand.recipient.id;
    if (note.attempt.empty()) note.attempt = intent.attempt;
    hand.out.emit_event(Topic::Notification, "provider|" + id, note);
    intent.provider_id = std::move(id);
}

Result<void> NotifyProcessor::on_provider(ProviderMessage& message, const Input& input,
                                          Context& out) {
    if (input.type != schemas::Receipt::kType)
        return fail(Errc::Unsupported,
                    "a provider message takes receipts, not '" + std::string(input.type) + "'");
    VITALOG_TRY(auto event, schemas::decode<schemas::Receipt>(input.value, decoder_));
    const bool names = !event.recipient.empty() && !event.intent.empty();
    if (names && message.named() && message.attempt != event.attempt)
        return fail(Errc::Conflict, "the provider's id '" + std::string(input.key) +
                                        "' stands for another attempt");
    if (!message.named() && message.held.empty())
        out.set_timer(kForgetTimer, input.received + kProviderMessageKept);
    if (!names) {
        message.hold({event.state, std::string(event.code), event.retryable, event.at});
    } else if (!message.named()) {
        message.recipient = event.recipient;
        message.intent = event.intent;
        message.attempt = event.attempt;
    }
    if (!message.named()) return {};
    for (const auto& held : message.held) {
        event.recipient = message.recipient;
        event.intent = message.intent;
        event.attempt = message.attempt;
        event.state = held.state;
        event.code = held.code;
        event.retryable = held.retryable;
        event.at = held.at;
        out.emit_event(Topic::Notification, message.recipient, event);
    }
    message.held.clear();
    return {};
}

/// An operator takes it upon himself: every channel is open again, what was cancelled is on again,
/// and consent, quiet hours and limits count as for the first attempt.
Result<void> NotifyProcessor::on_resend(const Hand& hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::Resend>(input.value, decoder_));
    HeldIntent* intent = hand.recipient.find(event.intent);
    if (intent == nullptr)
        return fail(Errc::NotFound,
                    "intent '" + std::string(event.intent) +
                        "' is not one of this recipient's, or no longer remembered");
    if (const auto allowed = check_resend(*intent); !allowed)
        return fail(allowed.error().code(),
                    "intent '" + intent->intent + "' " + allowed.error().message());
    if (event.not_after <= hand.now)
        return fail(Errc::OutOfRange, "not_after must lie in the future");
    intent->resend = "sent again by " + std::string(event.user) + ": " + std::string(event.reason);
    intent->not_after = event.not_after;
    intent->tried.clear();
    intent->cancelled.clear();
    intent->channel_attempts = 0;
    advance(hand, *intent);
    return {};
}

}  // namespace vitalog::processors
