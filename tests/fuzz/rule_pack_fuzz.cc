#include <cstddef>
#include <cstdint>
#include <string>

#include "schemas/rules.h"

// Any text is either refused with a place and a reason, or a pack whose rules survive their stored
// form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto pack = schemas::parse_rule_pack("fuzz.yaml", text);
    if (!pack) {
        VITALOG_ASSERT(pack.error().message().starts_with("fuzz.yaml:"),
                       "an error names file and line");
        return 0;
    }
    for (const auto& rule : pack->rules) {
        std::string bytes;
        BinaryWriter out(bytes);
        schemas::encode_rule(out, rule);
        BinaryReader in(bytes);
        VITALOG_ASSERT(schemas::decode_rule(in) == rule && in.ok() && in.at_end(),
                       "a rule survives its stored form");
    }
    return 0;
}
