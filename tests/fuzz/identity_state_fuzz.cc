#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "processors/identity/identity_processor.h"

// The stored forms of identity's entities: the first byte picks which. Damaged bytes are refused;
// what is read is stored again in a form that reads the same.

namespace {

void check(const vitalog::processors::identity::IdentityProcessor& processor, std::string_view key,
           std::string_view bytes) {
    const auto entity = processor.decode(key, bytes);
    if (!entity) return;
    std::string once;
    (*entity)->encode(once);
    const auto again = processor.decode(key, once);
    VITALOG_ASSERT(again.has_value(), "an encoded entity can be decoded");
    std::string twice;
    (*again)->encode(twice);
    VITALOG_ASSERT(once == twice, "storing changes nothing");
    VITALOG_ASSERT((*entity)->memory_bytes() > 0, "an entity takes memory");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const vitalog::processors::identity::IdentityProcessor processor;
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    check(processor, (data[0] & 1) != 0 ? vitalog::schemas::kMergesKey : "HOSP|100", bytes);
    return 0;
}
