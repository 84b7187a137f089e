#include <cstddef>
#include <cstdint>
#include <string_view>

#include "topology/log/kafka/committer.h"

// What stands beside an offset in a cluster: any text is a position that is written the same again,
// or refused.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto position = topology::kafka::decode_metadata(Offset(7), text);
    if (!position) return 0;
    const std::string once = topology::kafka::encode_metadata(*position);
    const auto again = topology::kafka::decode_metadata(Offset(7), once);
    VITALOG_ASSERT(again && topology::kafka::encode_metadata(*again) == once, "a position reads back");
    return 0;
}
