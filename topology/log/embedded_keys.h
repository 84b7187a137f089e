#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/base/binary.h"
#include "schemas/base/record.h"

namespace vitalog::topology {

// What an embedded log stores beside its blocks and the positions (stored_position.h), in column
// family "default":
//   "generation"     -> varint
//   "topic" 00 name  -> partitions varint
//   "chain" 00 topic/partition -> the link (block_chain.h) that the partition's last segment
//                                 follows, or the first block that has a place in the chain
inline constexpr std::string_view kGenerationKey = "generation";
inline constexpr std::string_view kTopicKeyPrefix{"topic\0", 6};
inline constexpr std::string_view kChainKeyPrefix{"chain\0", 6};

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
