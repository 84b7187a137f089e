#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/ids.h"
#include "sinks/views/sample_chunk.h"

// Any bytes are either refused or an hour of samples that reads back as itself, and that can be
// added up and added to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::sinks::views;
    constexpr std::int64_t kHour = 444'444;
    auto chunk = SampleChunk::decode(kHour, {reinterpret_cast<const char*>(data), size});
    if (!chunk) return 0;
    const auto again = SampleChunk::decode(kHour, chunk->encode());
    VITALOG_ASSERT(again && again->samples() == chunk->samples(),
                   "what encode() wrote is the same");
    VITALOG_ASSERT(again->decimals() == chunk->decimals(), "in the same units");
    const auto all = chunk->statistics();
    VITALOG_ASSERT(all.min <= all.first && all.first <= all.max && all.min <= all.last &&
                       all.last <= all.max && all.from <= all.to,
                   "statistics hold together");
    const std::vector<Sample> same(chunk->samples());
    VITALOG_ASSERT(!chunk->add(same, chunk->decimals()), "a repeat changes nothing");
    return 0;
}
