#include "processors/notify/notify.h"
#include "schemas/base/base64.h"
#include "schemas/json_decode.h"

// Merges: a recipient's state goes to the survivor, once, and what comes later is passed on.

namespace vitalog::processors {

using schemas::Topic;

Result<void> NotifyProcessor::on_moved(const Hand& hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::RecipientMoved>(input.value, decoder_));
    if (event.recipient == event.from || event.from.empty() || event.recipient.empty())
        return fail(Errc::Conflict,
                    "a recipient moves to another one: 'recipient' and 'from' must differ");
    return event.state.empty() ? move_away(hand, event) : move_in(hand, event);
}

Result<void> NotifyProcessor::move_away(const Hand& hand, const schemas::RecipientMoved& event) {
    RecipientEntity& recipient = hand.recipient;
    if (event.from != recipient.id)
        return fail(Errc::Conflict, "the order to move '" + std::string(event.from) +
                                        "' came to another recipient");
    if (recipient.moved_to == event.recipient) return {};
    if (!recipient.moved_to.empty() || recipient.has_absorbed(event.recipient))
        return fail(Errc::Conflict, "'" + recipient.id + "' can't move to '" +
                                        std::string(event.recipient) +
                                        "': one of them has moved already");
    std::string bytes;
    recipient.armed.reset();
    recipient.encode(bytes);
    const std::string state = base64_encode(bytes);
    hand.out.emit_event(Topic::Notification, event.recipient,
                        schemas::RecipientMoved{event.recipient, event.from, state});
    recipient = RecipientEntity(recipient.id);
    recipient.moved_to = event.recipient;
    hand.out.cancel_timer("next");
    return {};
}

Result<void> NotifyProcessor::move_in(const Hand& hand, const schemas::RecipientMoved& event) {
    RecipientEntity& recipient = hand.recipient;
    if (recipient.moved_to == event.from)
        return fail(Errc::Conflict, "'" + recipient.id + "' has moved to '" + recipient.moved_to +
                                        "', which moves back");
    if (!recipient.moved_to.empty()) {
        hand.out.forward(Topic::Notification, recipient.moved_to);
        return {};
    }
    const auto bytes = base64_decode(event.state);
    if (!bytes) return fail(Errc::Malformed, "the state of a moved recipient is not base 64");
    RecipientEntity other(event.from);
    VITALOG_CHECK(other.decode(*bytes));
    if (recipient.has_absorbed(event.from)) return {};
    recipient.absorb(std::move(other), event.from);
    retry_held_for_contact(hand, false);
    return {};
}

}  // namespace vitalog::processors
