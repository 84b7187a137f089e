#include "topology/log/embedded_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "schemas/base/planted.h"
#include "topology/log/atom_writer.h"
#include "topology/log/data_directory.h"
#include "topology/log/embedded_keys.h"
#include "topology/log/first_version.h"
#include "topology/log/generations.h"
#include "topology/log/group_committer.h"
#include "topology/log/position_book.h"
#include "topology/log/topic_config.h"

namespace vitalog::topology {

class EmbeddedLog::Impl {
  public:
    Impl(Options options, DataDirectory directory, std::unique_ptr<Rocks> rocks);
    ~Impl();

    Result<void> recover();
    void start();

    PartitionLog* find(const TopicPartition& tp) const;
    std::map<TopicPartition, Offset> ends(const std::vector<std::string>& topics) const;
    bool appendable(const FeedRecord& record, AppendDone& done) const;
    void commit_group(AppendGroup group);
    CommitOutcome commit(PositionBook::Taken& shard, const Commit& commit,
                         std::optional<Error>& error);
    Result<void> enforce_retention(LogTime now);

    const Options options;
    DataDirectory directory;
    std::unique_ptr<Rocks> rocks;
    AtomWriter writer;
    std::map<std::string, std::vector<std::unique_ptr<PartitionLog>>, std::less<>> partitions;
    PositionBook positions;
    Generation generation{1};
    Generations generations;
    RepeatLedger ledger;  // of the committer's thread
    const RocksBackend ledger_backend;
    std::unique_ptr<GroupCommitter> committer;

    std::atomic<std::uint64_t> append_groups{0};
    std::atomic<std::uint64_t> appended_records{0};
    std::atomic<std::uint64_t> repeats{0};
    std::atomic<std::uint64_t> commits{0};
    std::atomic<std::uint64_t> segments_dropped{0};
    std::atomic<std::uint64_t> ledger_entries{0};

  private:
    using Builders = std::map<TopicPartition, RecordBlockBuilder>;
    using Receipts = std::vector<Result<AppendReceipt>>;

    Result<void> raise_version();
    Result<void> recover_topics();
    Result<void> recover_partitions();
    Result<void> check_reserve() const;
    Result<void> judge_group(const AppendGroup& group, Receipts& receipts, Builders& builders,
                             rocksdb::WriteBatch& batch);
    Result<void> write_group(const AppendGroup& group, Receipts& receipts);
    Result<std::vector<NewBlock>> prepare(const Commit& commit) const;
    Result<void> drop_old_segments(PartitionLog& partition, LogTime now);

    std::mutex retention_mutex_;  // one enforcement at a time
    std::vector<SharedColumnFamily>
        unconfigured_;  // blocks of topics that the configuration does not name
};

class EmbeddedShard final : public ShardLog {
  public:
    using CommitFunction =
        std::function<CommitOutcome(PositionBook::Taken&, const Commit&, std::optional<Error>&)>;

    EmbeddedShard(Rocks& rocks, PositionBook& book, PositionBook::Taken taken,
                  CommitFunction commit)
        : book_(book),
          taken_(std::move(taken)),
          backend_(rocks.db(), rocks.state(), state_prefix(taken_.stored.shard)),
          commit_(std::move(commit)) {}
    ~EmbeddedShard() override { book_.release(*taken_.entry); }

    const ShardPosition& position() const override { return taken_.stored.position; }
    const state::Backend& state() const override { return backend_; }
    CommitOutcome commit(const Commit& commit, std::optional<Error>& error) override {
        return commit_(taken_, commit, error);
    }

  private:
    PositionBook& book_;
    PositionBook::Taken taken_;
    const RocksBackend backend_;
    const CommitFunction commit_;
};

EmbeddedLog::Impl::Impl(Options options_in, DataDirectory directory_in,
                        std::unique_ptr<Rocks> rocks_in)
    : options(std::move(options_in)),
      directory(std::move(directory_in)),
      rocks(std::move(rocks_in)),
      writer(*rocks, {options.recent_bytes, options.segment_bytes, options.segment_age},
             [this](std::uint64_t sequence) { return directory.mark_synced(sequence); }),
      ledger(options.ledger),
      ledger_backend(rocks->db(), rocks->ledger(), "") {}

EmbeddedLog::Impl::~Impl() {
    if (committer) committer->stop();
    VITALOG_ASSERT(!positions.any_held(), "shards are given up before their log closes");
    // What can't be synced now is not known to be durable to anybody: nothing was answered on it.
    if (writer.usable()) (void)writer.sync();
}

void EmbeddedLog::Impl::start() {
    GroupCommitter::Limits limits;
    limits.queue_records = options.append_queue_records;
    limits.queue_bytes = options.append_queue_bytes;
    committer = std::make_unique<GroupCommitter>(
        limits, [this](AppendGroup group) { commit_group(std::move(group)); },
        [this] { (void)writer.sync(); });  // a failure stays with the writer, for all who ask
}

Result<void> EmbeddedLog::Impl::recover() {
    VITALOG_CHECK(directory.check_synced(rocks->db().GetLatestSequenceNumber(), rocks->dropped()));
    for (const DroppedEnd& end : rocks->dropped())
        log_line("warn", "log-end-dropped",
                 {{"file", end.file.string()},
                  {"from", std::to_string(end.from)},
                  {"bytes", std::to_string(end.bytes)}});
    VITALOG_CHECK(raise_version());
    VITALOG_CHECK(recover_topics());
    VITALOG_CHECK(recover_partitions());
    const std::string& database = rocks->db().GetName();
    VITALOG_CHECK(found_in(database, generations.load(*rocks)));
    VITALOG_CHECK(found_in(database, positions.open(*rocks, generation)));
    VITALOG_CHECK(found_in(database, ledger.open(ledger_backend)));
    ledger_entries = ledger.entries();
    return {};
}

/// Before anything is written that the version before could not read. A crash leaves the one or the
/// other version.
Result<void> EmbeddedLog::Impl::raise_version() {
    const int found = directory.version();
    if (found == DataDirectory::kVersion) return {};
    if (options.older == Options::Older::Refuse)
        return fail(Errc::Conflict,
                    fmt::format("{} is a data directory of an older version, VLOG {}: start the "
                                "site on it once (`vitalog run`), which makes it VLOG {}",
                                directory.path().string(), found, DataDirectory::kVersion));
    if (found == 1)
        VITALOG_CHECK(complete_first_version(*rocks, options.older == Options::Older::RaiseAnyhow));
    VITALOG_CHECK(DataDirectory::write_format(directory.path()));
    log_line("info", "data-directory-raised",
             {{"from", std::to_string(found)}, {"to", std::to_string(DataDirectory::kVersion)}});
    return {};
}

Result<void> EmbeddedLog::Impl::recover_topics() {
    const RocksBackend meta(rocks->db(), rocks->meta(), "");
    const std::string& database = rocks->db().GetName();
    rocksdb::WriteBatch batch;
    const std::string_view generation_key = kGenerationKey;
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(meta.get_many({&generation_key, 1}, values));
    if (values.front()) {
        VITALOG_TRY(const auto number,
                    found_in(database, decode_number(*values.front(), "the stored generation")));
        generation = Generation(number);
    } else {
        meta.put(batch, {std::string(generation_key), encode_number(generation.value())});
    }
    std::map<std::string, std::uint64_t> stored;
    const auto remember = [&](auto key, auto value) -> Result<void> {
        std::string topic(key.substr(kTopicKeyPrefix.size()));
        VITALOG_TRY(const auto count,
                    decode_number(value, "the stored partition count of " + topic));
        stored.emplace(std::move(topic), count);
        return {};
    };
    VITALOG_CHECK(found_in(database, meta.scan(kTopicKeyPrefix, remember)));
    VITALOG_TRY(const auto fresh,
                new_topics(options.topics, std::move(stored), directory.path().string()));
    for (const TopicConfig& topic : fresh)
        meta.put(batch,
                 {std::string(kTopicKeyPrefix) + topic.name, encode_number(topic.partitions)});
    return writer.write(batch, {});
}

Result<void> EmbeddedLog::Impl::recover_partitions() {
    for (const TopicConfig& topic : options.topics)
        for (std::uint32_t i = 0; i < topic.partitions; ++i)
            partitions[topic.name].push_back(std::make_unique<PartitionLog>(
                TopicPartition{topic.name, Partition(i)}, topic, *rocks));
    // By name, and so by topic, partition and base.
    for (auto& [name, family] : rocks->take_logs()) {
        VITALOG_TRY(const SegmentName segment,
                    found_in(rocks->db().GetName(), parse_segment_name(name)));
        if (PartitionLog* partition = find(segment.tp)) {
            VITALOG_CHECK(partition->recover_segment(std::move(family), segment.base));
        } else {
            unconfigured_.push_back(std::move(family));
        }
    }
    std::vector<PartitionLog*> fresh;
    std::vector<std::string> names;
    for (const auto& [topic, list] : partitions) {
        for (const auto& partition : list) {
            if (!partition->segments().empty()) continue;
            fresh.push_back(partition.get());
            names.push_back(partition->next_segment_name());
        }
    }
    VITALOG_TRY(auto families, rocks->create_logs(names));
    for (std::size_t i = 0; i < fresh.size(); ++i) fresh[i]->add_segment(std::move(families[i]));
    return {};
}

PartitionLog* EmbeddedLog::Impl::find(const TopicPartition& tp) const {
    const auto topic = partitions.find(tp.topic);
    if (topic == partitions.end() || tp.partition.value() >= topic->second.size()) return nullptr;
    return topic->second[tp.partition.value()].get();
}

std::map<TopicPartition, Offset> EmbeddedLog::Impl::ends(
    const std::vector<std::string>& topics) const {
    std::map<TopicPartition, Offset> ends;
    for (const auto& topic : topics)
        if (const auto found = partitions.find(topic); found != partitions.end())
            for (const auto& partition : found->second) ends[partition->tp()] = partition->end();
    return ends;
}

Result<void> EmbeddedLog::Impl::check_reserve() const {
    VITALOG_TRY(const std::uint64_t free, directory.free_bytes());
    if (free >= options.disk_reserve_bytes) return {};
    constexpr std::uint64_t kMiB = 1 << 20;
    return fail(
        Errc::Busy,
        fmt::format(
            "the disk reserve is reached: {} has {} MiB free, log.disk_reserve keeps {} MiB: "
            "free space or lower log.disk_reserve",
            directory.path().string(), free / kMiB, options.disk_reserve_bytes / kMiB));
}

/// Decides over each record of the group, and collects what is to be written.
Result<void> EmbeddedLog::Impl::judge_group(const AppendGroup& group, Receipts& receipts,
                                            Builders& builders, rocksdb::WriteBatch& batch) {
    const Result<void> reserve = check_reserve();
    VITALOG_CHECK(ledger.begin_group(ledger_backend, group.records));
    LogTime latest;
    for (const FeedRecord& record : group.records) {
        const auto& topic = partitions.find(record.topic)->second;
        if (!reserve && topic.front()->config().feed) {
            receipts.push_back(tl::unexpected(reserve.error()));
            continue;
        }
        AppendReceipt receipt;
        if (record.ledger) {
            auto judgement = ledger.judge(*record.ledger, record.received);
            receipt.outcome = judgement.outcome;
            receipt.answer = std::move(judgement.answer);
        }
        latest = std::max(latest, record.received);
        if (receipt.outcome == Appended::New || receipt.outcome == Appended::Reused) {
            receipt.tp = {record.topic,
                          partition_of(record.key, static_cast<std::uint32_t>(topic.size()))};
            RecordBlockBuilder& builder = builders[receipt.tp];
            receipt.offset = Offset(builder.count());  // within its block, for now
            builder.add(record.received, record.key, record.headers, record.value);
        }
        receipts.push_back(std::move(receipt));
    }
    std::vector<state::Write> learnt;
    VITALOG_CHECK(ledger.finish_group(ledger_backend, latest, learnt));
    for (const state::Write& write : learnt) ledger_backend.put(batch, write);
    return {};
}

Result<void> EmbeddedLog::Impl::write_group(const AppendGroup& group, Receipts& receipts) {
    VITALOG_CHECK(writer.usable());
    Builders builders;
    rocksdb::WriteBatch batch;
    VITALOG_CHECK(found_in(rocks->db().GetName(), judge_group(group, receipts, builders, batch)));
    std::map<TopicPartition, std::shared_ptr<const RecordBlock>> placed;
    std::vector<NewBlock> blocks;
    for (const auto& [tp, builder] : builders) {
        blocks.push_back(prepare_block(*find(tp), builder));
        placed[tp] = blocks.back().block;
    }
    if (batch.Count() > 0 || !blocks.empty()) VITALOG_CHECK(writer.write(batch, std::move(blocks)));
    if (!planted("ack-before-sync")) VITALOG_CHECK(writer.sync());
    std::uint64_t appended = 0;
    for (auto& receipt : receipts) {
        if (!receipt) continue;
        repeats += receipt->outcome == Appended::Repeat ? 1 : 0;
        const auto block = placed.find(receipt->tp);
        if (block == placed.end()) continue;
        receipt->offset = Offset(block->second->base.value() + receipt->offset.value());
        receipt->id = feed_record_id(generation, receipt->tp, receipt->offset);
        ++appended;
    }
    appended_records += appended;
    ledger_entries = ledger.entries();
    ++append_groups;
    return {};
}

void EmbeddedLog::Impl::commit_group(AppendGroup group) {
    Receipts receipts;
    receipts.reserve(group.records.size());
    if (const auto written = write_group(group, receipts); !written) {
        // The ledger in memory may be ahead of the stored one now.
        writer.fail_stop(written.error());
        receipts.assign(group.records.size(), tl::unexpected(written.error()));
    }
    for (std::size_t i = 0; i < group.done.size(); ++i) group.done[i](std::move(receipts[i]));
}

bool EmbeddedLog::Impl::appendable(const FeedRecord& record, AppendDone& done) const {
    if (!partitions.contains(record.topic)) {
        done(fail(Errc::NotFound, "the log has no topic " + record.topic));
        return false;
    }
    if (record.value.size() + record.key.size() + record.headers.size() > kBlockBytesMax / 2) {
        done(fail(Errc::TooLarge, fmt::format("a record of {} bytes is beyond what a block holds",
                                              record.value.size())));
        return false;
    }
    if (const auto usable = writer.usable(); !usable) {
        done(tl::unexpected(usable.error()));
        return false;
    }
    return true;
}

Result<std::vector<NewBlock>> EmbeddedLog::Impl::prepare(const Commit& commit) const {
    std::vector<NewBlock> blocks;
    blocks.reserve(commit.outputs.size());
    for (const PartitionOutput& output : commit.outputs) {
        if (output.block.empty()) continue;
        PartitionLog* partition = find(output.tp);
        if (!partition) return unknown_partition(output.tp);
        if (output.block.bytes() > kBlockBytesMax)
            return fail(Errc::TooLarge, fmt::format("{} bytes for {} in one commit: commit earlier",
                                                    output.block.bytes(), to_string(output.tp)));
        blocks.push_back(prepare_block(*partition, output.block));
    }
    return blocks;
}

CommitOutcome EmbeddedLog::Impl::commit(PositionBook::Taken& shard, const Commit& commit,
                                        std::optional<Error>& error) {
    auto blocks = prepare(commit);
    if (!blocks) {
        error = blocks.error();
        return CommitOutcome::Aborted;
    }
    StoredShard next = shard.stored;
    const ShardPosition& before = shard.stored.position;
    next.position = {generation, commit.committed, commit.checkpoint, commit.logic, {}};
    rocksdb::WriteBatch batch;
    const RocksBackend state(rocks->db(), rocks->state(), state_prefix(next.shard));
    for (const state::Write& write : commit.state) state.put(batch, write);
    batch.Put(rocks->meta(), shard.key, encode_shard_position(next));
    if (before.logic != 0 && before.logic != commit.logic)
        batch.Put(rocks->meta(), logic_key(shard.stage, shard.entry->tp, before.committed),
                  encode_number(before.logic));
    if (const auto written = writer.write(batch, std::move(*blocks)); !written) {
        error = written.error();
        return CommitOutcome::Unknown;
    }
    shard.stored = std::move(next);
    shard.entry->keep = commit.checkpoint.value();
    ++commits;
    if (commit.urgent) committer->nudge();
    return CommitOutcome::Committed;
}

Result<void> EmbeddedLog::Impl::drop_old_segments(PartitionLog& partition, LogTime now) {
    const TopicConfig& config = partition.config();
    const auto too_old = [&](const Segment& segment) {
        return config.retention.count() > 0 && segment.last_timestamp + config.retention < now;
    };
    const std::optional<Offset> floor = positions.floor(partition.tp());
    // What was committed since the last fsync may be taken back by a loss of power: only what is on
    // disk frees a segment.
    if (!planted("drop-before-sync")) VITALOG_CHECK(writer.sync());
    const Segment active = partition.active();
    if (!active.empty && too_old(active) && (!floor || *floor >= partition.end()))
        VITALOG_CHECK(writer.begin_segment(partition));
    const std::vector<Segment> segments = partition.segments();
    std::uint64_t bytes = 0;
    for (const Segment& segment : segments) bytes += segment.bytes;
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
        const bool too_many =
            config.retention_bytes > 0 && bytes - segments[i].bytes >= config.retention_bytes;
        const bool needed = floor && *floor < segments[i + 1].base;
        if (needed || !(too_many || too_old(segments[i]))) break;
        const Segment dropped = partition.remove_oldest_segment();
        VITALOG_CHECK(rocks->drop_log(*dropped.family));
        bytes -= dropped.bytes;
        ++segments_dropped;
    }
    return {};
}

Result<void> EmbeddedLog::Impl::enforce_retention(LogTime now) {
    const std::lock_guard lock(retention_mutex_);
    VITALOG_CHECK(writer.usable());
    for (const auto& [topic, list] : partitions) {
        for (const auto& partition : list) {
            const TopicConfig& config = partition->config();
            if (config.retention.count() == 0 && config.retention_bytes == 0) continue;
            VITALOG_CHECK(drop_old_segments(*partition, now));
        }
    }
    return {};
}

Result<std::unique_ptr<EmbeddedLog>> EmbeddedLog::open(Options options) {
    VITALOG_CHECK(check_topics(options.topics));
    VITALOG_TRY(DataDirectory directory, DataDirectory::open(options.path));
    const RocksSettings settings{.block_cache_bytes = options.block_cache_bytes,
                                 .write_buffer_bytes = options.write_buffer_bytes,
                                 .wal_bytes_max = options.wal_bytes_max,
                                 .background_jobs = options.background_jobs,
                                 .disk = options.disk};
    VITALOG_TRY(auto rocks, Rocks::open(directory.database(), settings));
    auto impl = std::make_unique<Impl>(std::move(options), std::move(directory), std::move(rocks));
    VITALOG_CHECK(impl->recover());
    impl->start();
    return std::unique_ptr<EmbeddedLog>(new EmbeddedLog(std::move(impl)));
}

EmbeddedLog::EmbeddedLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedLog::~EmbeddedLog() = default;

Result<void> EmbeddedLog::enforce_retention(LogTime now) {
    return impl_->enforce_retention(now);
}

EmbeddedLog::Stats EmbeddedLog::stats() const {
    const AtomWriter& writer = impl_->writer;
    const Rocks::Memory memory = impl_->rocks->memory();
    return {writer.fsyncs(),       impl_->append_groups,   impl_->appended_records,
            impl_->repeats,        impl_->commits,         writer.blocks(),
            writer.bytes_raw(),    writer.bytes_stored(),  writer.recent_bytes(),
            memory.write_buffers,  memory.block_cache,     memory.table_readers,
            impl_->ledger_entries, impl_->segments_dropped};
}

std::vector<TopicConfig> EmbeddedLog::topics() const {
    return impl_->options.topics;
}

Generation EmbeddedLog::generation() const {
    return impl_->generation;
}

Generation EmbeddedLog::generation_at(const TopicPartition& tp, Offset offset) const {
    return impl_->generations.at(tp, offset, impl_->generation);
}

Result<void> EmbeddedLog::copy_to(const std::filesystem::path& to) {
    VITALOG_CHECK(impl_->writer.sync());
    return copy_data_directory(*impl_->rocks, to);
}

Result<void> EmbeddedLog::begin_generation() {
    std::vector<std::string> topics;
    for (const auto& [topic, list] : impl_->partitions) topics.push_back(topic);
    VITALOG_TRY(impl_->generation,
                impl_->generations.raise(*impl_->rocks, impl_->writer, impl_->generation,
                                         impl_->ends(topics)));
    return {};
}

bool EmbeddedLog::restored() const {
    return impl_->generations.restored();
}

Result<std::uint64_t> EmbeddedLog::pass_over(const std::vector<std::string>& topics) {
    return impl_->generations.pass_over(*impl_->rocks, impl_->writer, impl_->positions,
                                        impl_->ends(topics));
}

const std::filesystem::path& EmbeddedLog::folder() const {
    return impl_->directory.path();
}

std::uint32_t EmbeddedLog::partitions(std::string_view topic) const {
    const auto found = impl_->partitions.find(topic);
    return found == impl_->partitions.end() ? 0 : static_cast<std::uint32_t>(found->second.size());
}

Result<Offset> EmbeddedLog::begin_offset(const TopicPartition& tp) const {
    const PartitionLog* partition = impl_->find(tp);
    if (!partition) return unknown_partition(tp);
    return partition->begin();
}

Result<Offset> EmbeddedLog::end_offset(const TopicPartition& tp) const {
    const PartitionLog* partition = impl_->find(tp);
    if (!partition) return unknown_partition(tp);
    return partition->end();
}

Result<void> EmbeddedLog::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                               RecordBatch& out) const {
    const PartitionLog* partition = impl_->find(tp);
    if (!partition) return unknown_partition(tp);
    return partition->read(from, max_bytes, out);
}

void EmbeddedLog::append(FeedRecord record, AppendDone done) {
    if (!impl_->appendable(record, done)) return;
    if (!impl_->committer->offer(record, done))
        done(fail(Errc::Busy,
                  "the queue of appends is full: the disk can't keep up with the senders"));
}

Result<void> EmbeddedLog::sync() {
    return impl_->writer.sync();
}

std::uint64_t EmbeddedLog::activity() const {
    return impl_->writer.activity();
}

Result<void> EmbeddedLog::usable() const {
    return impl_->writer.usable();
}

void EmbeddedLog::wait(std::uint64_t seen, std::chrono::milliseconds timeout) const {
    impl_->writer.wait(seen, timeout);
}

Result<std::unique_ptr<ShardLog>> EmbeddedLog::open_shard(std::string_view stage,
                                                          const TopicPartition& input) {
    if (!impl_->find(input)) return unknown_partition(input);
    VITALOG_CHECK(impl_->writer.usable());
    VITALOG_TRY(auto taken, impl_->positions.take_shard(*impl_->rocks, stage, input));
    const bool fresh = taken.fresh;
    taken.stored.position.generation = impl_->generation;
    const std::string key = taken.key;
    const std::string stored = encode_shard_position(taken.stored);
    auto shard = std::make_unique<EmbeddedShard>(
        *impl_->rocks, impl_->positions, std::move(taken),
        [impl = impl_.get()](PositionBook::Taken& at, const Commit& commit,
                             std::optional<Error>& error) {
            return impl->commit(at, commit, error);
        });
    if (fresh) {
        // From now on retention knows it, and its number is taken.
        rocksdb::WriteBatch batch;
        batch.Put(impl_->rocks->meta(), key, stored);
        VITALOG_CHECK(impl_->writer.write(batch, {}));
    }
    return shard;
}

Result<std::optional<Offset>> EmbeddedLog::load_position(std::string_view reader,
                                                         const TopicPartition& tp) const {
    if (!impl_->find(tp)) return unknown_partition(tp);
    const RocksBackend meta(impl_->rocks->db(), impl_->rocks->meta(), "");
    const std::string key = reader_position_key(reader, tp);
    const std::string_view view = key;
    std::vector<std::optional<std::string>> values;
    VITALOG_CHECK(meta.get_many({&view, 1}, values));
    if (!values.front()) return std::nullopt;
    VITALOG_TRY(const ReaderPosition position,
                found_in(impl_->rocks->db().GetName(), decode_reader_position(*values.front())));
    return position.next;
}

Result<void> EmbeddedLog::store_position(std::string_view reader, const TopicPartition& tp,
                                         Offset next) {
    if (!impl_->find(tp)) return unknown_partition(tp);
    const std::string key = reader_position_key(reader, tp);
    rocksdb::WriteBatch batch;
    batch.Put(impl_->rocks->meta(), key, encode_reader_position({impl_->generation, next}));
    VITALOG_CHECK(impl_->writer.write(batch, {}));
    VITALOG_CHECK(impl_->writer.sync());
    impl_->positions.move_reader(key, tp, next);
    return {};
}

}  // namespace vitalog::topology
