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
#include "processors/notify/settle.h"
#include "processors/notify/template_packs.h"
#include "processors/processor.h"

namespace vitalog::processors {

/// The settings of notify, checked. Keys and defaults:
///   notify.mode           off   off: attempts settle as suppressed; live: they enter
///   send.<channel> notify.daily_limit    50    attempts per recipient and day of the site
///   notify.unknown_limit  10m   how long an unknown outcome is waited for
///   notify.attempts       5     attempts of one message
///   notify.retry_first    30s   wait after the first attempt that was not taken; doubled each time
///   notify.retry_most     15m   the longest such wait
///   site.zone             Asia/Shanghai
struct NotifySettings {
    bool live = false;
    std::int64_t daily_limit = 50;
    RetryPolicy retry;
    int offset_minutes = 480;

    /// Configuration: a value is not of its kind or out of range.
    static Result<NotifySettings> from(const schemas::Settings& settings);
};

/// Stage "notify": decides what is sent to whom by which channel, and settles what became of it. It
/// sends nothing itself: an attempt is a record in send.<channel>.
///
/// Entities: recipients, and provider messages (key "provider|..."). Reads Contact, Intent,
/// IntentCancel, RecipientMoved and Receipt; writes Send to send.<channel>, Delivery (whole, at
/// every change) to `delivery`, and to `notification` Receipt (under a provider message's key:
/// whose it is; under a recipient's key: a report whose owner was found) and RecipientMoved.
/// Timers: "next" (the first intent that time changes), "forget" (a provider message).
class NotifyProcessor final : public Processor {
  public:
    std::string_view stage() const override { return "notify"; }
    std::uint32_t logic() const override { return 1; }

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
    Result<void> on_provider(ProviderMessage& message, const Input& input, Context& out);

    Result<void> move_away(const Hand& hand, const schemas::RecipientMoved& event);
    Result<void> move_in(const Hand& hand, const schemas::RecipientMoved& event);
    void retry_held_for_contact(const Hand& hand);
    void due(const Hand& hand, HeldIntent& intent);

    /// Renders what every channel would say. Forbidden, Missing or NotFound: the message can't be
    /// said.
    Result<std::vector<PinnedMessage>> pin(const schemas::Intent& intent) const;
    /// Brings a waiting intent as far as it goes now: sent, suppressed, failed, or waiting for
    /// something.
    void advance(const Hand& hand, HeldIntent& intent);
    void attempt(const Hand& hand, HeldIntent& intent, const Choice& choice);
    bool allowed_today(const Hand& hand) const;
    void fall_back(const Hand& hand, HeldIntent& intent);
    void name_provider_message(const Hand& hand, HeldIntent& intent,
                               const schemas::Receipt& receipt);

    void show(const Hand& hand, HeldIntent& intent);
    void arm(const Hand& hand);

    NotifySettings settings_;
    TemplatePacks packs_;
    schemas::Decoder decoder_;
};

}  // namespace vitalog::processors
