#include "processors/notify/channels.h"

#include <algorithm>
#include <vector>

#include "processors/notify/settings.h"

namespace vitalog::processors {
namespace {

std::vector<const Channel*> preferred(const RecipientEntity& recipient, std::string_view purpose) {
    std::vector<const Channel*> channels;
    if (recipient.is_doctor()) {
        for (const auto& channel : kChannels)
            if (channel.for_doctors) channels.push_back(&channel);
        return channels;
    }
    const HeldContact& contact = recipient.contact;
    for (const auto& name : purpose == "reminder" ? contact.reminder : contact.alert) {
        const Channel* channel = channel_named(name);
        if (channel != nullptr && channel->for_patients) channels.push_back(channel);
    }
    return channels;
}

std::string no_consent(const HeldIntent& intent) {
    std::string reason = "no consent for " + intent.purpose + " by ";
    for (const auto& channel : kChannels) {
        if (!channel.for_patients || intent.message(channel.name) == nullptr) continue;
        if (!reason.ends_with(' ')) reason.append(" or ");
        reason.append(channel.name);
    }
    return reason;
}

/// Where the channel reaches the recipient; the Error's message says why it does not.
Result<std::string> address(const HeldContact& contact, const Channel& channel) {
    if (channel.name == "wechat") {
        if (usable_openid(contact.openid)) return contact.openid;
        return fail(Errc::Missing, "no usable openid");
    }
    auto phone = usable_phone(contact.phone);
    if (channel.name == "wecom") {
        if (contact.robot.empty()) return fail(Errc::Missing, "the team has no robot");
        return contact.robot + "|" + phone.value_or("");
    }
    if (phone) return *std::move(phone);
    return fail(Errc::Missing, "no usable phone number");
}

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_chinese_mobile(std::string_view digits) {
    return digits.size() == 11 && digits.front() == '1' && all_digits(digits);
}

}  // namespace

std::optional<std::string> usable_phone(std::string_view phone) {
    std::string plain;
    std::copy_if(phone.begin(), phone.end(), std::back_inserter(plain),
                 [](char c) { return c != ' ' && c != '-'; });
    std::string_view digits = plain;
    if (digits.starts_with("+86"))
        return is_chinese_mobile(digits.substr(3)) ? std::optional(plain) : std::nullopt;
    if (digits.starts_with('+')) {
        digits.remove_prefix(1);
        const bool e164 = digits.size() >= 7 && digits.size() <= 15 && digits.front() != '0' &&
                          all_digits(digits);
        return e164 ? std::optional(plain) : std::nullopt;
    }
    if (is_chinese_mobile(digits)) return plain;
    if (digits.starts_with("00")) digits.remove_prefix(2);
    if (digits.starts_with("86") && is_chinese_mobile(digits.substr(2)))
        return "+" + std::string(digits);
    return std::nullopt;
}

bool usable_openid(std::string_view openid) {
    constexpr std::size_t kOpenidMax = 64;
    return !openid.empty() && openid.size() <= kOpenidMax &&
           std::all_of(openid.begin(), openid.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '_';
           });
}

const Channel* channel_named(std::string_view name) {
    for (const auto& channel : kChannels)
        if (channel.name == name) return &channel;
    return nullptr;
}

Choice choose_channel(const RecipientEntity& recipient, const HeldIntent& intent,
                      const NotifySettings& settings) {
    const HeldContact& contact = recipient.contact;
    if (recipient.is_doctor() && !contact.known)
        return {nullptr,
                {},
                Hold::Contact,
                "no contact recorded; the directory must name the member's phone"};
    if (!recipient.is_doctor() && !contact.has_consent)
        return {nullptr, {}, Hold::Consent, no_consent(intent)};
    const auto channels = preferred(recipient, intent.purpose);
    const bool said = std::any_of(channels.begin(), channels.end(), [&](const Channel* channel) {
        return intent.message(channel->name) != nullptr;
    });
    if (channels.empty() || (!said && !recipient.is_doctor()))
        return {nullptr, {}, Hold::None, no_consent(intent)};
    Choice none{nullptr, {}, Hold::None, "every channel was tried"};
    for (const Channel* channel : channels) {
        if (std::find(intent.tried.begin(), intent.tried.end(), channel->name) !=
            intent.tried.end())
            continue;
        const std::string name(channel->name);
        if (intent.message(channel->name) == nullptr) {
            none.reason = "the template has no text for " + name;
        } else if (!settings.serves(channel->name)) {
            none.reason = name + " is not set up at this site";
        } else if (auto to = address(contact, *channel)) {
            return {channel, *std::move(to), Hold::None, {}};
        } else {
            none.reason = to.error().message();
        }
    }
    return none;
}

}  // namespace vitalog::processors
