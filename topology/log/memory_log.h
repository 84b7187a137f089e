#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "topology/log/log.h"
#include "topology/log/repeat_ledger.h"

namespace vitalog::topology {

/// The log of tests and simulation: everything in memory, what it does decided by the calls alone.
/// It behaves as the embedded log does, loss by a crash included: appends are durable when `done`
/// is called (within the call to append), commits with the next append or sync(). Thread-safe.
class MemoryLog final : public Log {
  public:
    explicit MemoryLog(std::vector<TopicConfig> topics, LedgerLimits ledger = {});
    ~MemoryLog() override;

    std::vector<TopicConfig> topics() const override;
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage,
                                                 const TopicPartition& input) override;
    Generation generation() const override { return Generation(1); }
    Generation generation_at(const TopicPartition& tp, Offset offset) const override {
        return born_ ? born_(tp, offset) : generation();
    }
    /// As if records had been appended in these generations.
    void set_generations(std::function<Generation(const TopicPartition&, Offset)> born) {
        born_ = std::move(born);
    }
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

    // What may go wrong.
    enum class CommitFault : std::uint8_t {
        Abort,           ///< Aborted, nothing visible
        UnknownApplied,  ///< Unknown, although it stands
        UnknownDropped   ///< Unknown, and nothing of it stands
    };
    /// The next commit of any shard ends so. Calls queue up.
    void fail_next_commit(CommitFault fault);
    /// Every append gets this error until it is taken back with nullopt.
    void fail_appends(std::optional<Error> error);
    /// The same for reads.
    void fail_reads(std::optional<Error> error);
    /// As if the disk reserve were reached: appends to feed topics are refused.
    void set_reserve_reached(bool reached);
    /// Loses what is not durable. Shard handles of before are worthless: their commits are Unknown.
    void crash();
    /// Drops whole blocks before `keep`, as retention does.
    Result<void> trim(const TopicPartition& tp, Offset keep);

  private:
    class Shard;
    class MapBackend;
    struct PartitionData {
        std::deque<std::shared_ptr<const RecordBlock>>
            blocks;  // shared with the batches that point into them
        Offset begin;
        Offset end;
    };

    const PartitionData* find(const TopicPartition& tp) const;
    Result<void> refuse_append(const FeedRecord& record) const;
    Result<AppendReceipt> append_locked(FeedRecord record);
    void add_block(const TopicPartition& tp, const RecordBlockBuilder& builder);
    void put(std::string_view prefix, const state::Write& write);
    void make_durable() { undo_.clear(); }
    void changed();
    CommitOutcome commit(Shard& shard, const Commit& commit, std::optional<Error>& error);
    void apply(Shard& shard, const Commit& commit);

    const std::vector<TopicConfig> topics_;

    mutable std::mutex mutex_;  // guards all below
    mutable std::condition_variable activity_changed_;
    std::uint64_t activity_ = 0;
    std::uint64_t epoch_ = 0;  // counts crashes
    std::map<TopicPartition, PartitionData> partitions_;
    std::unique_ptr<MapBackend> stored_;  // positions, ledger, state, each behind a prefix
    RepeatLedger ledger_;
    std::vector<std::function<void()>> undo_;  // takes back, last first, what is not durable
    std::set<std::string> held_;               // position keys of open shards
    std::uint32_t next_shard_ = 1;
    std::deque<CommitFault> commit_faults_;
    std::optional<Error> append_error_;
    std::optional<Error> read_error_;
    bool reserve_reached_ = false;
    std::function<Generation(const TopicPartition&, Offset)> born_;  // null: all of generation 1
};

}  // namespace vitalog::topology
