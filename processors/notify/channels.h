#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "processors/notify/recipient_entity.h"
#include "schemas/topics.h"

namespace vitalog::processors {

struct NotifySettings;

/// A way to a recipient, and the topic that its effect worker or a hospital's gateway reads.
struct Channel {
    std::string_view name;  ///< as in consent and Delivery
    schemas::Topic topic;
    bool for_doctors;  ///< otherwise for patients who agreed to it; SMS is for both
    bool for_patients;
};

/// Every channel there is, in the order in which doctors are reached.
inline constexpr std::array<Channel, 3> kChannels{
    {{"wecom", schemas::Topic::SendWecom, true, false},
     {"sms", schemas::Topic::SendSms, true, true},
     {"wechat", schemas::Topic::SendWechat, false, true}}};

/// Null: there is none of that name.
const Channel* channel_named(std::string_view name);

/// How an intent goes out, or why not (yet).
struct Choice {
    const Channel* channel = nullptr;  ///< null: none can be chosen
    std::string to;                    ///< phone number, openid, or ROBOT|PHONE
    Hold hold = Hold::None;  ///< with no channel: what could still change that; None: nothing
    std::string reason;
};

/// The first channel, in the recipient's order of preference, that the message can be said on, that
/// was not tried, that the recipient agreed to (patients, by purpose; doctors need not), that the
/// site serves, and for which the recipient has a usable address.
Choice choose_channel(const RecipientEntity& recipient, const HeldIntent& intent,
                      const NotifySettings& settings);

/// The number as a provider takes it: "+" and 7 to 15 digits (E.164), or a Chinese mobile number of
/// 11 digits, with or without 86 or 0086 before it; blanks and hyphens are taken out. nullopt: not
/// a number that a message can reach.
std::optional<std::string> usable_phone(std::string_view phone);

/// True for what WeChat gives out as openid: up to 64 letters, digits, '-' and '_'.
bool usable_openid(std::string_view openid);

}  // namespace vitalog::processors
