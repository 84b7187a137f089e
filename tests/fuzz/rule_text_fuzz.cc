#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/base/result.h"
#include "sinks/explain/rule_text.h"

// Rule packs as hospitals write them: what is shown of a rule is never more than the pack and a line
// end.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view pack(reinterpret_cast<const char*>(data), size);
    for (const std::string_view rule : {"a", "aki", ""}) {
        const auto text = vitalog::sinks::explain::rule_text(pack, rule);
        VITALOG_ASSERT(!text || text->size() <= pack.size() + 1, "a rule longer than its pack");
    }
    return 0;
}
