#include "processors/notify/notify.h"

#include <algorithm>
#include <utility>

#include "schemas/events/message.h"
#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

using schemas::DeliveryState;
using schemas::Priority;
using schemas::Topic;

constexpr std::string_view kProviderPrefix = "provider|";
constexpr std::string_view kNextTimer = "next";
constexpr std::string_view kForgetTimer = "forget";

bool is_provider(std::string_view key) {
    return key.starts_with(kProviderPrefix);
}

void set_consent(HeldContact& contact, const schemas::Consent& consent) {
    contact.has_consent = true;
    contact.alert.assign(consent.alert.begin(), consent.alert.end());
    contact.reminder.assign(consent.reminder.begin(), consent.reminder.end());
}

HeldIntent taken(const schemas::Intent& event, ReceivedTime now) {
    HeldIntent intent;
    intent.intent = event.intent;
    intent.purpose = event.purpose;
    intent.person = event.person;
    intent.task = event.task;
    intent.episode = event.episode;
    intent.archive_text = event.text;
    intent.priority = event.priority;
    intent.not_after = event.not_after;
    intent.created = now;
    return intent;
}

}  // namespace

std::unique_ptr<state::Entity> NotifyProcessor::create(std::string_view key) const {
    if (is_provider(key)) return std::make_unique<ProviderMessage>();
    return std::make_unique<RecipientEntity>(key);
}

Result<std::unique_ptr<state::Entity>> NotifyProcessor::decode(std::string_view key,
                                                               std::string_view bytes) const {
    if (is_provider(key)) {
        auto message = std::make_unique<ProviderMessage>();
        VITALOG_CHECK(message->decode(bytes));
        return message;
    }
    auto recipient = std::make_unique<RecipientEntity>(key);
    VITALOG_CHECK(recipient->decode(bytes));
    return recipient;
}

Result<void> NotifyProcessor::on_control(const schemas::Control& control, const Input&) {
    if (control.kind == "templates") return packs_.apply(control.name, control.body);
    if (control.kind == "zones") {
        VITALOG_TRY(zones_, schemas::Zones::parse(control.body));
    }
    if (control.kind == "settings") {
        VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, decoder_));
        VITALOG_TRY(auto notify, NotifySettings::from(settings));
        // A log that began before zones were in it has settings that come before them.
        if (!zones_.empty() && !zones_.find(notify.zone))
            return fail(Errc::Configuration, "setting site.zone: there is no zone '" + notify.zone +
                                                 "'; write an IANA name");
        settings_ = std::move(notify);
    }
    return {};
}

Result<void> NotifyProcessor::on_record(state::Entity* entity, const Input& input, Context& out) {
    if (is_provider(input.key))
        return on_provider(static_cast<ProviderMessage&>(*entity), input, out);
    const Hand hand{static_cast<RecipientEntity&>(*entity), input.received, out};
    VITALOG_CHECK(on_recipient(hand, input));
    hand.recipient.trim();
    arm(hand);
    return {};
}

Result<void> NotifyProcessor::on_recipient(const Hand& hand, const Input& input) {
    if (input.type == schemas::RecipientMoved::kType) return on_moved(hand, input);
    if (!hand.recipient.moved_to.empty()) {
        hand.out.forward(Topic::Notification, hand.recipient.moved_to);
        return {};
    }
    if (input.type == schemas::Intent::kType) return on_intent(hand, input);
    if (input.type == schemas::Receipt::kType) return on_receipt(hand, input);
    if (input.type == schemas::Contact::kType) return on_contact(hand, input);
    if (input.type == schemas::Resend::kType) return on_resend(hand, input);
    if (input.type == schemas::IntentCancel::kType) return on_cancel(hand, input);
    return fail(Errc::Unsupported,
                "notify does not read records of type '" + std::string(input.type) + "'");
}

/// A patient's line replaces what was known. A doctor may be listed in several teams: what a line
/// leaves empty stays.
Result<void> NotifyProcessor::on_contact(const Hand& hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::Contact>(input.value, decoder_));
    HeldContact contact = hand.recipient.is_doctor() ? hand.recipient.contact : HeldContact{};
    contact.known = true;
    if (!hand.recipient.is_doctor() || !event.phone.empty()) contact.phone = event.phone;
    if (!hand.recipient.is_doctor() || !event.openid.empty()) contact.openid = event.openid;
    if (!hand.recipient.is_doctor() || !event.robot.empty()) contact.robot = event.robot;
    if (!event.zone.empty()) contact.zone = event.zone;
    if (event.consent) set_consent(contact, *event.consent);
    if (event.quiet) {
        contact.quiet_from = event.quiet->from;
        contact.quiet_to = event.quiet->to;
    }
    const HeldContact before = std::exchange(hand.recipient.contact, std::move(contact));
    const bool other_hours = before.quiet_from != hand.recipient.contact.quiet_from ||
                             before.quiet_to != hand.recipient.contact.quiet_to ||
                             before.zone != hand.recipient.contact.zone;
    retry_held_for_contact(hand, other_hours);
    return {};
}

void NotifyProcessor::retry_held_for_contact(const Hand& hand, bool other_hours) {
    for (auto& intent : hand.recipient.intents)
        if (intent.state == DeliveryState::Waiting &&
            (intent.hold == Hold::Contact || intent.hold == Hold::Consent ||
             (intent.hold == Hold::Quiet && other_hours)))
            advance(hand, intent);
}

Result<void> NotifyProcessor::on_intent(const Hand& hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::Intent>(input.value, decoder_));
    if (event.intent.empty())
        return fail(Errc::Missing, "an intent without an id can't be told from its repeats");
    if (hand.recipient.find(event.intent) != nullptr) return {};
    const bool full = hand.recipient.open_count() >= RecipientEntity::kOpenMax;
    HeldIntent& intent = hand.recipient.intents.emplace_back(taken(event, hand.now));
    if (full) {
        intent.end(DeliveryState::Failed, "more than " + std::to_string(RecipientEntity::kOpenMax) +
                                              " messages are under way to this recipient");
        show(hand, intent);
        return {};
    }
    auto messages = pin(event);
    if (!messages) {
        intent.end(DeliveryState::Failed, messages.error().message());
        show(hand, intent);
        return {};
    }
    intent.messages = *std::move(messages);
    intent.passes_quiet = event.priority == Priority::High &&
                          packs_.find(event.template_name, event.purpose)->high_passes_quiet_hours;
    advance(hand, intent);
    return {};
}

Result<std::vector<PinnedMessage>> NotifyProcessor::pin(const schemas::Intent& intent) const {
    const schemas::MessageTemplate* found = packs_.find(intent.template_name, intent.purpose);
    if (found == nullptr)
        return fail(Errc::NotFound,
                    "no template for the purpose '" + std::string(intent.purpose) + "'");
    std::vector<PinnedMessage> messages;
    for (const Channel& channel : kChannels) {
        const schemas::ChannelTemplate* wanted = found->channel(channel.name);
        if (wanted == nullptr) continue;
        const auto code = wanted->code_at(settings_.provider_of(channel.name));
        if (code.empty()) continue;
        auto rendered = schemas::render(*wanted, intent.params);
        if (!rendered)
            return fail(rendered.error().code(),
                        "template '" + found->name + "': " + rendered.error().message());
        messages.push_back({std::string(channel.name), std::string(code), wanted->sign, wanted->url,
                            std::move(rendered->text), std::move(rendered->params)});
    }
    return messages;
}

Result<void> NotifyProcessor::on_cancel(const Hand& hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::IntentCancel>(input.value, decoder_));
    for (auto& intent : hand.recipient.intents) {
        if (intent.episode != event.episode || !intent.open()) continue;
        intent.cancelled = event.reason.empty() ? "cancelled" : event.reason;
        if (intent.state != DeliveryState::Waiting)
            continue;  // it may have gone out: its receipt settles it
        intent.end(DeliveryState::Cancelled, intent.cancelled);
        show(hand, intent);
    }
    return {};
}

void NotifyProcessor::on_timer(state::Entity* entity, const Timer& timer, Context& out) {
    if (timer.name == kForgetTimer) {
        const auto& message = static_cast<ProviderMessage&>(*entity);
        if (!message.held.empty())
            out.count("vitalog_receipts_unclaimed_total", {{"stage", stage()}});
        out.remove_entity();
        return;
    }
    const Hand hand{static_cast<RecipientEntity&>(*entity), timer.due, out};
    hand.recipient.armed.reset();
    for (auto& intent : hand.recipient.intents)
        if (const auto at = intent.due(); at && *at <= hand.now) due(hand, intent);
    hand.recipient.trim();
    arm(hand);
}

void NotifyProcessor::due(const Hand& hand, HeldIntent& intent) {
    if (intent.watched() && hand.now >= intent.other_way) {
        intent.other_way = {};
        if (take_other_way(hand, intent)) return;
        if (const auto at = intent.due(); !at || *at > hand.now) return;
    }
    if (hand.now >= intent.not_after) {
        intent.end(DeliveryState::Expired,
                   intent.state == DeliveryState::Waiting ? intent.reason : "not sent in time");
        show(hand, intent);
    } else if (intent.state == DeliveryState::Waiting) {
        advance(hand, intent);
    } else if (intent.state == DeliveryState::Unknown) {
        intent.end(DeliveryState::Expired, "no receipt within " +
                                               to_string(settings_.retry.unknown_limit) +
                                               " after an unknown outcome");
        if (intent.priority == Priority::High)
            fall_back(hand, intent);
        else
            show(hand, intent);
    }
}

/// One timer serves all intents; it moves only when the first due time does.
void NotifyProcessor::arm(const Hand& hand) {
    const auto next = hand.recipient.next_due();
    if (next == hand.recipient.armed) return;
    hand.recipient.armed = next;
    if (next)
        hand.out.set_timer(kNextTimer, *next);
    else
        hand.out.cancel_timer(kNextTimer);
}

}  // namespace vitalog::processors
