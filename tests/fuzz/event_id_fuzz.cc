#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sinks/live/cursor.h"
#include "topology/log/memory_log.h"

// Ids of live events come back from readers: whatever they send is refused, or a place whose text is
// what they sent.

namespace {

vitalog::sinks::live::Cursor shape_of_three_partitions() {
    std::vector<vitalog::topology::TopicConfig> topics;
    for (const auto topic : vitalog::sinks::live::kLiveTopics) {
        vitalog::topology::TopicConfig config;
        config.name = vitalog::schemas::name_of(topic);
        config.partitions = 3;
        topics.push_back(config);
    }
    const vitalog::topology::MemoryLog log(topics);
    return vitalog::sinks::live::Cursor::start(log, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto shape = shape_of_three_partitions();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const vitalog::Generation generation(1);
    const auto cursor = vitalog::sinks::live::Cursor::parse(text, generation, shape);
    if (!cursor) return 0;
    const auto again =
        vitalog::sinks::live::Cursor::parse(cursor->text(generation), generation, shape);
    VITALOG_ASSERT(again && *again == *cursor, "an id changes by being read");
    return 0;
}
