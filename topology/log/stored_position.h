#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "topology/log/log.h"

namespace vitalog::topology {

// Positions as every log keeps them, beside its blocks:
//   "shard" 00 stage 00 topic 00 partition fixed32   -> shard position
//   "reader" 00 reader 00 topic 00 partition fixed32 -> reader position
//   shard position  := "VSHP" | version 1 varint | shard varint | generation varint | committed
//   zigzag |
//                      checkpoint zigzag | logic varint | digest text | checksum fixed64
//   reader position := "VRDP" | version 1 varint | generation varint | next zigzag | checksum
//   fixed64
// A checksum is XXH3 of everything before it. And, of an embedded log only, for whoever audits:
//   "logic" 00 stage 00 topic 00 partition fixed32 offset fixed64 -> number
//   (embedded_keys.h), the logic that decided the shard's input before `offset`, where another one
//   went on

std::string shard_position_key(std::string_view stage, const TopicPartition& input);
std::string reader_position_key(std::string_view reader, const TopicPartition& tp);
inline constexpr std::string_view kShardKeyPrefix{"shard\0", 6};
inline constexpr std::string_view kReaderKeyPrefix{"reader\0", 7};
inline constexpr std::string_view kLogicKeyPrefix{"logic\0", 6};

/// Reads back whose position a key names: stage or reader, and the partition.
struct PositionKey {
    std::string owner;
    TopicPartition tp;
};
Result<PositionKey> parse_position_key(std::string_view key);

std::string logic_key(std::string_view stage, const TopicPartition& input, Offset until);
struct LogicKey {
    PositionKey shard;
    Offset until;
};
Result<LogicKey> parse_logic_key(std::string_view key);

/// A shard's position and the number under which its state is stored.
struct StoredShard {
    std::uint32_t shard = 0;
    ShardPosition position;
};
std::string encode_shard_position(const StoredShard& stored);
Result<StoredShard> decode_shard_position(std::string_view bytes);

struct ReaderPosition {
    Generation generation{1};
    Offset next;
};
std::string encode_reader_position(const ReaderPosition& position);
Result<ReaderPosition> decode_reader_position(std::string_view bytes);

}  // namespace vitalog::topology
