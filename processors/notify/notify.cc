#include "processors/notify/notify.h"

#include <algorithm>
#include <utility>

#include "processors/site_time.h"
#include "schemas/base/base64.h"
#include "schemas/events/message.h"
#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

using schemas::DeliveryState;
using schemas::Priority;
using schemas::Topic;

constexpr std::string_view kProviderPrefix = "provider|";
constexpr std::string_view kSendsMetric = "vitalog_sends_total";
constexpr std::string_view kNoChannel = "none";  // label of a message that no channel could take
constexpr std::string_view kNextTimer = "next";
constexpr std::string_view kForgetTimer = "forget";
/// Providers report for three days (Aliyun: 72 h); a week covers an outage on either side.
constexpr auto kProviderMessageKept = std::chrono::hours(24 * 7);

bool is_provider(std::string_view key) {
    return key.starts_with(kProviderPrefix);
}

void wait(HeldIntent& intent, Hold hold, std::string reason, ReceivedTime retry_at = {}) {
    intent.state = DeliveryState::Waiting;
    intent.hold = hold;
    intent.reason = std::move(reason);
    intent.retry_at = retry_at;
}

void end(HeldIntent& intent, DeliveryState state, std::string reason) {
    intent.state = state;
    intent.hold = Hold::None;
    intent.reason = std::move(reason);
}

void set_consent(HeldContact& contact, const schemas::Consent& consent) {
    contact.has_consent = true;
    contact.alert.assign(consent.alert.begin(), consent.alert.end());
    contact.reminder.assign(consent.reminder.begin(), consent.reminder.end());
}

/// True for an attempt that was made; the empty name stands for the last one.
bool knows_attempt(const HeldIntent& intent, std::string_view attempt) {
    if (attempt.empty() || attempt == intent.attempt) return intent.attempts > 0;
    for (std::int64_t number = 1; number < intent.attempts; ++number)
        if (attempt_id(intent.intent, number) == attempt) return true;
    return false;
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

Result<NotifySettings> NotifySettings::from(const schemas::Settings& settings) {
    NotifySettings notify;
    const std::string_view mode = settings.text("notify.mode", "off");
    if (mode != "off" && mode != "live")
        return fail(Errc::Configuration,
                    "setting notify.mode: '" + std::string(mode) + "' must be off or live");
    notify.live = mode == "live";
    VITALOG_TRY(notify.daily_limit, settings.number("notify.daily_limit", 50));
    VITALOG_TRY(notify.retry.attempts_max, settings.number("notify.attempts", 5));
    if (notify.daily_limit < 1 || notify.retry.attempts_max < 1 || notify.retry.attempts_max > 100)
        return fail(
            Errc::Configuration,
            "settings notify.daily_limit and notify.attempts: at least 1, attempts at most 100");
    VITALOG_TRY(notify.retry.unknown_limit, settings.duration("notify.unknown_limit", "10m"));
    VITALOG_TRY(notify.retry.first, settings.duration("notify.retry_first", "30s"));
    VITALOG_TRY(notify.retry.most, settings.duration("notify.retry_most", "15m"));
    if (notify.retry.first < std::chrono::seconds(1) || notify.retry.most < notify.retry.first)
        return fail(Errc::Configuration,
                    "settings notify.retry_first and notify.retry_most: at least 1s, the second "
                    "not below the first");
    notify.offset_minutes = site_offset_minutes(settings.text("site.zone", "Asia/Shanghai"));
    return notify;
}

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
    if (control.kind == "settings") {
        VITALOG_TRY(const auto settings, schemas::Settings::parse(control.body, decoder_));
        VITALOG_TRY(settings_, NotifySettings::from(settings));
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
    if (!event.zone.empty()) contact.zone = event.zone;
    if (event.consent) set_consent(contact, *event.consent);
    if (event.quiet) {
        contact.quiet_from = event.quiet->from;
        contact.quiet_to = event.quiet->to;
    }
    hand.recipient.contact = std::move(contact);
    retry_held_for_contact(hand);
    return {};
}

void NotifyProcessor::retry_held_for_contact(const Hand& hand) {
    for (auto& intent : hand.recipient.intents)
        if (intent.state == DeliveryState::Waiting &&
            (intent.hold == Hold::Contact || intent.hold == Hold::Consent))
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
        end(intent, DeliveryState::Failed,
            "more than " + std::to_string(RecipientEntity::kOpenMax) +
                " messages are under way to this recipient");
        show(hand, intent);
        return {};
    }
    auto messages = pin(event);
    if (!messages) {
        end(intent, DeliveryState::Failed, messages.error().message());
        show(hand, intent);
        return {};
    }
    intent.messages = *std::move(messages);
    advance(hand, intent);
    return {};
}

Result<std::vector<PinnedMessage>> NotifyProcessor::pin(const schemas::Intent& intent) const {
    const schemas::MessageTemplate* found = packs_.find(intent.template_name, intent.purpose);
    if (found == nullptr)
        return fail(Errc::NotFound,
                    "no template for the purpose '" + std::string(intent.purpose) + "'");
    std::vector<PinnedMessage> messages;
    if (found->sms) {
        auto rendered = schemas::render(*found->sms, intent.params);
        if (!rendered)
            return fail(rendered.error().code(),
                        "template '" + found->name + "': " + rendered.error().message());
        messages.push_back({"sms", found->sms->provider_code, found->sms->sign,
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
        end(intent, DeliveryState::Cancelled, intent.cancelled);
        show(hand, intent);
    }
    return {};
}

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
    hand.out.cancel_timer(kNextTimer);
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
    retry_held_for_contact(hand);
    return {};
}

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
    hand.out.emit_event(Topic::Notification, std::string(kProviderPrefix) + id, note);
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

void NotifyProcessor::on_timer(state::Entity* entity, const Timer& timer, Context& out) {
    if (timer.name == kForgetTimer) {
        const auto& message = static_cast<ProviderMessage&>(*entity);
        if (!message.held.empty()) out.count("vitalog_receipts_unclaimed_total", {{"stage", stage()}});
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
    if (hand.now >= intent.not_after) {
        end(intent, DeliveryState::Expired,
            intent.reason.empty() ? "not sent in time" : intent.reason);
        show(hand, intent);
    } else if (intent.state == DeliveryState::Waiting) {
        advance(hand, intent);
    } else if (intent.state == DeliveryState::Unknown) {
        end(intent, DeliveryState::Expired,
            "no receipt within " + to_string(settings_.retry.unknown_limit) +
                " after an unknown outcome");
        if (intent.priority == Priority::High)
            fall_back(hand, intent);
        else
            show(hand, intent);
    }
}

/// The channel in use failed, or keeps silent too long: the next one that the recipient agreed to
/// takes the message; where there is none, it stays as it was settled.
void NotifyProcessor::fall_back(const Hand& hand, HeldIntent& intent) {
    intent.tried.push_back(intent.channel);
    const Choice choice = choose_channel(hand.recipient, intent);
    if (choice.channel != nullptr && intent.cancelled.empty() && hand.now < intent.not_after) {
        advance(hand, intent);
    } else {
        show(hand, intent);
    }
}

void NotifyProcessor::advance(const Hand& hand, HeldIntent& intent) {
    Choice choice = choose_channel(hand.recipient, intent);
    if (hand.now >= intent.not_after) {
        end(intent, DeliveryState::Expired, "came too late to be of use");
    } else if (choice.channel == nullptr && choice.hold == Hold::None) {
        end(intent, DeliveryState::Failed, std::move(choice.reason));
    } else if (choice.channel == nullptr) {
        wait(intent, choice.hold, std::move(choice.reason));
    } else if (!allowed_today(hand)) {
        intent.channel = choice.channel->name;
        wait(intent, Hold::Limit,
             "the daily limit of " + std::to_string(settings_.daily_limit) +
                 " messages to this recipient is reached",
             next_site_day(hand.now, settings_.offset_minutes));
    } else {
        return attempt(hand, intent, choice);
    }
    show(hand, intent);
}

bool NotifyProcessor::allowed_today(const Hand& hand) const {
    const bool same_day = hand.recipient.day >= site_day(hand.now, settings_.offset_minutes);
    return !same_day || hand.recipient.sent_today < settings_.daily_limit;
}

void NotifyProcessor::attempt(const Hand& hand, HeldIntent& intent, const Choice& choice) {
    RecipientEntity& recipient = hand.recipient;
    const std::int64_t today = site_day(hand.now, settings_.offset_minutes);
    if (today > recipient.day) {
        recipient.day = today;
        recipient.sent_today = 0;
    }
    ++recipient.sent_today;
    intent.channel = choice.channel->name;
    intent.code.clear();
    if (!settings_.live) {
        end(intent, DeliveryState::Suppressed, "notify.mode is off");
        show(hand, intent);
        return;
    }
    end(intent, DeliveryState::Sending, {});
    intent.attempt = attempt_id(intent.intent, ++intent.attempts);
    const PinnedMessage& message = *intent.message(choice.channel->name);
    schemas::Send send;
    send.intent = intent.intent;
    send.attempt = intent.attempt;
    send.recipient = recipient.id;
    send.to = choice.to;
    send.template_name = message.template_code;
    send.sign = message.sign;
    for (const auto& [name, value] : message.params) send.params.items.emplace_back(name, value);
    send.text = message.text;
    send.not_after = intent.not_after;
    send.priority = intent.priority;
    hand.out.emit_event(choice.channel->topic, recipient.id, send,
                        {.event_time = std::nullopt, .urgent = intent.priority == Priority::High});
    show(hand, intent);
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
    hand.out.count(kSendsMetric,
                   {{"channel", intent.channel.empty() ? kNoChannel : intent.channel},
                    {"state", schemas::name_of_enum(intent.state)}});
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
