#include "topology/log/atom_writer.h"

#include <utility>

#include "schemas/base/planted.h"
#include "topology/log/embedded_keys.h"

namespace vitalog::topology {

NewBlock prepare_block(PartitionLog& partition, const RecordBlockBuilder& builder) {
    return {&partition, pack_block(builder),
            std::make_shared<RecordBlock>(block_in_memory(Offset(), builder))};
}

AtomWriter::AtomWriter(Rocks& rocks, Limits limits,
                       std::function<Result<void>(std::uint64_t sequence)> mark_synced)
    : rocks_(rocks),
      limits_(limits),
      mark_synced_(std::move(mark_synced)),
      gate_([this] { return fsync(); }) {}

Result<void> AtomWriter::usable() const {
    if (!failed_.load(std::memory_order_acquire)) return {};
    const std::lock_guard lock(failure_mutex_);
    return tl::unexpected(*failure_);
}

void AtomWriter::fail_stop(const Error& error) {
    const std::lock_guard lock(failure_mutex_);
    if (failure_) return;
    failure_ =
        Error(error.code(), error.message() + " (the log takes no more work: restart vitalog)");
    failed_.store(true, std::memory_order_release);
}

bool AtomWriter::must_roll(const PartitionLog& partition, LogTime at) const {
    const TopicConfig& config = partition.config();
    if (config.retention.count() == 0 && config.retention_bytes == 0) return false;
    const Segment active = partition.active();
    return !active.empty && (active.bytes >= limits_.segment_bytes ||
                             at - active.first_timestamp >= limits_.segment_age);
}

Result<void> AtomWriter::begin_segment_locked(PartitionLog& partition) {
    VITALOG_TRY(auto families, rocks_.create_logs({partition.next_segment_name()}));
    // Retention may drop every block before the segment gets its first one.
    rocksdb::WriteOptions durable;
    durable.sync = true;
    VITALOG_CHECK(check(rocks_.db().Put(durable, rocks_.meta(), chain_key(partition.tp()),
                                        to_slice(partition.head().view())),
                        "cannot keep the head of a chain", rocks_.db().GetName()));
    partition.add_segment(std::move(families.front()));
    return {};
}

Result<void> AtomWriter::begin_segment(PartitionLog& partition) {
    const std::lock_guard lock(commit_mutex_);
    VITALOG_CHECK(usable());
    if (partition.active().empty) return {};
    return begin_segment_locked(partition);
}

Result<void> AtomWriter::place(NewBlock& block, rocksdb::WriteBatch& batch) {
    PartitionLog& partition = *block.partition;
    if (must_roll(partition, block.block->last_timestamp))
        VITALOG_CHECK(begin_segment_locked(partition));
    block.block->base = partition.stage(block.packed, block.block->count);
    batch.Put(partition.active().family->get(), block_key(block.block->base), block.packed.stored);
    return {};
}

void AtomWriter::publish(NewBlock& block) {
    const std::size_t raw = block.block->raw.size();
    blocks_.fetch_add(1, std::memory_order_relaxed);
    bytes_raw_.fetch_add(raw, std::memory_order_relaxed);
    bytes_stored_.fetch_add(block.packed.stored.size(), std::memory_order_relaxed);
    block.partition->publish(std::move(block.block), block.packed.stored.size());
    recent_.push_back(block.partition);
    std::uint64_t bytes = recent_bytes_.load(std::memory_order_relaxed) + raw;
    while (bytes > limits_.recent_bytes) {
        bytes -= recent_.front()->forget_oldest();
        recent_.pop_front();
    }
    recent_bytes_.store(bytes, std::memory_order_relaxed);
}

Result<void> AtomWriter::write(rocksdb::WriteBatch& batch, std::vector<NewBlock> blocks) {
    const std::lock_guard lock(commit_mutex_);
    VITALOG_CHECK(usable());
    for (NewBlock& block : blocks) {
        if (const auto placed = place(block, batch); !placed) {
            fail_stop(placed.error());
            return placed;
        }
    }
    const auto status = rocks_.db().Write(rocksdb::WriteOptions(), &batch);
    if (!status.ok() && !planted("believe-failed-write")) {
        const Error error = to_error(status, "cannot write to the log", rocks_.db().GetName());
        fail_stop(error);
        return tl::unexpected(error);
    }
    gate_.note_write();
    for (NewBlock& block : blocks) publish(block);
    if (blocks.empty()) return {};
    {
        const std::lock_guard activity_lock(activity_mutex_);
        activity_.fetch_add(1, std::memory_order_release);
    }
    activity_changed_.notify_all();
    return {};
}

/// Not of a file that a write has failed in while this one waited for its turn: RocksDB, as Debian
/// builds it, ends the process then.
Result<void> AtomWriter::fsync() {
    VITALOG_CHECK(usable());
    const std::uint64_t sequence = rocks_.db().GetLatestSequenceNumber();
    VITALOG_CHECK(check(rocks_.db().SyncWAL(), "cannot sync the log", rocks_.db().GetName()));
    return mark_synced_(sequence);
}

Result<void> AtomWriter::sync() {
    VITALOG_CHECK(usable());
    const Result<void> synced = gate_.sync();
    if (synced || planted("believe-failed-sync")) return {};
    fail_stop(synced.error());
    return synced;
}

void AtomWriter::wait(std::uint64_t seen, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(activity_mutex_);
    activity_changed_.wait_for(lock, timeout, [&] { return activity() != seen; });
}

}  // namespace vitalog::topology
