#include <future>

#include "tests/simulation/sim_handle.h"
#include "topology/log/record_block.h"

// SimLog over the product's log: what that says and holds is to be what was written to it.

namespace vitalog::simulation {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

bool same(const AppendReceipt& a, const AppendReceipt& b) {
    return a.outcome == b.outcome && a.tp == b.tp && a.offset == b.offset && a.id == b.id &&
           a.answer == b.answer;
}

bool same(const ShardPosition& a, const ShardPosition& b) {
    return a.committed == b.committed && a.checkpoint == b.checkpoint && a.logic == b.logic;
}

bool same_record(const RecordView& a, const RecordView& b) {
    return a.offset == b.offset && a.timestamp == b.timestamp && a.key == b.key &&
           a.headers.encoded() == b.headers.encoded() && a.value == b.value;
}

tl::unexpected<Error> altered(const TopicPartition& tp, Offset from) {
    return fail(Errc::Conflict,
                "records behind " + to_string(tp, from) + " are not what was written");
}

Result<Entries> all_entries(const state::Backend& backend) {
    Entries entries;
    VITALOG_CHECK(backend.scan("", [&](std::string_view key, std::string_view value) {
        entries.emplace(key, value);
        return Result<void>();
    }));
    return entries;
}

}  // namespace

/// What the real log holds, apart from the records themselves.
struct SimLog::Stand {
    struct ShardStand {
        ShardPosition position;
        Entries entries;
    };
    std::map<TopicPartition, Offset> ends;  ///< behind the last record
    std::map<std::string, ShardStand> shards;
    Positions positions;
};

Result<AppendReceipt> SimLog::append_to_real(const FeedRecord& record, const TopicConfig& topic) {
    std::promise<Result<AppendReceipt>> answered;
    auto answer = answered.get_future();
    const bool refused = refuses_;
    real_->log().append(record, [&answered](Result<AppendReceipt> receipt) {
        answered.set_value(std::move(receipt));
    });
    Result<AppendReceipt> receipt = answer.get();
    refuses_ |= !receipt;
    if (refused) return receipt;
    const AppendReceipt wanted = place(record, topic);  // without an answer it may be there
    if (!receipt) return receipt;
    all_synced();
    if (!same(*receipt, wanted))
        return fail(Errc::Conflict, fmt::format("the log says of what comes at {} that it is at {}",
                                                to_string(wanted.tp, wanted.offset),
                                                to_string(receipt->tp, receipt->offset)));
    return receipt;
}

CommitOutcome SimLog::commit_to_real(Handle& handle, const Commit& commit,
                                     std::optional<Error>& error) {
    const bool refused = refuses_;
    Commit quiet = commit;
    quiet.urgent =
        false;  // what the log does soon, in a thread of its own, is done here in its turn
    const CommitOutcome outcome = handle.real_->commit(quiet, error);
    refuses_ |= outcome != CommitOutcome::Committed;
    if (refused) return outcome;
    apply_undoably(handle.shard_, commit);  // without an answer it may stand
    changed();
    if (commit.urgent && outcome == CommitOutcome::Committed) (void)sync();
    return outcome;
}

Result<void> SimLog::enforce_retention(LogTime now) {
    const auto enforced = real_->log().enforce_retention(now);
    refuses_ |= !enforced;
    for (auto& [tp, records] : partitions_) {
        VITALOG_TRY(const Offset begin, real_->log().begin_offset(tp));
        if (begin > records.begin) trim(tp, begin);
    }
    return enforced;
}

Result<void> SimLog::restart() {
    if (!refuses_) VITALOG_CHECK(sync());
    real_->close();
    VITALOG_CHECK(real_->open());
    refuses_ = false;
    return find_prefix();
}

void SimLog::heal() {
    flips_.reset();
    if (real_) real_->heal();
}

void SimLog::arm(RealLog::Fault fault, std::uint64_t after) {
    flips_.reset();
    real_->arm(fault, after);
}

void SimLog::flip_next(Stored what) {
    real_->heal();
    flips_ = what;
}

/// What is read may still be in memory: then the fault waits for the next.
Result<void> SimLog::read_real(Stored what, const std::function<Result<void>()>& read) const {
    if (flips_ != what) return read();
    real_->arm(RealLog::Fault::FlippedRead, 0);
    auto done = read();
    if (real_->struck())
        flips_.reset();
    else
        real_->heal();
    return done;
}

Result<SimLog::Stand> SimLog::real_stand() {
    Stand stand;
    const topology::EmbeddedLog& log = real_->log();
    for (auto& [tp, records] : partitions_) {
        VITALOG_TRY(records.begin, log.begin_offset(tp));
        VITALOG_TRY(const Offset end, log.end_offset(tp));
        Offset& behind = stand.ends[tp];
        RecordBatch batch;
        for (Offset at = records.begin; at < end; at = batch.next) {
            VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
            if (!batch.records.empty()) behind = next(batch.records.back().offset);
        }
        for (const auto& [place, position] : positions_) {
            if (place.second != tp) continue;
            VITALOG_TRY(const auto stored, log.load_position(place.first, tp));
            if (stored) stand.positions[place] = *stored;
        }
    }
    for (const auto& [name, shard] : shards_) {
        VITALOG_TRY(const auto handle, real_->log().open_shard(shard->stage, shard->input));
        VITALOG_TRY(stand.shards[name].entries, all_entries(handle->state()));
        stand.shards[name].position = handle->position();
    }
    return stand;
}

/// Where this and what the real log holds part; empty: nowhere.
std::string SimLog::difference(const Stand& stand) const {
    for (const auto& [tp, behind] : stand.ends) {
        const Records& p = partitions_.at(tp);
        const Offset wanted = p.spans.empty() ? Offset() : p.spans.back().end();
        const bool dropped = wanted <= p.begin;  // by retention, or never written
        if (dropped ? behind > wanted : behind != wanted)
            return fmt::format("{} ends at {} and is to end at {}", to_string(tp), behind.value(),
                               wanted.value());
    }
    for (const auto& [name, there] : stand.shards) {
        const Shard& shard = *shards_.at(name);
        if (!same(shard.position, there.position))
            return fmt::format("{} stands at {} with checkpoint {} and is to stand at {} with {}",
                               name, there.position.committed.value(),
                               there.position.checkpoint.value(), shard.position.committed.value(),
                               shard.position.checkpoint.value());
        if (shard.entries != there.entries) return "the state of " + name + " is another one";
    }
    if (stand.positions != positions_) return "a reader's position is another one";
    return {};
}

/// What a crash left is a beginning of what was written; and all that was synced is in it.
Result<void> SimLog::find_prefix() {
    VITALOG_TRY(const Stand stand, real_stand());
    const std::string first = difference(stand);
    while (!difference(stand).empty()) {
        if (undo_.empty())
            return fail(Errc::Conflict,
                        "what a start finds is no beginning of what was written that has all that "
                        "was synced: " +
                            difference(stand) + "; and before that: " + first);
        undo_last();
    }
    for (auto& [tp, records] : partitions_) {
        VITALOG_CHECK(compare_records(tp));
        VITALOG_TRY(records.end, real_->log().end_offset(tp));  // there may be a gap
    }
    return {};
}

Result<void> SimLog::compare_records(const TopicPartition& tp) const {
    const Records& p = partition(tp);
    RecordBatch found;
    RecordBatch wanted;
    for (Offset at = p.begin; at < p.end; at = wanted.next) {
        VITALOG_CHECK(real_->log().read(tp, at, kReadBytes, found));
        VITALOG_CHECK(read_from(tp, at, kReadBytes, wanted));
        if (!std::ranges::equal(found.records, wanted.records, same_record)) return altered(tp, at);
    }
    return {};
}

/// The two may cut a batch at different records.
Result<void> SimLog::compare_batch(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                                   const RecordBatch& found) const {
    RecordBatch wanted;
    VITALOG_CHECK(read_from(tp, from, max_bytes, wanted));
    for (std::size_t i = 0; i < std::min(found.records.size(), wanted.records.size()); ++i)
        if (!same_record(found.records[i], wanted.records[i])) return altered(tp, from);
    return {};
}

}  // namespace vitalog::simulation
