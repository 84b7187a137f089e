#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "topology/log/batch_fill.h"
#include "topology/log/block_chain.h"
#include "topology/log/log.h"
#include "topology/log/rocks.h"

namespace vitalog::topology {

/// A stretch of a partition's offsets, stored in a column family "log/topic/partition/base", so
/// that it is dropped whole. Within it: base offset of a block, 8 bytes big-endian -> the block.
struct Segment {
    SharedColumnFamily family;
    Offset base;
    std::uint64_t bytes = 0;  ///< stored, about
    bool empty = true;
    LogTime first_timestamp;  ///< of the first block; meaningless when empty
    LogTime last_timestamp;   ///< of the last block
};

std::string segment_name(const TopicPartition& tp, Offset base);
struct SegmentName {
    TopicPartition tp;
    Offset base;
};
/// Damaged when it is no segment's name.
Result<SegmentName> parse_segment_name(std::string_view name);
std::string block_key(Offset base);

/// One partition: its segments on disk, and its latest blocks in memory. Readers are many; whoever
/// writes (add_segment, stage, publish, forget_oldest) holds the log's commit lock.
class PartitionLog {
  public:
    PartitionLog(TopicPartition tp, TopicConfig config, Rocks& rocks)
        : tp_(std::move(tp)), config_(std::move(config)), rocks_(rocks), head_(chain_begin(tp_)) {}

    const TopicPartition& tp() const { return tp_; }
    const TopicConfig& config() const { return config_; }

    /// Adds a segment found on disk; in the order of their bases. Reads where it begins and ends.
    Result<void> recover_segment(SharedColumnFamily family, Offset base);
    /// Adds a fresh one behind the last record.
    void add_segment(SharedColumnFamily family);
    /// What the segment's column family is to be called.
    std::string next_segment_name() const { return segment_name(tp_, staged_); }
    /// The segment that the next block goes to.
    Segment active() const;

    /// Gives the next block, of `count` records, its offset and its place in the chain, and counts
    /// on.
    Offset stage(PackedBlock& block, std::uint32_t count);
    /// The link of the last block staged, or what the first one is to follow.
    const Digest& head() const { return head_; }
    /// Shows a block that stands in the database. `stored_bytes` is what it takes there.
    void publish(std::shared_ptr<const RecordBlock> block, std::uint64_t stored_bytes);
    /// Drops the oldest block from memory; gives its bytes.
    std::size_t forget_oldest();

    Offset begin() const;
    Offset end() const;
    Result<void> read(Offset from, std::size_t max_bytes, RecordBatch& out) const;

    using BlockVisit = std::function<Result<void>(Offset base, std::string_view stored)>;
    /// Every stored block, in order, not decoded. The visitor's error ends it.
    Result<void> visit_blocks(const BlockVisit& visit) const;
    /// An error with the name of the block that it is about, and what to do.
    Error block_error(Offset base, const Error& error) const;

    std::vector<Segment> segments() const;
    /// Takes the oldest segment off; it must not be the active one.
    Segment remove_oldest_segment();

  private:
    using SharedBlock =
        std::shared_ptr<const RecordBlock>;  // shared with the batches that point into it

    Result<void> fill_from_disk(const Segment& segment, Offset end, BatchFill& fill,
                                Offset& at) const;
    Result<SharedBlock> decode(Offset base, std::string_view stored) const;
    /// The folder, for whoever has to repair it.
    const std::string& database() const;
    Result<Offset> block_base(std::string_view key) const;
    Result<Digest> stored_head() const;

    const TopicPartition tp_;
    const TopicConfig config_;
    Rocks& rocks_;
    Offset staged_;  // guarded by the commit lock, as the next two: what the next block gets,
    Digest head_;    // and follows
    bool begins_segment_ = true;
    bool any_placed_ = false;  // of recover_segment: a block that has a place in the chain was met

    mutable std::mutex mutex_;  // guards what follows
    std::deque<Segment> segments_;
    std::deque<SharedBlock> recent_;
    Offset end_;
    mutable std::deque<SharedBlock> cut_;  // blocks from disk that a read left in the middle
};

}  // namespace vitalog::topology
