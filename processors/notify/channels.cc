#include "processors/notify/channels.h"

#include <algorithm>
#include <vector>

namespace vitalog::processors {
namespace {

const Channel* channel_named(std::string_view name) {
    for (const auto& channel : kChannels)
        if (channel.name == name) return &channel;
    return nullptr;
}

std::vector<const Channel*> preferred(const RecipientEntity& recipient, std::string_view purpose) {
    std::vector<const Channel*> channels;
    if (recipient.is_doctor()) {
        for (const auto& channel : kChannels) channels.push_back(&channel);
        return channels;
    }
    const HeldContact& contact = recipient.contact;
    for (const auto& name : purpose == "reminder" ? contact.reminder : contact.alert)
        if (const Channel* channel = channel_named(name)) channels.push_back(channel);
    return channels;
}

std::string no_consent(const HeldIntent& intent) {
    std::string reason = "no consent for " + intent.purpose + " by ";
    for (const auto& channel : kChannels) {
        if (!reason.ends_with(' ')) reason.append(" or ");
        reason.append(channel.name);
    }
    return reason;
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

Choice choose_channel(const RecipientEntity& recipient, const HeldIntent& intent) {
    const HeldContact& contact = recipient.contact;
    if (recipient.is_doctor() && !contact.known)
        return {nullptr,
                {},
                Hold::Contact,
                "no contact recorded; the directory must name the member's phone"};
    if (!recipient.is_doctor() && !contact.has_consent)
        return {nullptr, {}, Hold::Consent, no_consent(intent)};
    const auto channels = preferred(recipient, intent.purpose);
    if (channels.empty()) return {nullptr, {}, Hold::None, no_consent(intent)};
    Choice none{nullptr, {}, Hold::None, "every channel was tried"};
    for (const Channel* channel : channels) {
        if (std::find(intent.tried.begin(), intent.tried.end(), channel->name) !=
            intent.tried.end())
            continue;
        if (intent.message(channel->name) == nullptr) {
            none.reason = "the template has no text for " + std::string(channel->name);
            continue;
        }
        auto to = usable_phone(contact.phone);
        if (to) return {channel, *std::move(to), Hold::None, {}};
        none.reason = "no usable phone number";
    }
    return none;
}

}  // namespace vitalog::processors
