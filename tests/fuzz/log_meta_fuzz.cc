#include <cstddef>
#include <cstdint>

#include "schemas/base/binary.h"
#include "topology/log/embedded_keys.h"
#include "topology/log/generations.h"
#include "topology/log/partition_log.h"
#include "topology/log/stored_position.h"

// Positions of shards and readers, births of generations, their keys, small numbers and the names of segments, as the log stores them: any
// bytes give a value or an Error, and any value reads back as it was written.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    using namespace vitalog::topology;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)parse_position_key(bytes);
    if (const auto segment = parse_segment_name(bytes))
        VITALOG_ASSERT(parse_segment_name(segment_name(segment->tp, segment->base)).has_value(),
                       "a segment's name reads back");
    (void)decode_shard_position(bytes);
    (void)decode_reader_position(bytes);
    (void)parse_logic_key(bytes);
    if (const auto number = decode_number(bytes, "number"))
        VITALOG_ASSERT(decode_number(encode_number(*number), "number") == *number,
                       "a number reads back");
    if (const auto tp = parse_births_key(bytes))
        VITALOG_ASSERT(births_key(*tp) == bytes, "a key of births reads back");
    if (const auto births = decode_births(bytes, "births")) {
        VITALOG_ASSERT(!births->empty(), "a partition without a birth");
        VITALOG_ASSERT(decode_births(encode_births(*births), "births") == *births, "births read back");
    }

    BinaryReader reader(bytes);
    StoredShard stored;
    stored.shard = reader.fixed32();
    stored.position.committed = Offset(reader.signed_varint());
    stored.position.checkpoint = Offset(reader.signed_varint());
    stored.position.logic = reader.fixed32();
    stored.position.digest = reader.text();
    const std::string encoded = encode_shard_position(stored);
    const auto again = decode_shard_position(encoded);
    VITALOG_ASSERT(again && again->position.committed == stored.position.committed &&
                       again->position.checkpoint == stored.position.checkpoint &&
                       again->position.digest == stored.position.digest,
                   "a position does not read back as it was written");
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        std::string damaged = encoded;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        VITALOG_ASSERT(!decode_shard_position(damaged), "a flipped bit is not found");
    }
    return 0;
}
