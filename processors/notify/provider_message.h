#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/time.h"
#include "schemas/events/message.h"
#include "state/entity.h"

namespace vitalog::processors {

/// What a provider reported about a message that it names by its own id.
struct HeldReceipt {
    schemas::ReceiptState state = schemas::ReceiptState::Accepted;
    std::string code;
    bool retryable = false;
    ReceivedTime at;

    template <class S>
    void stored(S& s) {
        s(state, code, retryable, at);
    }
};

/// A provider's message (key: "provider|aliyun|BIZID"), from the first that is heard of it until
/// notify forgets it. It brings together a report that carries only the provider's id and the
/// outcome of sending that says whose it is, in either order. Stored form: "VP", version (u8), then
/// the members in the order of stored().
class ProviderMessage final : public state::Entity {
  public:
    /// Reports that wait for a name; beyond them the oldest is dropped.
    static constexpr std::size_t kHeldMax = 8;

    bool named() const { return !intent.empty(); }
    /// Keeps a report; the same state and code count once.
    void hold(HeldReceipt receipt);

    void encode(std::string& out) const override;
    Result<void> decode(std::string_view bytes);
    std::size_t memory_bytes() const override;

    template <class S>
    void stored(S& s) {
        s(recipient, intent, attempt, held);
    }

    std::string recipient, intent, attempt;
    std::vector<HeldReceipt> held;
};

}  // namespace vitalog::processors
