// What decodes is encoded and decoded again, alike.
#include <cstddef>
#include <cstdint>

#include "schemas/catalogue.h"
#include "schemas/json_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    schemas::Decoder decoder;
    schemas::for_each_event([&]<class E>(const schemas::EventInfo&) {
        const auto event = schemas::decode<E>(text, decoder);
        if (!event) return;
        const std::string written = schemas::encode(*event);
        schemas::Decoder other;
        const auto again = schemas::decode<E>(written, other);
        VITALOG_ASSERT(again.has_value(), "what was written can't be read");
        VITALOG_ASSERT(schemas::encode(*again) == written, "an event changed on its way");
    });
    return 0;
}
