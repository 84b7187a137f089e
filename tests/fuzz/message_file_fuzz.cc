#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ingest/mllp/message_file.h"

// Any bytes as a file of messages: cut into messages, and all times in them moved.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::ingest;
    static const auto zone = *hl7::SiteZone::named("Asia/Shanghai");
    auto messages = mllp::split_messages({reinterpret_cast<const char*>(data), size});
    if (!messages) return 0;
    VITALOG_ASSERT(!messages->empty(), "a file that is taken holds a message");
    std::vector<std::size_t> sizes;
    for (const auto& message : *messages) {
        VITALOG_ASSERT(message.starts_with("MSH"), "a message begins with its header");
        sizes.push_back(message.size());
    }
    if (!mllp::shift_to_now(*messages, EventTime(1'795'248'000'000'000), zone)) return 0;
    for (std::size_t i = 0; i < sizes.size(); ++i)
        VITALOG_ASSERT((*messages)[i].size() == sizes[i], "each keeps its length");
    return 0;
}
