#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "schemas/base/binary.h"
#include "schemas/base/record.h"

namespace vitalog::topology {

// What an embedded log stores beside its blocks and the positions (stored_position.h), in column
// family "default":
//   "generation"     -> number
//   "topic" 00 name  -> number of its partitions
//   "chain" 00 topic/partition -> the link (block_chain.h) that the partition's last segment
//                                 follows, or the first block that has a place in the chain
// number := varint, not zero
inline constexpr std::string_view kGenerationKey = "generation";
inline constexpr std::string_view kTopicKeyPrefix{"topic\0", 6};
inline constexpr std::string_view kChainKeyPrefix{"chain\0", 6};

inline std::string encode_number(std::uint32_t number) {
    std::string out;
    BinaryWriter(out).varint(number);
    return out;
}
/// Damaged; `what` names it in the error.
inline Result<std::uint32_t> decode_number(std::string_view bytes, std::string_view what) {
    BinaryReader reader(bytes);
    const std::uint64_t number = reader.varint();
    VITALOG_CHECK(reader.finish(what));
    if (number == 0 || number > std::numeric_limits<std::uint32_t>::max())
        return fail(Errc::Damaged, std::string(what) + " is " + std::to_string(number));
    return static_cast<std::uint32_t>(number);
}

inline std::string chain_key(const TopicPartition& tp) {
    return std::string(kChainKeyPrefix) + to_string(tp);
}

/// State of a shard lies in column family "state" behind its number, 4 bytes.
inline std::string state_prefix(std::uint32_t shard) {
    std::string prefix;
    BinaryWriter(prefix).fixed32(shard);
    return prefix;
}

}  // namespace vitalog::topology
