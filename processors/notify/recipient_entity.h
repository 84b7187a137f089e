#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/time.h"
#include "schemas/events/message.h"
#include "state/entity.h"

namespace vitalog::processors {

/// What a waiting intent waits for.
enum class Hold : std::uint8_t { None, Contact, Consent, Limit, Backoff, Quiet };

}  // namespace vitalog::processors

namespace vitalog::schemas {
template <>
struct EnumNames<processors::Hold> {
    static constexpr std::array<std::string_view, 6> names{"none",  "contact", "consent",
                                                           "limit", "backoff", "quiet"};
};
}  // namespace vitalog::schemas

namespace vitalog::processors {

/// How a recipient is reached, and what they agreed to.
struct HeldContact {
    bool known = false;
    std::string phone, openid, robot, zone;
    bool has_consent = false;  ///< anything was recorded, be it a refusal of everything
    std::vector<std::string> alert, reminder;
    std::string quiet_from, quiet_to;

    template <class S>
    void stored(S& s) {
        s(known, phone, openid);
        s.since(3, robot);
        s(zone, has_consent, alert, reminder, quiet_from, quiet_to);
    }
};

/// A message as rendered when its intent came: a template published later does not change what
/// waits.
struct PinnedMessage {
    std::string channel;
    std::string template_code;
    std::string sign;
    std::string url;
    std::string text;
    std::vector<std::pair<std::string, std::string>> params;

    template <class S>
    void stored(S& s) {
        s(channel, template_code, sign);
        s.since(3, url);
        s(text, params);
    }
};

/// One intent with its attempts, of which only the last may be under way.
struct HeldIntent {
    std::string intent, purpose, person, task, episode;
    std::int64_t revision = 0;  ///< of the last Delivery
    std::string archive_text;   ///< what a doctor wrote; never sent
    schemas::Priority priority = schemas::Priority::Medium;
    ReceivedTime not_after, created, changed;
    std::vector<PinnedMessage> messages;  ///< one per channel that the template serves
    std::vector<std::string> tried;       ///< channels that are behind it
    std::string channel;
    schemas::DeliveryState state = schemas::DeliveryState::Decided;
    Hold hold = Hold::None;
    ReceivedTime retry_at;      ///< Waiting for a time: when to try; Unknown: when to give up
    ReceivedTime other_way;     ///< when it goes out by another channel too; epoch: never
    bool passes_quiet = false;  ///< priority and template let it go out in quiet hours
    std::string resend;         ///< who wanted it sent once more, and why; empty: nobody
    std::int64_t attempts = 0;
    std::int64_t channel_attempts = 0;  ///< those by the channel in use
    std::string attempt, code, reason;
    std::string provider_id;  ///< "provider|id" of the last attempt
    std::string
        cancelled;  ///< why nothing more may be sent; an attempt under way settles all the same

    /// Something is still to happen by itself.
    bool open() const {
        return state == schemas::DeliveryState::Waiting ||
               state == schemas::DeliveryState::Sending ||
               state == schemas::DeliveryState::Unknown || watched();
    }
    /// An attempt is out, or about to be repeated, and another channel takes over when it stays
    /// without an outcome.
    bool watched() const;
    void end(schemas::DeliveryState with, std::string because) {
        state = with;
        hold = Hold::None;
        reason = std::move(because);
    }
    void wait(Hold for_what, std::string because, ReceivedTime until = {}) {
        state = schemas::DeliveryState::Waiting;
        hold = for_what;
        reason = std::move(because);
        retry_at = until;
    }
    /// When time alone changes it; nullopt: never.
    std::optional<ReceivedTime> due() const;
    const PinnedMessage* message(std::string_view by_channel) const;

    template <class S>
    void stored(S& s) {
        s(intent, revision, purpose, person, task, episode, archive_text, priority, not_after,
          created, changed, messages, tried, channel, state, hold, retry_at);
        s.since(3, other_way, passes_quiet, resend);
        s(attempts);
        s.since(3, channel_attempts);
        s(attempt, code, reason, provider_id, cancelled);
    }
};

/// A recipient, a patient (key: person id) or a doctor (key: "user:NAME"), for ever. Stored form:
/// "VN", version (u8), then the members in the order of stored(); the same bytes travel in
/// RecipientMoved. Version 2 is read, too.
class RecipientEntity final : public state::Entity {
  public:
    /// Settled intents that are remembered, so that a repeat is known; beyond them the oldest is
    /// forgotten.
    static constexpr std::size_t kSettledMax = 128;
    /// Intents under way; one more is refused.
    static constexpr std::size_t kOpenMax = 256;
    static constexpr std::size_t kAbsorbedMax = 64;

    explicit RecipientEntity(std::string_view key = {}) : id(key) {}

    bool is_doctor() const { return id.starts_with("user:"); }
    HeldIntent* find(std::string_view intent);
    std::size_t open_count() const;
    /// Forgets the oldest settled intents beyond the limit.
    void trim();
    /// When the first intent is due; nullopt: none.
    std::optional<ReceivedTime> next_due() const;
    /// Takes over what a merged recipient held. What this one knows itself stays.
    void absorb(RecipientEntity&& other, std::string_view from);
    bool has_absorbed(std::string_view recipient) const;

    void encode(std::string& out) const override;
    Result<void> decode(std::string_view bytes);
    std::size_t memory_bytes() const override;

    template <class S>
    void stored(S& s) {
        s(contact, intents, moved_to, absorbed, day, sent_today, armed);
    }

    std::string id;  ///< the key, not stored
    HeldContact contact;
    std::vector<HeldIntent> intents;    ///< in the order they came
    std::string moved_to;               ///< the survivor, to whom everything is passed on
    std::vector<std::string> absorbed;  ///< recipients that live on in this one
    std::int64_t day = 0;  ///< the recipient's day that sent_today counts, days since 1970
    std::int64_t sent_today = 0;
    std::optional<ReceivedTime> armed;  ///< what the timer is set to
};

}  // namespace vitalog::processors
