#include <cstdint>

#include "ingest/http/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog::ingest;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = parse_target(text)) {
        VITALOG_ASSERT(target->path.size() <= text.size() + 1,
                       "a decoded path grows by no more than its first slash");
        VITALOG_ASSERT(target->query.size() <= kMaxQueryItems, "the limit on parameters holds");
        for (const auto& segment : target->segments)
            VITALOG_ASSERT(segment.find('\0') == std::string::npos ||
                               text.find('\0') != std::string_view::npos,
                           "no NUL is made of an escape");
    }
    return 0;
}
