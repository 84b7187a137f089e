#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/base/ids.h"
#include "sinks/views/query.h"

// Any text is either refused or a place in a search that is written as itself again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::sinks::views;
    const auto cursor = Cursor::parse({reinterpret_cast<const char*>(data), size});
    if (!cursor) return 0;
    const auto again = Cursor::parse(cursor->to_string());
    VITALOG_ASSERT(again && again->marks == cursor->marks, "what to_string() wrote is the same");
    return 0;
}
