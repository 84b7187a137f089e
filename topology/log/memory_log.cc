#include "topology/log/memory_log.h"

#include <algorithm>

#include "schemas/base/binary.h"
#include "topology/log/batch_fill.h"
#include "topology/log/stored_position.h"

namespace vitalog::topology {

namespace {

constexpr std::string_view kPositions = "p";
constexpr std::string_view kLedger = "l";

std::string state_prefix(std::uint32_t shard) {
    std::string prefix = "s";
    BinaryWriter(prefix).fixed32(shard);
    return prefix;
}

}  // namespace

/// Everything stored by key. Locking is the log's business.
class MemoryLog::MapBackend {
  public:
    std::map<std::string, std::string, std::less<>> entries;

    /// What a part of the map looks like from outside. Takes `mutex` where the caller does not hold
    /// it.
    class Part final : public state::Backend {
      public:
        Part(const MapBackend& map, std::string prefix, std::mutex* mutex)
            : map_(map), prefix_(std::move(prefix)), mutex_(mutex) {}

        Result<void> get_many(std::span<const std::string_view> keys,
                              std::vector<std::optional<std::string>>& values) const override {
            const auto lock = hold();
            values.assign(keys.size(), std::nullopt);
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const auto found = map_.entries.find(prefix_ + std::string(keys[i]));
                if (found != map_.entries.end()) values[i] = found->second;
            }
            return {};
        }
        Result<void> scan(
            std::string_view prefix,
            const std::function<Result<void>(std::string_view key, std::string_view value)>& visit)
            const override {
            const std::string wanted = prefix_ + std::string(prefix);
            std::vector<std::pair<std::string, std::string>> found;
            {
                const auto lock = hold();
                for (auto at = map_.entries.lower_bound(wanted);
                     at != map_.entries.end() && at->first.starts_with(wanted); ++at)
                    found.emplace_back(*at);
            }
            for (const auto& [key, value] : found)
                VITALOG_CHECK(visit(std::string_view(key).substr(prefix_.size()), value));
            return {};
        }

      private:
        std::unique_lock<std::mutex> hold() const {
            return mutex_ ? std::unique_lock(*mutex_) : std::unique_lock<std::mutex>();
        }

        const MapBackend& map_;
        const std::string prefix_;
        std::mutex* const mutex_;
    };

    Part part(std::string_view prefix) const { return Part(*this, std::string(prefix), nullptr); }
};

class MemoryLog::Shard final : public ShardLog {
  public:
    Shard(MemoryLog& log, std::string key, StoredShard stored)
        : log_(log),
          key_(std::move(key)),
          stored_(std::move(stored)),
          epoch_(log.epoch_),
          backend_(*log.stored_, state_prefix(stored_.shard), &log.mutex_) {}
    ~Shard() override {
        const std::lock_guard lock(log_.mutex_);
        if (epoch_ == log_.epoch_) log_.held_.erase(key_);
    }

    const ShardPosition& position() const override { return stored_.position; }
    const state::Backend& state() const override { return backend_; }
    CommitOutcome commit(const Commit& commit, std::optional<Error>& error) override {
        return log_.commit(*this, commit, error);
    }

  private:
    friend class MemoryLog;

    MemoryLog& log_;
    const std::string key_;
    StoredShard stored_;
    const std::uint64_t epoch_;
    const MapBackend::Part backend_;
};

MemoryLog::MemoryLog(std::vector<TopicConfig> topics, LedgerLimits ledger)
    : topics_(std::move(topics)), stored_(std::make_unique<MapBackend>()), ledger_(ledger) {
    for (const TopicConfig& topic : topics_)
        for (std::uint32_t i = 0; i < topic.partitions; ++i)
            partitions_[{topic.name, Partition(i)}];
}

MemoryLog::~MemoryLog() = default;

std::vector<TopicConfig> MemoryLog::topics() const {
    return topics_;
}

std::uint32_t MemoryLog::partitions(std::string_view topic) const {
    const auto found = std::ranges::find(topics_, topic, &TopicConfig::name);
    return found == topics_.end() ? 0 : found->partitions;
}

const MemoryLog::PartitionData* MemoryLog::find(const TopicPartition& tp) const {
    const auto found = partitions_.find(tp);
    return found == partitions_.end() ? nullptr : &found->second;
}

Result<Offset> MemoryLog::begin_offset(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    const PartitionData* data = find(tp);
    if (!data) return unknown_partition(tp);
    return data->begin;
}

Result<Offset> MemoryLog::end_offset(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    const PartitionData* data = find(tp);
    if (!data) return unknown_partition(tp);
    return data->end;
}

Result<void> MemoryLog::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                             RecordBatch& out) const {
    BatchFill fill(from, max_bytes, out);
    const std::lock_guard lock(mutex_);
    if (read_error_) return tl::unexpected(*read_error_);
    const PartitionData* data = find(tp);
    if (!data) return unknown_partition(tp);
    if (from < data->begin)
        return fail(Errc::OutOfRange, to_string(tp, from) +
                                          " was dropped by retention; the first offset kept is " +
                                          std::to_string(data->begin.value()));
    auto at = std::ranges::upper_bound(data->blocks, from, {},
                                       [](const auto& block) { return block->end(); });
    for (; at != data->blocks.end() && !fill.full(); ++at) VITALOG_CHECK(fill.add(*at));
    return {};
}

void MemoryLog::changed() {
    ++activity_;
    activity_changed_.notify_all();
}

std::uint64_t MemoryLog::activity() const {
    const std::lock_guard lock(mutex_);
    return activity_;
}

void MemoryLog::wait(std::uint64_t seen, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    activity_changed_.wait_for(lock, timeout, [&] { return activity_ != seen; });
}

Result<void> MemoryLog::sync() {
    const std::lock_guard lock(mutex_);
    make_durable();
    return {};
}

void MemoryLog::put(std::string_view prefix, const state::Write& write) {
    std::string key = std::string(prefix) + write.key;
    auto& entries = stored_->entries;
    std::optional<std::string> before;
    if (const auto found = entries.find(key); found != entries.end()) before = found->second;
    if (write.value) {
        entries[key] = *write.value;
    } else {
        entries.erase(key);
    }
    undo_.push_back([&entries, key = std::move(key), before = std::move(before)] {
        if (before) {
            entries[key] = *before;
        } else {
            entries.erase(key);
        }
    });
}

void MemoryLog::add_block(const TopicPartition& tp, const RecordBlockBuilder& builder) {
    PartitionData& data = partitions_.at(tp);
    const Offset base = data.end;
    data.blocks.push_back(std::make_shared<const RecordBlock>(block_in_memory(base, builder)));
    data.end = data.blocks.back()->end();
    undo_.push_back([&data, base] {
        if (!data.blocks.empty() && data.blocks.back()->base == base) data.blocks.pop_back();
        data.end = base;
        data.begin = std::min(data.begin, base);
    });
}

Result<void> MemoryLog::refuse_append(const FeedRecord& record) const {
    if (append_error_) return tl::unexpected(*append_error_);
    const auto topic = std::ranges::find(topics_, record.topic, &TopicConfig::name);
    if (topic == topics_.end()) return fail(Errc::NotFound, "the log has no topic " + record.topic);
    if (topic->feed && reserve_reached_)
        return fail(Errc::Busy,
                    "the disk reserve is reached: free space or lower log.disk_reserve");
    return {};
}

Result<AppendReceipt> MemoryLog::append_locked(FeedRecord record) {
    VITALOG_CHECK(refuse_append(record));
    const auto ledger = stored_->part(kLedger);
    AppendReceipt receipt;
    VITALOG_CHECK(ledger_.begin_group(ledger, {&record, 1}));
    if (record.ledger) {
        auto judgement = ledger_.judge(*record.ledger, record.received);
        receipt.outcome = judgement.outcome;
        receipt.answer = std::move(judgement.answer);
    }
    std::vector<state::Write> learnt;
    VITALOG_CHECK(ledger_.finish_group(ledger, record.received, learnt));
    for (const state::Write& write : learnt) put(kLedger, write);
    if (receipt.outcome == Appended::New || receipt.outcome == Appended::Reused) {
        receipt.tp = {record.topic, partition_of(record.key, partitions(record.topic))};
        receipt.offset = partitions_.at(receipt.tp).end;
        receipt.id = feed_record_id(generation(), receipt.tp, receipt.offset);
        RecordBlockBuilder block;
        block.add(record.received, record.key, record.headers, record.value);
        add_block(receipt.tp, block);
        changed();
    }
    make_durable();
    return receipt;
}

void MemoryLog::append(FeedRecord record, AppendDone done) {
    Result<AppendReceipt> receipt;
    {
        const std::lock_guard lock(mutex_);
        receipt = append_locked(std::move(record));
    }
    done(std::move(receipt));
}

Result<std::unique_ptr<ShardLog>> MemoryLog::open_shard(std::string_view stage,
                                                        const TopicPartition& input) {
    const std::lock_guard lock(mutex_);
    if (!find(input)) return unknown_partition(input);
    std::string key = shard_position_key(stage, input);
    if (held_.contains(key))
        return fail(Errc::Conflict,
                    "shard " + std::string(stage) + " of " + to_string(input) + " is open already");
    StoredShard stored;
    const auto found = stored_->entries.find(std::string(kPositions) + key);
    if (found != stored_->entries.end()) {
        VITALOG_TRY(stored, decode_shard_position(found->second));
    } else {
        stored.shard = next_shard_++;
        put(kPositions, {key, encode_shard_position(stored)});
    }
    held_.insert(key);
    return std::make_unique<Shard>(*this, std::move(key), std::move(stored));
}

void MemoryLog::apply(Shard& shard, const Commit& commit) {
    for (const PartitionOutput& output : commit.outputs)
        if (!output.block.empty()) add_block(output.tp, output.block);
    shard.stored_.position = {generation(), commit.committed, commit.checkpoint, commit.logic, {}};
    put(kPositions, {shard.key_, encode_shard_position(shard.stored_)});
    for (const state::Write& write : commit.state) put(state_prefix(shard.stored_.shard), write);
    changed();
}

CommitOutcome MemoryLog::commit(Shard& shard, const Commit& commit, std::optional<Error>& error) {
    const std::lock_guard lock(mutex_);
    if (shard.epoch_ != epoch_) {
        error = Error(Errc::Io, "the log went down since the shard was opened: open it anew");
        return CommitOutcome::Unknown;
    }
    for (const PartitionOutput& output : commit.outputs) {
        if (find(output.tp)) continue;
        error = unknown_partition(output.tp).value();
        return CommitOutcome::Aborted;
    }
    std::optional<CommitFault> fault;
    if (!commit_faults_.empty()) {
        fault = commit_faults_.front();
        commit_faults_.pop_front();
    }
    if (!fault || *fault == CommitFault::UnknownApplied) apply(shard, commit);
    if (!fault) return CommitOutcome::Committed;
    error = Error(Errc::Io, "a commit failed, as the test asked for");
    return *fault == CommitFault::Abort ? CommitOutcome::Aborted : CommitOutcome::Unknown;
}

Result<std::optional<Offset>> MemoryLog::load_position(std::string_view reader,
                                                       const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    if (!find(tp)) return unknown_partition(tp);
    const auto found =
        stored_->entries.find(std::string(kPositions) + reader_position_key(reader, tp));
    if (found == stored_->entries.end()) return std::nullopt;
    VITALOG_TRY(const ReaderPosition position, decode_reader_position(found->second));
    return position.next;
}

Result<void> MemoryLog::store_position(std::string_view reader, const TopicPartition& tp,
                                       Offset next) {
    const std::lock_guard lock(mutex_);
    if (!find(tp)) return unknown_partition(tp);
    put(kPositions,
        {reader_position_key(reader, tp), encode_reader_position({generation(), next})});
    make_durable();
    return {};
}

void MemoryLog::fail_next_commit(CommitFault fault) {
    const std::lock_guard lock(mutex_);
    commit_faults_.push_back(fault);
}

void MemoryLog::fail_appends(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    append_error_ = std::move(error);
}

void MemoryLog::fail_reads(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    read_error_ = std::move(error);
}

void MemoryLog::set_reserve_reached(bool reached) {
    const std::lock_guard lock(mutex_);
    reserve_reached_ = reached;
}

void MemoryLog::crash() {
    const std::lock_guard lock(mutex_);
    while (!undo_.empty()) {
        undo_.back()();
        undo_.pop_back();
    }
    ++epoch_;
    held_.clear();
    commit_faults_.clear();
    const auto reopened = ledger_.open(stored_->part(kLedger));
    VITALOG_ASSERT(reopened.has_value(), "the ledger can be read back");
    changed();
}

Result<void> MemoryLog::trim(const TopicPartition& tp, Offset keep) {
    const std::lock_guard lock(mutex_);
    const auto found = partitions_.find(tp);
    if (found == partitions_.end()) return unknown_partition(tp);
    PartitionData& data = found->second;
    while (!data.blocks.empty() && data.blocks.front()->end() <= keep) {
        data.begin = data.blocks.front()->end();
        data.blocks.pop_front();
    }
    return {};
}

}  // namespace vitalog::topology
