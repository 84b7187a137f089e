#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "processors/notify/provider_message.h"
#include "processors/notify/recipient_entity.h"

// Stored recipients and provider messages: refused, or written and read again alike. The same bytes
// travel in RecipientMoved.

namespace {

template <class Entity>
void read_and_write(std::string_view bytes) {
    Entity entity;
    if (!entity.decode(bytes)) return;
    std::string first;
    entity.encode(first);
    Entity again;
    VITALOG_ASSERT(again.decode(first).has_value(), "an entity can't read what it wrote");
    std::string second;
    again.encode(second);
    VITALOG_ASSERT(first == second, "an entity changes by being stored");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_and_write<vitalog::processors::ProviderMessage>(bytes);
    read_and_write<vitalog::processors::RecipientEntity>(bytes);
    vitalog::processors::RecipientEntity loser("loser");
    if (!loser.decode(bytes)) return 0;
    vitalog::processors::RecipientEntity survivor("survivor");
    survivor.absorb(std::move(loser), "loser");
    survivor.next_due();
    return 0;
}
