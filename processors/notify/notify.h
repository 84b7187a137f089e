#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "processors/notify/channels.h"
#include "processors/notify/provider_message.h"
#include "processors/notify/recipient_entity.h"
#include "processors/notify/settings.h"
#include "processors/notify/settle.h"
#include "processors/notify/template_packs.h"
#include "processors/processor.h"
#include "schemas/zone_rule.h"

namespace vitalog::processors {

/// Stage "notify": decides what is sent to whom by which channel, and settles what became of it. It
/// sends nothing itself: an attempt is a record in send.<channel>.
///
/// Entities: recipients, and provider messages (key "provider|..."). Reads Contact, Intent,
/// IntentCancel, RecipientMoved, Receipt and Resend, and the controls settings, zones and
/// templates; writes Send to send.<channel>, Delivery (whole, at every change) to `delivery`, and
/// to `notification` Receipt (under a provider message's key: whose it is; under a recipient's key:
/// a report whose owner was found) and RecipientMoved. Timers: "next" (the first intent that time
/// changes), "forget" (a provider message).
class NotifyProcessor final : public Processor {
  public:
    std::string_view stage() const override { return "notify"; }
    std::uint32_t logic() const override { return 2; }

    std::unique_ptr<state::Entity> create(std::string_view key) const override;
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                  std::string_view bytes) const override;
    Result<void> on_record(state::Entity* entity, const Input& input, Context& out) override;
    void on_timer(state::Entity* entity, const Timer& timer, Context& out) override;
    Result<void> on_control(const schemas::Control& control, const Input& input) override;

  private:
    /// The recipient in hand, and when.
    struct Hand {
        RecipientEntity& recipient;
        ReceivedTime now;
        Context& out;
    };

    Result<void> on_recipient(const Hand& hand, const Input& input);
    Result<void> on_contact(const Hand& hand, const Input& input);
    Result<void> on_intent(const Hand& hand, const Input& input);
    Result<void> on_cancel(const Hand& hand, const Input& input);
    Result<void> on_moved(const Hand& hand, const Input& input);
    Result<void> on_receipt(const Hand& hand, const Input& input);
    Result<void> on_resend(const Hand& hand, const Input& input);
    Result<void> on_provider(ProviderMessage& message, const Input& input, Context& out);

    // moves.cc
    Result<void> move_away(const Hand& hand, const schemas::RecipientMoved& event);
    Result<void> move_in(const Hand& hand, const schemas::RecipientMoved& event);
    /// Contact or consent came; with other hours also what waits for quiet hours to end.
    void retry_held_for_contact(const Hand& hand, bool other_hours);
    void due(const Hand& hand, HeldIntent& intent);

    /// Renders what every channel would say. Forbidden, Missing or NotFound: the message can't be
    /// said.
    Result<std::vector<PinnedMessage>> pin(const schemas::Intent& intent) const;
    // dispatch.cc
    /// Brings a waiting intent as far as it goes now: sent, suppressed, failed, or waiting for
    /// something.
    void advance(const Hand& hand, HeldIntent& intent);
    void attempt(const Hand& hand, HeldIntent& intent, const Choice& choice);
    void send(const Hand& hand, const HeldIntent& intent, const Choice& choice);
    /// The clock on the recipient's wall.
    schemas::ZoneRule zone_of(const RecipientEntity& recipient) const;
    std::optional<ReceivedTime> quiet_until(const Hand& hand, const HeldIntent& intent) const;
    bool allowed_today(const Hand& hand) const;
    void fall_back(const Hand& hand, HeldIntent& intent);
    /// A message of priority high without an outcome goes out by the next channel at once; false:
    /// there is none that may be used now.
    bool take_other_way(const Hand& hand, HeldIntent& intent);
    void name_provider_message(const Hand& hand, HeldIntent& intent,
                               const schemas::Receipt& receipt);

    void show(const Hand& hand, HeldIntent& intent);
    void arm(const Hand& hand);

    NotifySettings settings_;
    schemas::Zones zones_;
    TemplatePacks packs_;
    schemas::Decoder decoder_;
};

}  // namespace vitalog::processors
