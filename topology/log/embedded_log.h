#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "topology/log/log.h"
#include "topology/log/repeat_ledger.h"

namespace vitalog::topology {

struct Disk;  // topology/log/rocks.h

/// The log of one machine: one RocksDB database in a data directory holds blocks of records, shard
/// state, positions and the ledger of repeats, so that one write batch is one atom (law 6). Owns
/// the data directory while it lives, and one thread that makes appends durable in groups and calls
/// their `done`. Thread-safe; shard handles are destroyed before it. After a failed write or fsync
/// it refuses all further work with that error: nobody knows any more what is on disk.
class EmbeddedLog final : public Log {
  public:
    struct Options {
        std::filesystem::path path;  ///< the data directory; created when missing
        std::vector<TopicConfig> topics;
        std::uint64_t recent_bytes = std::uint64_t{256}
                                     << 20;  ///< latest blocks kept in memory, uncompressed
        std::uint64_t block_cache_bytes = std::uint64_t{256} << 20;  ///< of stored state and ledger
        std::uint64_t write_buffer_bytes = std::uint64_t{256}
                                           << 20;  ///< of all that is not in tables yet, together
        std::uint64_t wal_bytes_max = std::uint64_t{512} << 20;  ///< what a restart reads at most
        std::uint64_t segment_bytes = std::uint64_t{256}
                                      << 20;  ///< topics with retention begin a new segment
        std::chrono::microseconds segment_age = std::chrono::hours(6);
        std::uint64_t disk_reserve_bytes = std::uint64_t{1}
                                           << 30;   ///< feeds are refused when less is free
        std::size_t append_queue_records = 65'536;  ///< waiting to be made durable
        std::size_t append_queue_bytes = std::size_t{128} << 20;
        LedgerLimits ledger;
        int background_jobs = 4;  ///< RocksDB's threads for flush and compaction
        const Disk* disk = nullptr;  ///< the machine's own; tests put faults there
        /// A data directory of an older version becomes one of this version; Raise: only where its
        /// site was stopped in order.
        enum class Older : std::uint8_t { Refuse, Raise, RaiseAnyhow };
        Older older = Older::Raise;
    };
    /// Errors: Conflict when another process has the data directory, Configuration when topics do
    /// not fit what is stored, Damaged, Io.
    static Result<std::unique_ptr<EmbeddedLog>> open(Options options);
    /// Commits what waits in the queue and syncs.
    ~EmbeddedLog() override;

    /// Drops whole segments that the topics' retention gives up, except what a shard's checkpoint
    /// or a reader's position still needs. Called now and then by the owner.
    Result<void> enforce_retention(LogTime now);

    /// Writes a copy of everything readable before the call, a data directory of its own without
    /// the views, while the log goes on. `to` must not exist yet. Io.
    Result<void> copy_to(const std::filesystem::path& to);
    /// What is appended from here on is of the next generation: for a restored copy, before anybody
    /// else uses it.
    Result<void> begin_generation();
    /// True from begin_generation() until pass_over().
    bool restored() const;
    /// After a restore the original may have sent what lies in these topics: their readers go to
    /// the end and ask what became of it. Gives the number of records passed over.
    Result<std::uint64_t> pass_over(const std::vector<std::string>& topics);
    /// The data directory.
    const std::filesystem::path& folder() const;

    /// Counted since open.
    struct Stats {
        std::uint64_t fsyncs = 0;
        std::uint64_t append_groups = 0;
        std::uint64_t appended_records = 0;
        std::uint64_t repeats = 0;
        std::uint64_t commits = 0;
        std::uint64_t blocks = 0;
        std::uint64_t block_bytes_raw = 0;
        std::uint64_t block_bytes_stored = 0;
        std::uint64_t recent_bytes = 0;    ///< in memory now, as the next three
        std::uint64_t write_buffer_bytes = 0;
        std::uint64_t block_cache_bytes = 0;
        std::uint64_t table_reader_bytes = 0;  ///< indices and filters of open files
        std::uint64_t ledger_entries = 0;  ///< stored now
        std::uint64_t segments_dropped = 0;
    };
    Stats stats() const;

    std::vector<TopicConfig> topics() const override;
    Result<void> usable() const override;
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage,
                                                 const TopicPartition& input) override;
    Generation generation() const override;
    Generation generation_at(const TopicPartition& tp, Offset offset) const override;
    void append(FeedRecord record, AppendDone done) override;
    std::uint32_t partitions(std::string_view topic) const override;
    Result<Offset> begin_offset(const TopicPartition& tp) const override;
    Result<Offset> end_offset(const TopicPartition& tp) const override;
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const override;
    Result<void> sync() override;
    std::uint64_t activity() const override;
    void wait(std::uint64_t seen, std::chrono::milliseconds timeout) const override;
    Result<std::optional<Offset>> load_position(std::string_view reader,
                                                const TopicPartition& tp) const override;
    Result<void> store_position(std::string_view reader, const TopicPartition& tp,
                                Offset next) override;

  private:
    class Impl;  // hides RocksDB
    explicit EmbeddedLog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::topology
