#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schemas/base/record.h"
#include "schemas/base/result.h"

namespace vitalog::topology {

/// Readable bytes behind the last record of a block in memory.
inline constexpr std::size_t kBlockPadding = 64;
/// A block larger than this, uncompressed, is neither written nor read.
inline constexpr std::size_t kBlockBytesMax = std::size_t{256} << 20;

/// Collects records of one partition in the order they will have there. Offsets are given when the
/// block is appended: record i of a block at base b has offset b + i.
class RecordBlockBuilder {
  public:
    void add(LogTime timestamp, std::string_view key, std::string_view headers,
             std::string_view value);

    std::uint32_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    /// Bytes of the records so far, uncompressed.
    std::size_t bytes() const { return raw_.size(); }
    std::string_view raw() const { return raw_; }
    LogTime first_timestamp() const { return first_timestamp_; }
    LogTime last_timestamp() const { return last_timestamp_; }
    void clear();

  private:
    std::string raw_;  // record*: timestamp_ms zigzag, key text, headers text, value text
    std::uint32_t count_ = 0;
    LogTime first_timestamp_;
    LogTime last_timestamp_;
};

/// A block in memory, uncompressed, with readable tail padding for SIMD parsers. Shared by the
/// log's cache and by the batches that point into it.
struct RecordBlock {
    Offset base;
    std::uint32_t count = 0;
    LogTime last_timestamp;
    std::string raw;  ///< the records, then kBlockPadding zero bytes

    std::string_view records() const {
        return std::string_view(raw).substr(0, raw.size() - kBlockPadding);
    }
    Offset end() const { return Offset(base.value() + count); }
};

/// The body of a stored block; its place in the chain of its partition follows (block_chain.h):
///   body    := magic "VLB2" | codec u8 (0 raw, 1 lz4) | count varint | last_timestamp_ms zigzag |
///              raw_size varint | checksum fixed64 (XXH3 of all the rest) | payload
std::string encode_block(const RecordBlockBuilder& builder);
/// What the body of a block began with before there was a chain: the rest is the same.
inline constexpr std::string_view kUnplacedMagic = "VLB1";
/// Of body and place. Damaged when magic, checksums or grammar do not hold.
Result<RecordBlock> decode_block(Offset base, std::string_view stored);

/// The block that decode_block(base, encode_block(builder)) would give.
RecordBlock block_in_memory(Offset base, const RecordBlockBuilder& builder);

/// What a stored block says of itself, before its checksum is looked at.
struct BlockHeader {
    std::uint32_t count = 0;
    LogTime last_timestamp;
    std::size_t raw_size = 0;
};
Result<BlockHeader> peek_block(std::string_view stored);

/// Appends views of the block's records from `from` on to the batch, up to max_records, and sets
/// out.next to the offset behind the last of them. Whoever calls keeps the block alive in
/// out.owners. Damaged when the records do not follow their grammar.
Result<void> append_views(const RecordBlock& block, Offset from, std::size_t max_records,
                          RecordBatch& out);

}  // namespace vitalog::topology
