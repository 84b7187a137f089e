#pragma once

#include <rocksdb/write_batch.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "topology/log/partition_log.h"
#include "topology/log/rocks.h"
#include "topology/log/sync_gate.h"

namespace vitalog::topology {

/// A block on its way into the log.
struct NewBlock {
    PartitionLog* partition;
    PackedBlock packed;
    std::shared_ptr<RecordBlock>
        block;  // becomes the readers' block once written; base is set then
};
/// Compresses; done before the commit lock is taken.
NewBlock prepare_block(PartitionLog& partition, const RecordBlockBuilder& builder);

/// The one place that writes to the embedded log's database: atoms one after another, each shown to
/// readers once it stands, the latest blocks kept in memory within a budget. The first failure ends
/// all writing. Thread-safe.
class AtomWriter {
  public:
    struct Limits {
        std::uint64_t recent_bytes = 0;
        std::uint64_t segment_bytes = 0;
        std::chrono::microseconds segment_age{0};
    };
    /// `mark_synced` learns up to which sequence number everything is on disk.
    AtomWriter(Rocks& rocks, Limits limits,
               std::function<Result<void>(std::uint64_t sequence)> mark_synced);

    /// Writes the batch and the blocks as one atom, not synced, and publishes the blocks.
    Result<void> write(rocksdb::WriteBatch& batch, std::vector<NewBlock> blocks);
    /// Begins a new segment, so that the one before can be dropped.
    Result<void> begin_segment(PartitionLog& partition);
    /// Everything published before the call is on disk when this returns.
    Result<void> sync();
    /// All work fails with the first error given here.
    void fail_stop(const Error& error);
    Result<void> usable() const;

    std::uint64_t activity() const { return activity_.load(std::memory_order_acquire); }
    void wait(std::uint64_t seen, std::chrono::milliseconds timeout) const;

    std::uint64_t fsyncs() const { return gate_.fsyncs(); }
    std::uint64_t blocks() const { return blocks_.load(std::memory_order_relaxed); }
    std::uint64_t bytes_raw() const { return bytes_raw_.load(std::memory_order_relaxed); }
    std::uint64_t bytes_stored() const { return bytes_stored_.load(std::memory_order_relaxed); }
    std::uint64_t recent_bytes() const { return recent_bytes_.load(std::memory_order_relaxed); }

  private:
    Result<void> fsync();
    Result<void> begin_segment_locked(PartitionLog& partition);
    Result<void> place(NewBlock& block, rocksdb::WriteBatch& batch);
    void publish(NewBlock& block);
    bool must_roll(const PartitionLog& partition, LogTime at) const;

    Rocks& rocks_;
    const Limits limits_;
    const std::function<Result<void>(std::uint64_t)> mark_synced_;
    SyncGate gate_;

    std::mutex commit_mutex_;           // one atom at a time; guards what follows
    std::deque<PartitionLog*> recent_;  // whose block in memory is the oldest, and so on
    std::atomic<std::uint64_t> recent_bytes_{0};

    mutable std::mutex activity_mutex_;
    mutable std::condition_variable activity_changed_;
    std::atomic<std::uint64_t> activity_{0};

    std::atomic<bool> failed_{false};
    mutable std::mutex failure_mutex_;  // guards failure_
    std::optional<Error> failure_;

    std::atomic<std::uint64_t> blocks_{0};
    std::atomic<std::uint64_t> bytes_raw_{0};
    std::atomic<std::uint64_t> bytes_stored_{0};
};

}  // namespace vitalog::topology
