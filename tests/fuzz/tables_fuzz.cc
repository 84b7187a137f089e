#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/tables/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    schemas::Tables tables;
    const auto units = tables.load("units", "u.yaml", text);
    const std::string before(tables.version());
    const auto codes = tables.load("codes", "c.yaml", text);
    VITALOG_ASSERT(codes || tables.version() == before, "a refused file changed the tables");
    tables.find_code("L", text, text);
    if (const auto* unit = tables.find_unit(text)) (void)schemas::convert(1, *unit, *unit, nullptr);
    return 0;
}
