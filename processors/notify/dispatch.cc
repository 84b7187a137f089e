#include <algorithm>
#include <utility>

#include "processors/notify/notify.h"
#include "processors/notify/quiet.h"
#include "schemas/events/message.h"

// From "somebody is to be told" to an attempt by one channel, or the reason why not yet.

namespace vitalog::processors {
namespace {

using schemas::DeliveryState;
using schemas::Priority;
using schemas::Topic;

constexpr std::string_view kSendsMetric = "vitalog_sends_total";
constexpr std::string_view kNoChannel = "none";  // label of a message that no channel could take

/// Both, where there are both.
std::string joined(std::string first, std::string_view second) {
    if (!first.empty() && !second.empty()) first.append("; ");
    return first.append(second);
}

}  // namespace

schemas::ZoneRule NotifyProcessor::zone_of(const RecipientEntity& recipient) const {
    if (!recipient.contact.zone.empty())
        if (const auto zone = zones_.find(recipient.contact.zone)) return *zone;
    return zones_.find(settings_.zone).value_or(schemas::ZoneRule());
}

std::optional<ReceivedTime> NotifyProcessor::quiet_until(const Hand& hand,
                                                         const HeldIntent& intent) const {
    const HeldContact& contact = hand.recipient.contact;
    const auto zone = zone_of(hand.recipient);
    if (!contact.quiet_from.empty())
        return processors::quiet_until(zone, contact.quiet_from, contact.quiet_to, hand.now);
    if (hand.recipient.is_doctor() || intent.purpose != "reminder") return std::nullopt;
    return processors::quiet_until(zone, settings_.reminder_quiet_from, settings_.reminder_quiet_to,
                                   hand.now);
}

bool NotifyProcessor::allowed_today(const Hand& hand) const {
    const std::int64_t today = zone_of(hand.recipient).day_at(hand.now.micros());
    return hand.recipient.day < today || hand.recipient.sent_today < settings_.daily_limit;
}

/// The channel in use failed, or keeps silent too long: the next one that the recipient agreed to
/// takes the message; where there is none, it stays as it was settled.
void NotifyProcessor::fall_back(const Hand& hand, HeldIntent& intent) {
    intent.tried.push_back(intent.channel);
    intent.channel_attempts = 0;
    const Choice choice = choose_channel(hand.recipient, intent, settings_);
    if (choice.channel != nullptr && intent.cancelled.empty() && hand.now < intent.not_after) {
        advance(hand, intent);
    } else {
        show(hand, intent);
    }
}

bool NotifyProcessor::take_other_way(const Hand& hand, HeldIntent& intent) {
    if (!intent.cancelled.empty() || hand.now >= intent.not_after || !allowed_today(hand))
        return false;
    if (quiet_until(hand, intent) && !intent.passes_quiet) return false;
    intent.tried.push_back(intent.channel);
    const Choice choice = choose_channel(hand.recipient, intent, settings_);
    if (choice.channel == nullptr) {
        intent.tried.pop_back();
        return false;
    }
    intent.channel_attempts = 0;
    intent.reason =
        "no outcome by " + intent.channel + " within " + to_string(settings_.high_limit);
    attempt(hand, intent, choice);
    return true;
}

void NotifyProcessor::advance(const Hand& hand, HeldIntent& intent) {
    Choice choice = choose_channel(hand.recipient, intent, settings_);
    const auto quiet = quiet_until(hand, intent);
    intent.reason.clear();
    if (hand.now >= intent.not_after) {
        intent.end(DeliveryState::Expired, "came too late to be of use");
    } else if (choice.channel == nullptr && choice.hold == Hold::None) {
        intent.end(DeliveryState::Failed, std::move(choice.reason));
    } else if (choice.channel == nullptr) {
        intent.wait(choice.hold, std::move(choice.reason));
    } else if (quiet && !intent.passes_quiet) {
        intent.channel = choice.channel->name;
        intent.wait(Hold::Quiet, "quiet hours of the recipient", *quiet);
    } else if (!allowed_today(hand)) {
        const auto zone = zone_of(hand.recipient);
        intent.channel = choice.channel->name;
        intent.wait(Hold::Limit,
                    "the daily limit of " + std::to_string(settings_.daily_limit) +
                        " messages to this recipient is reached",
                    ReceivedTime(zone.instant_of(zone.day_at(hand.now.micros()) + 1, 0)));
    } else {
        if (quiet)
            intent.reason = "sent in quiet hours: its priority is high, and its template allows it";
        return attempt(hand, intent, choice);
    }
    show(hand, intent);
}

void NotifyProcessor::attempt(const Hand& hand, HeldIntent& intent, const Choice& choice) {
    RecipientEntity& recipient = hand.recipient;
    const std::int64_t today = zone_of(recipient).day_at(hand.now.micros());
    if (today > recipient.day) {
        recipient.day = today;
        recipient.sent_today = 0;
    }
    ++recipient.sent_today;
    intent.channel = choice.channel->name;
    intent.code.clear();
    std::string why = joined(intent.reason, intent.resend);
    if (!settings_.live) {
        intent.end(DeliveryState::Suppressed, joined("notify.mode is off", why));
        show(hand, intent);
        return;
    }
    intent.end(DeliveryState::Sending, std::move(why));
    intent.attempt = attempt_id(intent.intent, ++intent.attempts);
    if (++intent.channel_attempts == 1) {
        const ReceivedTime other = hand.now + settings_.high_limit;
        const bool in_time = intent.priority == Priority::High && other < intent.not_after;
        intent.other_way = in_time ? other : ReceivedTime();
    }
    send(hand, intent, choice);
    show(hand, intent);
}

void NotifyProcessor::send(const Hand& hand, const HeldIntent& intent, const Choice& choice) {
    const PinnedMessage& message = *intent.message(choice.channel->name);
    schemas::Send send;
    send.intent = intent.intent;
    send.attempt = intent.attempt;
    send.recipient = hand.recipient.id;
    send.to = choice.to;
    send.template_name = message.template_code;
    send.sign = message.sign;
    for (const auto& [name, value] : message.params) send.params.items.emplace_back(name, value);
    send.text = message.text;
    send.url = message.url;
    send.not_after = intent.not_after;
    send.priority = intent.priority;
    send.resend = !intent.resend.empty();
    hand.out.emit_event(choice.channel->topic, hand.recipient.id, send,
                        {.event_time = std::nullopt, .urgent = intent.priority == Priority::High});
}

void NotifyProcessor::show(const Hand& hand, HeldIntent& intent) {
    intent.changed = std::max(intent.changed, hand.now);
    const PinnedMessage* message = intent.message(intent.channel);
    schemas::Delivery delivery;
    delivery.intent = intent.intent;
    delivery.revision = ++intent.revision;
    delivery.recipient = hand.recipient.id;
    delivery.person = intent.person;
    delivery.task = intent.task;
    delivery.episode = intent.episode;
    delivery.purpose = intent.purpose;
    delivery.channel = intent.channel;
    delivery.state = intent.state;
    delivery.attempt = intent.attempt;
    delivery.attempts = static_cast<int>(intent.attempts);
    delivery.code = intent.code;
    delivery.reason = intent.reason;
    if (message != nullptr) delivery.template_name = message->template_code;
    delivery.text = intent.archive_text;
    if (delivery.text.empty() && message != nullptr) delivery.text = message->text;
    delivery.priority = intent.priority;
    delivery.created = intent.created;
    delivery.changed = intent.changed;
    hand.out.emit_event(Topic::Delivery, hand.recipient.id, delivery);
    hand.out.count(kSendsMetric, {{"channel", intent.channel.empty() ? kNoChannel : intent.channel},
                                  {"state", schemas::name_of_enum(intent.state)}});
}

}  // namespace vitalog::processors
