#include <cstddef>
#include <cstdint>
#include <string>

#include "schemas/base/record.h"

// The headers of a record: bytes that do not follow the grammar end the list, and what was listed
// is found and written alike.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using vitalog::Headers;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Headers headers(bytes);
    const auto all = headers.all();
    std::string written;
    for (const auto& [name, value] : all) Headers::append(written, name, value);
    VITALOG_ASSERT(Headers(written).all() == all, "what was written reads the same");
    for (const auto& [name, value] : all) {
        (void)value;
        VITALOG_ASSERT(headers.find(name) == Headers(written).find(name), "a name is found");
    }
    (void)headers.find("ce_type");
    return 0;
}
