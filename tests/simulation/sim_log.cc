#include <algorithm>

#include "schemas/base/planted.h"
#include "tests/simulation/sim_handle.h"
#include "topology/log/batch_fill.h"
#include "topology/log/record_block.h"

namespace vitalog::simulation {
namespace {

using topology::BatchFill;
using topology::PartitionOutput;
using topology::RecordBlockBuilder;

constexpr char kEntity = 'E';  // first byte of an entity's stored key

}  // namespace

SimLog::SimLog(Kind kind, std::vector<TopicConfig> topics, std::uint64_t seed, Trace& trace)
    : kind_(kind), topics_(std::move(topics)), random_(seed), trace_(trace) {
    for (const TopicConfig& topic : topics_)
        for (std::uint32_t i = 0; i < topic.partitions; ++i)
            partitions_[{topic.name, Partition(i)}];
    if (kind_ != Kind::RocksDb) return;
    real_ = std::make_unique<RealLog>(topics_, seed);
    const auto opened = real_->open();
    VITALOG_ASSERT(opened.has_value(), "a new log can be opened");
}

SimLog::~SimLog() = default;

SimLog::Shard& SimLog::shard(std::string_view stage, const TopicPartition& input) {
    auto& shard = shards_[std::string(stage) + " of " + to_string(input)];
    if (!shard) {
        shard = std::make_unique<Shard>();
        shard->stage = stage;
        shard->input = input;
        shard->number = static_cast<int>(shards_.size());
    }
    return *shard;
}

void SimLog::give(Shard& shard, int process) {
    if (shard.owner == process) return;
    shard.owner = process;
    ++shard.epoch;
    changed();
}

Result<std::unique_ptr<ShardLog>> SimLog::open(Shard& shard, int process,
                                               std::function<void(std::string_view)> at) {
    if (shard.undecided > 0 && !planted("log-opens-undecided")) return std::unique_ptr<ShardLog>();
    if (one_machine() && shard.held)
        return fail(Errc::Conflict,
                    "shard " + shard.stage + " of " + to_string(shard.input) + " is open already");
    std::unique_ptr<ShardLog> real;
    if (real_) {
        VITALOG_TRY(real, real_->log().open_shard(shard.stage, shard.input));
    }
    shard.held = true;
    trace_.say("  p{} opens {} of {}: committed {}, checkpoint {}", process, shard.stage,
               to_string(shard.input), shard.position.committed.value(),
               shard.position.checkpoint.value());
    return std::make_unique<Handle>(*this, shard, process, std::move(real), std::move(at));
}

// ---- records ----

Offset SimLog::readable_end(const Records& p) const {
    if (p.open == 0) return p.end;
    for (const Span& span : p.spans)
        if (span.open) return span.base;
    return p.end;
}

Result<Offset> SimLog::begin(const TopicPartition& tp) const {
    const auto found = partitions_.find(tp);
    if (found == partitions_.end()) return topology::unknown_partition(tp);
    return found->second.begin;
}

Result<Offset> SimLog::end(const TopicPartition& tp) const {
    const auto found = partitions_.find(tp);
    if (found == partitions_.end()) return topology::unknown_partition(tp);
    return readable_end(found->second);
}

const std::vector<SimLog::Span>& SimLog::spans(const TopicPartition& tp) const {
    return partition(tp).spans;
}

Result<void> SimLog::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                          RecordBatch& out) const {
    const auto found = partitions_.find(tp);
    if (found == partitions_.end()) return topology::unknown_partition(tp);
    if (from < found->second.begin)
        return fail(Errc::OutOfRange, to_string(tp, from) + " was dropped by retention");
    if (const auto stalled = stalled_.find(tp); stalled != stalled_.end()) {
        out.clear();
        out.next = from;
        if (--stalled->second <= 0) stalled_.erase(stalled);
        return {};
    }
    if (!real_) return read_from(tp, from, max_bytes, out);
    VITALOG_CHECK(
        read_real(Stored::Records, [&] { return real_->log().read(tp, from, max_bytes, out); }));
    return compare_batch(tp, from, max_bytes, out);
}

Result<void> SimLog::read_all(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                              RecordBatch& out) const {
    return read_from(tp, from, max_bytes, out);
}

Result<void> SimLog::read_from(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                               RecordBatch& out) const {
    const Records& p = partition(tp);
    const Offset end = readable_end(p);
    BatchFill fill(from, max_bytes, out);
    auto at = std::ranges::upper_bound(p.spans, from, {}, [](const Span& s) { return s.end(); });
    for (; at != p.spans.end() && at->base < end && !fill.full(); ++at)
        if (at->block && !at->aborted) VITALOG_CHECK(fill.add(at->block));
    if (!fill.full()) out.next = std::max(out.next, end);
    return {};
}

void SimLog::add_span(const TopicPartition& tp, const RecordBlockBuilder& builder, int writer,
                      int txn) {
    Records& p = partitions_.at(tp);
    replicate(tp);  // what is acknowledged has all before it acknowledged
    const Offset base = p.end;
    Span span{base, builder.count(), nullptr, txn, writer, txn != 0, false};
    span.block = std::make_shared<const RecordBlock>(topology::block_in_memory(base, builder));
    p.end = span.end();
    p.open += span.open ? 1 : 0;
    p.spans.push_back(std::move(span));
    if (!one_machine()) return;
    ++p.unsynced;
    undo_.back().push_back([&p, base] {
        p.spans.pop_back();
        p.end = base;
        --p.unsynced;
    });
}

/// A change that may be lost on one machine until it is synced.
AppendReceipt SimLog::place(const FeedRecord& record, const TopicConfig& topic) {
    AppendReceipt receipt;
    undo_.emplace_back();
    if (record.ledger) {
        const std::string& key = record.ledger->key;
        auto [entry, fresh] =
            ledger_.try_emplace(key, record.ledger->body_hash, record.ledger->answer);
        if (!fresh && entry->second.first == record.ledger->body_hash) {
            receipt.outcome = Appended::Repeat;
            receipt.answer = entry->second.second;
            return receipt;
        }
        if (!fresh) receipt.outcome = Appended::Reused;
        if (fresh)
            undo_.back().push_back([this, key] { ledger_.erase(key); });
        else
            undo_.back().push_back([this, key, before = entry->second] { ledger_[key] = before; });
        entry->second = {record.ledger->body_hash, record.ledger->answer};
    }
    receipt.tp = {record.topic, partition_of(record.key, topic.partitions)};
    receipt.offset = partition(receipt.tp).end;
    receipt.id = feed_record_id(Generation(1), receipt.tp, receipt.offset);
    RecordBlockBuilder block;
    block.add(record.received, record.key, record.headers, record.value);
    add_span(receipt.tp, block, 0, 0);
    changed();
    return receipt;
}

Result<AppendReceipt> SimLog::append(const FeedRecord& record) {
    const auto topic = std::ranges::find(topics_, record.topic, &TopicConfig::name);
    if (topic == topics_.end()) return fail(Errc::NotFound, "there is no topic " + record.topic);
    if (real_) return append_to_real(record, *topic);
    AppendReceipt receipt = place(record, *topic);
    all_synced();
    const bool placed = receipt.outcome == Appended::New || receipt.outcome == Appended::Reused;
    if (placed && planted("ack-before-replicas") && faults_.leader_moves > 0)
        leave_to_leader(receipt.tp);
    return receipt;
}

Result<void> SimLog::sync() {
    if (real_) {
        const auto synced = real_->log().sync();
        refuses_ |= !synced;
        if (!synced) return synced;
    }
    all_synced();
    return {};
}

void SimLog::all_synced() {
    undo_.clear();
    for (auto& [tp, records] : partitions_) records.unsynced = 0;
    sync_due_ = false;
}

bool SimLog::on_disk(std::string_view topic, std::string_view part) const {
    RecordBatch batch;
    for (const auto& [tp, records] : partitions_) {
        if (tp.topic != topic || records.unsynced == 0) continue;
        const Offset from =
            (records.spans.end() - static_cast<std::ptrdiff_t>(records.unsynced))->base;
        const auto read = read_from(tp, from, SIZE_MAX, batch);
        VITALOG_ASSERT(read.has_value(), "what is in memory can be read");
        for (const RecordView& record : batch.records)
            if (record.value.find(part) != std::string_view::npos) return false;
    }
    return true;
}

Result<void> SimLog::store_position(const std::string& reader, const TopicPartition& tp,
                                    Offset next) {
    Result<void> stored;
    const std::pair place{reader, tp};
    if (real_) {
        const bool refused = refuses_;
        stored = real_->log().store_position(reader, tp, next);
        refuses_ |= !stored;
        if (refused) return stored;
        undo_.emplace_back();
        if (const auto known = positions_.find(place); known != positions_.end())
            undo_.back().push_back([this, place, at = known->second] { positions_[place] = at; });
        else
            undo_.back().push_back([this, place] { positions_.erase(place); });
        if (stored) all_synced();
    }
    positions_[place] = next;
    return stored;
}

void SimLog::trim(const TopicPartition& tp, Offset keep) {
    Records& p = partitions_.at(tp);
    if (keep <= p.begin) return;
    p.begin = keep;
    ++trims_;
    trace_.say("  retention: {} begins at {}", to_string(tp), keep.value());
}

// ---- a disk ----

void SimLog::apply(Shard& shard, const Commit& commit) {
    shard.position = {Generation(1), commit.committed, commit.checkpoint, commit.logic, {}};
    apply_writes(shard.entries, commit.state);
    for (const auto& write : commit.state)
        if (write.key.front() == kEntity) shard.written.push_back({write.key, write.value});
}

/// One machine: the commit with its outputs, until it is synced.
void SimLog::apply_undoably(Shard& shard, const Commit& commit) {
    undo_.emplace_back();
    for (const PartitionOutput& output : commit.outputs)
        if (!output.block.empty()) add_span(output.tp, output.block, shard.number, 0);
    std::vector<state::Write> before;
    for (const auto& write : commit.state) {
        const auto found = shard.entries.find(write.key);
        before.push_back({write.key, found == shard.entries.end() ? std::nullopt
                                                                  : std::optional(found->second)});
    }
    std::reverse(before.begin(), before.end());  // a key may be written twice
    undo_.back().push_back([&shard, position = shard.position, before = std::move(before),
                            written = shard.written.size()] {
        shard.position = position;
        apply_writes(shard.entries, before);
        shard.written.resize(written);
    });
    apply(shard, commit);
}

CommitOutcome SimLog::commit_to_disk(Handle& handle, const Commit& commit,
                                     std::optional<Error>& error) {
    if (handle.crashes_ != crashes_) {
        error = Error(Errc::Io, "the machine went down since the shard was opened");
        return CommitOutcome::Unknown;
    }
    const bool aborts = random_.chance(faults_.abort);
    const bool unknown = !aborts && random_.chance(faults_.unknown);
    if (!aborts && (!unknown || random_.chance(faults_.applied))) {
        apply_undoably(handle.shard_, commit);
        if (commit.urgent && faults_.late_sync)
            sync_due_ = true;
        else if (commit.urgent)
            all_synced();
        changed();
    }
    if (!aborts && !unknown) return CommitOutcome::Committed;
    error = Error(Errc::Io, "the disk failed, as the seed wants it");
    trace_.say("  commit of {} of {}: {}", handle.shard_.stage, to_string(handle.shard_.input),
               aborts ? "aborted" : "unknown");
    return aborts ? CommitOutcome::Aborted : CommitOutcome::Unknown;
}

void SimLog::undo_last() {
    for (auto one = undo_.back().rbegin(); one != undo_.back().rend(); ++one) (*one)();
    undo_.pop_back();
}

std::size_t SimLog::lose_unsynced() {
    const std::size_t lost = undo_.empty() ? 0 : random_.pick(undo_.size() + 1);
    for (std::size_t n = 0; n < lost; ++n) undo_last();
    return lost;
}

Result<void> SimLog::crash(bool power) {
    if (!one_machine() || (!power && !real_)) return {};
    ++crashes_;
    const std::size_t unsynced = undo_.size();
    if (real_) {
        real_->die(power);
        VITALOG_CHECK(real_->open());
        refuses_ = false;
        VITALOG_CHECK(find_prefix());
    }
    const std::size_t lost = real_ ? unsynced - undo_.size() : lose_unsynced();
    trace_.say("  the {} goes down: {} of {} changes that were not synced are lost",
               power ? "machine" : "process", lost, unsynced);
    all_synced();
    for (auto& [name, shard] : shards_) shard->held = false;
    changed();
    return {};
}

}  // namespace vitalog::simulation
