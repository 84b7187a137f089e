#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "schemas/events/care.h"
#include "schemas/events/directory.h"

// Messages to people: intents, attempts, receipts. Recipients are persons (their id) and doctors ("user:NAME").

namespace vitalog::schemas {

/// `notification`, key recipient: somebody is to be told something, once per (episode, recipient, purpose, step).
struct Intent {
    static constexpr std::string_view kType = "vitalog.intent.v1";
    std::string_view intent;  ///< 32 hex digits over episode, recipient, purpose and step
    std::string_view recipient;
    std::string_view purpose;  ///< "alert" (patient), "task", "escalation", "breach", "correction" (doctor)
    std::string_view template_name;
    StringMap params;  ///< template variables by name
    std::string_view text;  ///< for the archive; never sent where the channel sends templates
    Priority priority = Priority::Medium;
    ReceivedTime not_after;
    std::string_view person;  ///< patients: the person; empty for doctors
    std::string_view task;
    std::string_view episode;

    template <class V>
    void members(V& v) {
        v.required("intent", intent);
        v.required("recipient", recipient);
        v.required("purpose", purpose);
        v.required("template", template_name);
        v("params", params);
        v("text", text);
        v.required("priority", priority);
        v.required("not_after", not_after);
        v("person", person);
        v("task", task);
        v("episode", episode);
    }
};

/// `notification`: what still waits for this episode is not to be sent.
struct IntentCancel {
    static constexpr std::string_view kType = "vitalog.intent-cancel.v1";
    std::string_view recipient;
    std::string_view episode;
    std::string_view reason;

    template <class V>
    void members(V& v) {
        v.required("recipient", recipient);
        v.required("episode", episode);
        v.required("reason", reason);
    }
};

/// `notification`: how a recipient is reached.
struct Contact {
    static constexpr std::string_view kType = "vitalog.contact.v1";
    std::string_view recipient;
    std::string_view phone;
    std::string_view openid;
    std::string_view robot;  ///< doctors: the WeCom group robot of their team
    std::string_view zone;
    std::optional<Consent> consent;
    std::optional<Quiet> quiet;

    template <class V>
    void members(V& v) {
        v.required("recipient", recipient);
        v("phone", phone);
        v("openid", openid);
        v("robot", robot);
        v("zone", zone);
        v("consent", consent);
        v("quiet", quiet);
    }
};

/// `notification`: the recipient's person was merged; its entity hands over (notify's own state, in base 64).
struct RecipientMoved {
    static constexpr std::string_view kType = "vitalog.recipient-moved.v1";
    std::string_view recipient;  ///< the survivor
    std::string_view from;
    std::string_view state;  ///< empty on the order to move, filled on the move itself

    template <class V>
    void members(V& v) {
        v.required("recipient", recipient);
        v.required("from", from);
        v("state", state);
    }
};

/// `send.<channel>`, key recipient: one attempt, ready to be sent by us or by a hospital's gateway.
struct Send {
    static constexpr std::string_view kType = "vitalog.send.v1";
    std::string_view intent;
    std::string_view attempt;  ///< 32 hex digits, names the attempt for ever
    std::string_view recipient;
    std::string_view to;  ///< phone number, openid, or ROBOT|PHONE: a group's robot and whom it mentions (may be empty)
    std::string_view template_name;
    std::string_view sign;  ///< the signature before the text; empty: the gateway's default
    StringMap params;  ///< template variables by name
    std::string_view text;
    std::string_view url;  ///< wechat: what a tap on the message opens
    ReceivedTime not_after;
    Priority priority = Priority::Medium;
    bool resend = false;  ///< an operator asked for it: not to be taken for a repeat of the attempt before

    template <class V>
    void members(V& v) {
        v.required("intent", intent);
        v.required("attempt", attempt);
        v.required("recipient", recipient);
        v.required("to", to);
        v.required("template", template_name);
        v("sign", sign);
        v("params", params);
        v("text", text);
        v("url", url);
        v.required("not_after", not_after);
        v.required("priority", priority);
        v("resend", resend);
    }
};

/// `feed.receipt` (format "resend") and `notification`, key recipient: an operator wants an intent sent once more.
/// Refused once it is delivered, and while an attempt is under way.
struct Resend {
    static constexpr std::string_view kType = "vitalog.resend.v1";
    std::string_view recipient;
    std::string_view intent;
    std::string_view reason;
    std::string_view user;
    ReceivedTime not_after;  ///< how long the new attempt is of use

    template <class V>
    void members(V& v) {
        v.required("recipient", recipient);
        v.required("intent", intent);
        v.required("reason", reason);
        v.required("user", user);
        v.required("not_after", not_after);
    }
};

enum class ReceiptState : std::uint8_t { Accepted, Delivered, Failed, Unknown, NotSent };
template <>
struct EnumNames<ReceiptState> {
    /// not-sent: the provider never took it (refused for now, or says so on query): the same attempt may be sent again.
    static constexpr std::array<std::string_view, 5> names{"accepted", "delivered", "failed", "unknown", "not-sent"};
};

/// `feed.receipt` as a gateway or our effect worker writes it, and `notification` after intake. Without
/// recipient, intent and attempt it goes to the entity of `provider_id` (key "provider|id").
struct Receipt {
    static constexpr std::string_view kType = "vitalog.receipt.v1";
    std::string_view recipient;
    std::string_view intent;
    std::string_view attempt;
    ReceiptState state = ReceiptState::Accepted;
    std::string_view code;  ///< the provider's own
    std::string_view provider;     ///< "aliyun", "tencent", "wechat", "wecom"
    std::string_view provider_id;  ///< BizId, SerialNo, msgid
    bool retryable = false;        ///< with not-sent: worth trying again after a while
    ReceivedTime at;

    template <class V>
    void members(V& v) {
        v("recipient", recipient);
        v("intent", intent);
        v("attempt", attempt);
        v.required("state", state);
        v("code", code);
        v("provider", provider);
        v("provider_id", provider_id);
        v("retryable", retryable);
        v.required("at", at);
    }
};

enum class DeliveryState : std::uint8_t {
    Decided, Suppressed, Sending, Accepted, Delivered, Failed, Unknown, Expired, Cancelled, Waiting
};
template <>
struct EnumNames<DeliveryState> {
    static constexpr std::array<std::string_view, 10> names{
        "decided", "suppressed", "sending", "accepted", "delivered", "failed", "unknown", "expired", "cancelled", "waiting"};
};

/// `delivery`, key recipient: an intent, whole at every change.
struct Delivery {
    static constexpr std::string_view kType = "vitalog.delivery.v1";
    std::string_view intent;
    std::int64_t revision = 0;  ///< counts the records of the intent from 1, on through a merge: the highest is the last word
    std::string_view recipient;
    std::string_view person;
    std::string_view task;
    std::string_view episode;
    std::string_view purpose;
    std::string_view channel;  ///< "sms", "wechat", "wecom"; empty where no channel could be chosen
    DeliveryState state = DeliveryState::Decided;
    std::string_view attempt;
    int attempts = 0;
    std::string_view code;
    std::string_view reason;
    std::string_view template_name;
    std::string_view text;
    Priority priority = Priority::Medium;
    ReceivedTime created;
    ReceivedTime changed;

    template <class V>
    void members(V& v) {
        v.required("intent", intent);
        v.required("revision", revision);
        v.required("recipient", recipient);
        v("person", person);
        v("task", task);
        v("episode", episode);
        v.required("purpose", purpose);
        v("channel", channel);
        v.required("state", state);
        v("attempt", attempt);
        v.required("attempts", attempts);
        v("code", code);
        v("reason", reason);
        v("template", template_name);
        v("text", text);
        v.required("priority", priority);
        v.required("created", created);
        v.required("changed", changed);
    }
};

}  // namespace vitalog::schemas
