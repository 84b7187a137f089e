#include <cstddef>
#include <cstdint>

#include "schemas/clinical/encounter_state.h"

// The events of an encounter as the views store them.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::schemas;
    Decoder decoder;
    const auto history = EncounterHistory::decode({reinterpret_cast<const char*>(data), size}, decoder);
    if (history) (void)history->state();
    return 0;
}
