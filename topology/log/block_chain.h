#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "topology/log/record_block.h"
#include "topology/log/sha256.h"

namespace vitalog::topology {

// The blocks of a partition are a chain: one that is changed, taken out or put elsewhere does not
// give the link that is stored, however its checksums are made. Behind the body of each block
// (record_block.h) stands its place:
//   place := link 32 bytes | before 32 bytes, only in the first block of a segment |
//            checksum fixed64 (XXH3 of link, before, and the body's checksum) | size u8 (of all
//            that)
//   link  := SHA-256(link of the block before | base fixed64 | SHA-256(body))
// `before` is the link of the block before: retention drops whole segments, so that the first block
// that is kept says what it follows. The first of all follows chain_begin().
//
// Blocks of before the chain ("VLB1", a body alone) may lie before all others. They are linked as
// if they had a place, and the first block behind them has `before`: one of them that is changed is
// found there, as long as none was dropped by retention.

/// A block that waits for its place.
struct PackedBlock {
    std::string stored;
    Digest content;  ///< of the body
};
/// Compresses and digests: the work that needs no place.
PackedBlock pack_block(const RecordBlockBuilder& builder);
/// Gives it its place behind the block whose link is `before`; returns its own link.
Digest seal_block(PackedBlock& block, Offset base, const Digest& before, bool begins_segment);
/// What the first block of a partition follows.
Digest chain_begin(const TopicPartition& tp);

/// A stored block taken apart. Views of it.
struct SealedBlock {
    std::string_view body;
    Digest link;
    std::optional<Digest> before;
    bool placed = true;  ///< false: of before the chain, without link and before
};
/// Damaged when the place does not follow its grammar, or fails its checksum.
Result<SealedBlock> open_seal(std::string_view stored);

/// Follows the chain of one partition, block by block in the order of their bases. One thread.
class BlockChain {
  public:
    /// From the first block that is kept on; it is where `begin` says, and the partition's first
    /// where that is 0.
    BlockChain(const TopicPartition& tp, Offset begin) : tp_(tp), begin_(begin), end_(begin) {}

    /// Damaged when the block does not follow the one before it, or is not what its link says.
    Result<void> add(Offset base, std::string_view stored);

    Offset begin() const { return begin_; }
    Offset end() const { return end_; }
    /// Of the last block; nullopt before any.
    const std::optional<Digest>& head() const { return head_; }

  private:
    const TopicPartition tp_;
    const Offset begin_;
    Result<void> add_unplaced(Offset base, std::string_view body);

    Offset end_;
    std::optional<Digest> head_;
    bool any_placed_ = false;
    Sha256 sha_;
};

}  // namespace vitalog::topology
