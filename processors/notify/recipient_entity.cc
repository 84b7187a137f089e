#include "processors/notify/recipient_entity.h"

#include <algorithm>

#include "processors/stored_form.h"
#include "schemas/base/stored_version.h"

namespace vitalog::processors {
namespace {

constexpr std::string_view kMagic = "VN";
constexpr std::uint8_t kVersion = 3;
constexpr std::uint8_t kOldestVersion = 2;

using schemas::DeliveryState;

}  // namespace

bool HeldIntent::watched() const {
    if (other_way == ReceivedTime()) return false;
    return state == DeliveryState::Sending || state == DeliveryState::Accepted ||
           state == DeliveryState::Unknown ||
           (state == DeliveryState::Waiting && hold == Hold::Backoff);
}

std::optional<ReceivedTime> HeldIntent::due() const {
    std::optional<ReceivedTime> at;
    if (state == DeliveryState::Sending) at = not_after;
    if (state == DeliveryState::Unknown) at = std::min(retry_at, not_after);
    if (state == DeliveryState::Waiting) {
        const bool by_time = hold == Hold::Limit || hold == Hold::Backoff || hold == Hold::Quiet;
        at = by_time ? std::min(retry_at, not_after) : not_after;
    }
    if (watched()) at = at ? std::min(*at, other_way) : other_way;
    return at;
}

const PinnedMessage* HeldIntent::message(std::string_view by_channel) const {
    for (const auto& pinned : messages)
        if (pinned.channel == by_channel) return &pinned;
    return nullptr;
}

HeldIntent* RecipientEntity::find(std::string_view intent) {
    for (auto& held : intents)
        if (held.intent == intent) return &held;
    return nullptr;
}

std::size_t RecipientEntity::open_count() const {
    return static_cast<std::size_t>(std::count_if(
        intents.begin(), intents.end(), [](const HeldIntent& held) { return held.open(); }));
}

void RecipientEntity::trim() {
    std::size_t settled = intents.size() - open_count();
    for (auto held = intents.begin(); settled > kSettledMax;) {
        if (held->open()) {
            ++held;
        } else {
            held = intents.erase(held);
            --settled;
        }
    }
}

std::optional<ReceivedTime> RecipientEntity::next_due() const {
    std::optional<ReceivedTime> first;
    for (const auto& held : intents)
        if (const auto due = held.due(); due && (!first || *due < *first)) first = due;
    return first;
}

void RecipientEntity::absorb(RecipientEntity&& other, std::string_view from) {
    if (!contact.known) {
        contact = std::move(other.contact);
    } else if (other.contact.known) {
        if (contact.phone.empty()) contact.phone = std::move(other.contact.phone);
        if (contact.openid.empty()) contact.openid = std::move(other.contact.openid);
        if (contact.zone.empty()) contact.zone = std::move(other.contact.zone);
        if (contact.quiet_from.empty()) {
            contact.quiet_from = std::move(other.contact.quiet_from);
            contact.quiet_to = std::move(other.contact.quiet_to);
        }
        if (!contact.has_consent && other.contact.has_consent) {
            contact.has_consent = true;
            contact.alert = std::move(other.contact.alert);
            contact.reminder = std::move(other.contact.reminder);
        }
    }
    for (auto& held : other.intents) {
        if (find(held.intent) != nullptr) continue;
        if (held.person == from) held.person = id;
        intents.push_back(std::move(held));
    }
    if (other.day > day) {
        day = other.day;
        sent_today = other.sent_today;
    } else if (other.day == day) {
        sent_today += other.sent_today;
    }
    absorbed.emplace_back(from);
    absorbed.insert(absorbed.end(), other.absorbed.begin(), other.absorbed.end());
    if (absorbed.size() > kAbsorbedMax)
        absorbed.erase(absorbed.begin(),
                       absorbed.end() - static_cast<std::ptrdiff_t>(kAbsorbedMax));
    trim();
}

bool RecipientEntity::has_absorbed(std::string_view recipient) const {
    return std::find(absorbed.begin(), absorbed.end(), recipient) != absorbed.end();
}

void RecipientEntity::encode(std::string& out) const {
    out.append(kMagic);
    out.push_back(static_cast<char>(kVersion));
    StoredWriter writer(out);
    writer(*this);
}

Result<void> RecipientEntity::decode(std::string_view bytes) {
    if (!bytes.starts_with(kMagic) || bytes.size() < 3)
        return fail(Errc::Damaged, "a stored recipient does not begin with its magic");
    const auto version = static_cast<std::uint8_t>(bytes[2]);
    if (version < kOldestVersion || version > kVersion)
        return other_version("a stored recipient", version, kVersion);
    StoredReader reader(bytes.substr(3), version);
    reader(*this);
    VITALOG_CHECK(reader.finish("a stored recipient"));
    if (version >= 3) return {};
    // All its attempts went by one channel, as a rule: there was one.
    for (HeldIntent& intent : intents) intent.channel_attempts = intent.attempts;
    return {};
}

std::size_t RecipientEntity::memory_bytes() const {
    constexpr std::size_t kTextsOfIntent =
        320;  // ids are 32 digits each; long texts are counted below
    std::size_t bytes =
        sizeof *this + id.capacity() + contact.phone.capacity() + contact.openid.capacity();
    for (const auto& held : intents) {
        bytes +=
            sizeof held + kTextsOfIntent + held.archive_text.capacity() + held.reason.capacity();
        for (const auto& pinned : held.messages) bytes += sizeof pinned + pinned.text.capacity();
    }
    for (const auto& recipient : absorbed) bytes += sizeof recipient + recipient.capacity();
    return bytes;
}

}  // namespace vitalog::processors
