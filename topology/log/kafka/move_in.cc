#include "topology/log/kafka/move_in.h"

#include <fmt/format.h>

#include <algorithm>

#include "topology/log/kafka/committer.h"
#include "topology/log/kafka/layout.h"
#include "topology/log/kafka/move_writer.h"
#include "topology/log/kafka/positions.h"
#include "topology/log/topic_config.h"

namespace vitalog::topology {
namespace {

using namespace kafka;

constexpr std::size_t kReadBytes = std::size_t{4} << 20;
constexpr std::size_t kAheadBytes = std::size_t{256} << 20;  // one partition at a time
constexpr std::size_t kLedgerBatch = 10'000;
constexpr std::uint64_t kReportEvery = 10'000;
constexpr RocksSettings kLocalSettings{.block_cache_bytes = std::uint64_t{16} << 20,
                                       .write_buffer_bytes = std::uint64_t{64} << 20,
                                       .wal_bytes_max = std::uint64_t{512} << 20,
                                       .background_jobs = 1};

std::uint64_t count_between(Offset begin, Offset end) {
    return begin < end ? static_cast<std::uint64_t>(end.value() - begin.value()) : 0;
}

tl::unexpected<Error> foreign(const TopicPartition& tp, std::string_view why) {
    return fail(Errc::Conflict,
                fmt::format("{} of the cluster {}: it is not what an earlier attempt wrote from "
                            "this data directory. Delete the site's topics and begin anew",
                            to_string(tp), why));
}

/// Wherever the snapshots end: an earlier attempt wrote them too.
bool same_place(const CommittedOffset& a, const CommittedOffset& b) {
    if (a.next != b.next || a.metadata.empty() != b.metadata.empty()) return false;
    if (a.metadata.empty()) return true;
    const auto one = decode_metadata(a.next, a.metadata);
    const auto other = decode_metadata(b.next, b.metadata);
    return one && other && one->position.generation == other->position.generation &&
           one->position.checkpoint == other->position.checkpoint &&
           one->position.logic == other->position.logic;
}

}  // namespace

class MoveIn::Impl {
  public:
    Impl(KafkaLog::Options to, const StoppedLog& from, Progress progress)
        : to_(std::move(to)), from_(from), progress_(std::move(progress)) {}

    Result<void> open();
    Result<void> begin();
    Result<void> carry();
    Result<void> make_local(const std::filesystem::path& folder);
    Result<bool> made(const std::filesystem::path& folder) const;
    Result<void> store_positions();
    Result<void> finish() { return delete_topic(admin_.get(), move_mark(to_)); }

    bool resumes = false;
    MoveCounts counts;

  private:
    using Stage = KafkaLog::Stage;

    Result<void> check_fits() const;
    Result<void> check_untouched() const;
    Result<void> check_positions(bool all) const;
    const Stage* stage_of(const StoppedLog::Shard& shard) const;
    std::vector<TopicPartition> partitions(bool feeds_only = false) const;
    GroupOffsets positions() const;
    std::optional<Offset> needed(const TopicPartition& tp) const;

    Result<void> carry_records(Producer& producer);
    Result<void> carry_partition(Producer& producer, const TopicPartition& tp);
    Result<void> fill(MoveWriter& writer, const TopicPartition& tp, Offset begin);
    Result<LogTime> first_time(const TopicPartition& tp) const;
    Result<void> compare_records();
    Result<void> compare_partition(const TopicPartition& tp);
    Result<void> carry_state(Producer& producer);
    Result<void> carry_shard(Producer& producer, const StoppedLog::Shard& shard, LogTime now);
    Result<void> compare_shard(const StoppedLog::Shard& shard, Offset from);

    void part(std::string_view name, std::uint64_t all);
    void step(std::uint64_t records = 1);

    const KafkaLog::Options to_;
    const StoppedLog& from_;
    const Progress progress_;
    MoveProgress stand_;
    std::uint64_t reported_ = 0;
    Activity activity_;
    mutable Asker asker_{asking(to_)};
    Asker::Client admin_;
    std::unique_ptr<Reader> reader_;
    std::map<TopicPartition, Offset> snapshot_ends_;
};

void MoveIn::Impl::part(std::string_view name, std::uint64_t all) {
    stand_ = {name, 0, all};
    reported_ = 0;
    progress_(stand_);
}

void MoveIn::Impl::step(std::uint64_t records) {
    stand_.done += records;
    if (stand_.done < reported_ + kReportEvery && stand_.done != stand_.all) return;
    reported_ = stand_.done;
    progress_(stand_);
}

Result<void> MoveIn::Impl::open() {
    VITALOG_ASSERT(to_.clock != nullptr, "a move has a clock");
    VITALOG_CHECK(check_topics(to_.topics));
    VITALOG_CHECK(check_fits());
    log_library_version();
    VITALOG_TRY(admin_, asker_.client());
    reader_ = std::make_unique<Reader>(
        Reader::Options{connection(to_), to_.window_bytes, kAheadBytes}, activity_);
    add_topics(*reader_, to_);
    VITALOG_TRY(resumes, has_topic(admin_.get(), move_mark(to_)));
    return {};
}

/// Whether the configuration's cluster can take the log as it is.
Result<void> MoveIn::Impl::check_fits() const {
    if (from_.generation() != Generation(1))
        return fail(Errc::Configuration,
                    fmt::format("the log is of generation {}, as it was restored from a backup; a "
                                "log in a cluster has generation 1, and the ids of its records "
                                "would change. It can't be moved: begin an empty site on the "
                                "cluster and keep this one to be read",
                                from_.generation().value()));
    for (const StoppedLog::Topic& topic : from_.topics()) {
        const auto wanted = std::ranges::find(to_.topics, topic.name, &TopicConfig::name);
        bool empty = true;
        for (std::uint32_t i = 0; i < topic.partitions; ++i)
            empty &= from_.extent({topic.name, Partition(i)}).end == Offset();
        if (wanted == to_.topics.end() && !empty)
            return fail(Errc::Configuration,
                        fmt::format("the log holds topic {}, which the configuration does not "
                                    "name: take over topics.*.name from the site's own",
                                    topic.name));
        if (wanted != to_.topics.end() && wanted->partitions != topic.partitions)
            return fail(Errc::Configuration,
                        fmt::format("topic {} has {} partitions in the log, the configuration "
                                    "says {}: set log.partitions or topics.{}.partitions to {}",
                                    topic.name, topic.partitions, wanted->partitions, topic.name,
                                    topic.partitions));
    }
    for (const StoppedLog::Shard& shard : from_.shards())
        if (stage_of(shard) == nullptr)
            return fail(Errc::Configuration,
                        fmt::format("the log has a position of stage {} in {}, which this version "
                                    "does not have: run the version that wrote it",
                                    shard.stage, to_string(shard.input)));
    return {};
}

const KafkaLog::Stage* MoveIn::Impl::stage_of(const StoppedLog::Shard& shard) const {
    const auto found = std::ranges::find(to_.stages, shard.stage, &Stage::name);
    if (found == to_.stages.end()) return nullptr;
    return std::ranges::find(found->inputs, shard.input.topic) == found->inputs.end() ? nullptr
                                                                                      : &*found;
}

std::vector<TopicPartition> MoveIn::Impl::partitions(bool feeds_only) const {
    std::vector<TopicPartition> all;
    for (const TopicConfig& topic : to_.topics)
        for (std::uint32_t i = 0; i < topic.partitions && (topic.feed || !feeds_only); ++i)
            all.push_back({topic.name, Partition(i)});
    return all;
}

GroupOffsets MoveIn::Impl::positions() const {
    GroupOffsets positions;
    for (const StoppedLog::Shard& shard : from_.shards()) {
        const auto carried =
            snapshot_ends_.find(snapshots_of(to_, shard.stage, shard.input.partition));
        const Offset snapshots = carried == snapshot_ends_.end() ? Offset() : carried->second;
        positions[stage_group(to_, shard.stage)][shard.input] = {
            shard.position.committed, encode_metadata({shard.position, snapshots})};
    }
    for (const StoppedLog::ReaderPlace& place : from_.readers())
        if (reader_->knows(place.tp))
            positions[reader_group(to_, place.reader)][place.tp] = {place.next, ""};
    return positions;
}

/// The first offset that a stage or a reader still wants.
std::optional<Offset> MoveIn::Impl::needed(const TopicPartition& tp) const {
    std::optional<Offset> first;
    const auto want = [&](Offset offset) { first = first ? std::min(*first, offset) : offset; };
    for (const StoppedLog::Shard& shard : from_.shards())
        if (shard.input == tp) want(shard.position.checkpoint);
    for (const StoppedLog::ReaderPlace& place : from_.readers())
        if (place.tp == tp) want(place.next);
    return first;
}

Result<void> MoveIn::Impl::begin() {
    const ClusterSettings settings = cluster_settings(to_);
    VITALOG_CHECK(ensure_topics(admin_.get(), cluster_topics(to_), settings));
    if (resumes) return check_positions(false);
    VITALOG_CHECK(check_untouched());
    TopicConfig mark;
    mark.name = move_mark(to_);
    return ensure_topics(admin_.get(), {cluster_topic(mark, settings)}, settings);
}

Result<void> MoveIn::Impl::check_untouched() const {
    constexpr std::string_view kAnew =
        "a site was moved there before, or runs there. Choose another log.group and other topics "
        "(topics.NAME.name), or delete those and the groups to begin anew";
    for (const ClusterTopic& topic : cluster_topics(to_))
        for (std::uint32_t i = 0; i < topic.partitions; ++i) {
            const TopicPartition tp{topic.name, Partition(i)};
            VITALOG_TRY(const Watermarks there, ask_watermarks(admin_.get(), tp));
            if (there.end != Offset())
                return fail(Errc::Conflict,
                            fmt::format("{} of the cluster holds records already, up to {}: {}",
                                        to_string(tp), there.end.value(), kAnew));
        }
    for (const auto& [group, offsets] : positions()) {
        std::vector<TopicPartition> asked;
        for (const auto& [tp, position] : offsets) asked.push_back(tp);
        VITALOG_TRY(const auto found, committed_offsets(asker_, group, asked));
        if (!found.empty())
            return fail(
                Errc::Conflict,
                fmt::format("group {} has positions in the cluster already: {}", group, kAnew));
    }
    return {};
}

/// Positions that are there are ours; with `all`, ours are all there.
Result<void> MoveIn::Impl::check_positions(bool all) const {
    for (const auto& [group, offsets] : positions()) {
        std::vector<TopicPartition> asked;
        for (const auto& [tp, position] : offsets) asked.push_back(tp);
        VITALOG_TRY(const auto found, committed_offsets(asker_, group, asked));
        for (const auto& [tp, position] : offsets) {
            const auto there = found.find(tp);
            if (there == found.end() ? all : !same_place(there->second, position))
                return fail(Errc::Conflict,
                            fmt::format("group {} stands elsewhere in {} than the log that is "
                                        "moved: another site uses log.group. Choose another, or "
                                        "delete the group",
                                        group, to_string(tp)));
        }
    }
    return {};
}

Result<void> MoveIn::Impl::carry() {
    {
        VITALOG_TRY(const auto producer, Producer::open(producer_options(to_, "")));
        VITALOG_CHECK(carry_records(*producer));
        VITALOG_CHECK(carry_state(*producer));
    }
    return compare_records();
}

Result<void> MoveIn::Impl::carry_records(Producer& producer) {
    std::uint64_t all = 0;
    for (const TopicPartition& tp : partitions()) {
        VITALOG_TRY(const Watermarks there, ask_watermarks(admin_.get(), tp));
        const auto ours = from_.extent(tp);
        if (there.end > ours.end)
            return foreign(tp, fmt::format("goes up to {}, the log up to {}", there.end.value(),
                                           ours.end.value()));
        counts.found += static_cast<std::uint64_t>(there.end.value());
        all += count_between(there.end, ours.end);
    }
    part("records", all);
    for (const TopicPartition& tp : partitions()) VITALOG_CHECK(carry_partition(producer, tp));
    return {};
}

Result<void> MoveIn::Impl::carry_partition(Producer& producer, const TopicPartition& tp) {
    VITALOG_TRY(const Watermarks there, ask_watermarks(admin_.get(), tp));
    const auto ours = from_.extent(tp);
    MoveWriter writer(producer, tp, there.end);
    VITALOG_CHECK(fill(writer, tp, ours.begin));
    if (there.begin < ours.begin) VITALOG_CHECK(drop_records(admin_.get(), tp, ours.begin));
    RecordBatch batch;
    while (writer.next() < ours.end) {
        VITALOG_CHECK(from_.read(tp, writer.next(), kReadBytes, batch));
        for (const RecordView& record : batch.records)
            if (const auto written = writer.write(
                    {record.timestamp, record.key, record.headers.encoded(), record.value});
                !written)
                return fail(written.error().code(),
                            to_string(tp, record.offset) + ": " + written.error().message());
        step(batch.records.size());
    }
    VITALOG_CHECK(writer.settle());
    ++counts.partitions;
    return {};
}

/// Takes the offsets of what retention had dropped.
Result<void> MoveIn::Impl::fill(MoveWriter& writer, const TopicPartition& tp, Offset begin) {
    if (writer.next() >= begin) return {};
    VITALOG_TRY(const LogTime time, first_time(tp));
    for (; writer.next() < begin; ++counts.filled) {
        VITALOG_CHECK(writer.write({time, "", "", ""}));
        step();
    }
    return writer.settle();
}

Result<LogTime> MoveIn::Impl::first_time(const TopicPartition& tp) const {
    const auto ours = from_.extent(tp);
    if (ours.begin == ours.end) return to_.clock->now();
    RecordBatch batch;
    VITALOG_CHECK(from_.read(tp, ours.begin, 1, batch));
    return batch.records.empty() ? to_.clock->now() : batch.records.front().timestamp;
}

Result<void> MoveIn::Impl::compare_records() {
    std::uint64_t all = 0;
    for (const TopicPartition& tp : partitions())
        all += count_between(from_.extent(tp).begin, from_.extent(tp).end);
    part("reading back", all);
    for (const TopicPartition& tp : partitions()) VITALOG_CHECK(compare_partition(tp));
    return {};
}

Result<void> MoveIn::Impl::compare_partition(const TopicPartition& tp) {
    VITALOG_TRY(const Watermarks there, ask_watermarks(admin_.get(), tp));
    const auto ours = from_.extent(tp);
    if (there.end != ours.end)
        return foreign(
            tp, fmt::format("ends at {}, the log at {}", there.end.value(), ours.end.value()));
    // The cluster's own retention is at work from the first record on.
    const Offset wanted = std::max(ours.begin, needed(tp).value_or(ours.end));
    if (there.begin < ours.begin || there.begin > wanted)
        return foreign(tp, fmt::format("begins at {}, the log at {}, and {} is still wanted (see "
                                       "log.retention)",
                                       there.begin.value(), ours.begin.value(), wanted.value()));
    VITALOG_TRY(ReadBack back, ReadBack::start(*reader_, tp, there.begin));
    RecordBatch batch;
    for (Offset at = there.begin; at < ours.end; at = batch.next) {
        VITALOG_CHECK(from_.read(tp, at, kReadBytes, batch));
        for (const RecordView& record : batch.records) {
            VITALOG_TRY(const auto found, back.next());
            if (!found || found->offset != record.offset ||
                found->timestamp.millis() != sent_time(record.timestamp) ||
                found->key != record.key || found->value != record.value ||
                found->headers.encoded() != record.headers.encoded())
                return foreign(tp, fmt::format("has another record at {}", record.offset.value()));
        }
        counts.records += batch.records.size();
        step(batch.records.size());
    }
    reader_->leave(tp);
    return {};
}

Result<void> MoveIn::Impl::carry_state(Producer& producer) {
    std::uint64_t all = 0;
    const auto count = [&all](auto, auto) -> Result<void> {
        ++all;
        return {};
    };
    for (const StoppedLog::Shard& shard : from_.shards())
        if (stage_of(shard)->stateful) VITALOG_CHECK(from_.scan_state(shard, count));
    part("state", all);
    const LogTime now = to_.clock->now();
    for (const StoppedLog::Shard& shard : from_.shards())
        if (stage_of(shard)->stateful) VITALOG_CHECK(carry_shard(producer, shard, now));
    return {};
}

/// All of it, whatever an earlier attempt wrote: of a key, the last record counts.
Result<void> MoveIn::Impl::carry_shard(Producer& producer, const StoppedLog::Shard& shard,
                                       LogTime now) {
    const TopicPartition tp = snapshots_of(to_, shard.stage, shard.input.partition);
    VITALOG_TRY(const Watermarks there, ask_watermarks(admin_.get(), tp));
    MoveWriter writer(producer, tp, there.end);
    VITALOG_CHECK(from_.scan_state(shard, [&](auto key, auto value) -> Result<void> {
        const auto bytes = snapshot_value({"", std::string(value)});
        step();
        return writer.write({now, key, "", *bytes});
    }));
    VITALOG_CHECK(writer.settle());
    snapshot_ends_[tp] = writer.next();
    return compare_shard(shard, there.end);
}

Result<void> MoveIn::Impl::compare_shard(const StoppedLog::Shard& shard, Offset from) {
    const TopicPartition tp = snapshots_of(to_, shard.stage, shard.input.partition);
    VITALOG_TRY(ReadBack back, ReadBack::start(*reader_, tp, from));
    VITALOG_CHECK(from_.scan_state(shard, [&](auto key, auto value) -> Result<void> {
        VITALOG_TRY(const auto found, back.next());
        ++counts.entities;
        if (found && snapshot_of(*found).key == key && snapshot_of(*found).value == value)
            return {};
        return foreign(tp, "does not hold the state that was written to it");
    }));
    VITALOG_TRY(const auto more, back.next());
    reader_->leave(tp);
    return more ? foreign(tp, "holds more than the state that was written to it") : Result<void>();
}

Result<void> MoveIn::Impl::make_local(const std::filesystem::path& folder) {
    VITALOG_TRY(const std::string cluster, cluster_id(admin_.get()));
    VITALOG_TRY(const auto local, LocalState::open(folder, cluster, kLocalSettings));
    std::vector<state::Write> writes;
    const auto flush = [&]() -> Result<void> {
        counts.ledger += writes.size();
        VITALOG_CHECK(local->learn(writes, {}));
        writes.clear();
        return {};
    };
    VITALOG_CHECK(from_.scan_ledger([&](auto key, auto value) -> Result<void> {
        writes.push_back({std::string(key), std::string(value)});
        return writes.size() < kLedgerBatch ? Result<void>() : flush();
    }));
    VITALOG_CHECK(flush());
    std::map<TopicPartition, Offset> learnt;
    for (const TopicPartition& tp : partitions(true)) learnt[tp] = from_.extent(tp).end;
    VITALOG_CHECK(local->learn({}, learnt));
    return local->sync();
}

Result<bool> MoveIn::Impl::made(const std::filesystem::path& folder) const {
    VITALOG_TRY(const std::string cluster, cluster_id(admin_.get()));
    VITALOG_TRY(const auto local, LocalState::open(folder, cluster, kLocalSettings));
    for (const TopicPartition& tp : partitions(true)) {
        VITALOG_TRY(const Offset learnt, local->learnt(tp));
        if (learnt != from_.extent(tp).end) return false;
    }
    return true;
}

Result<void> MoveIn::Impl::store_positions() {
    const GroupOffsets ours = positions();
    for (const auto& [group, offsets] : ours) counts.positions += offsets.size();
    VITALOG_TRY(const auto producer, Producer::open(producer_options(to_, move_mark(to_))));
    VITALOG_CHECK(store_together(*producer, ours));
    return check_positions(true);
}

MoveIn::MoveIn(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MoveIn::~MoveIn() = default;

Result<std::unique_ptr<MoveIn>> MoveIn::open(KafkaLog::Options to, const StoppedLog& from,
                                             Progress progress) {
    auto impl = std::make_unique<Impl>(std::move(to), from, std::move(progress));
    VITALOG_CHECK(impl->open());
    return std::unique_ptr<MoveIn>(new MoveIn(std::move(impl)));
}

bool MoveIn::resumes() const {
    return impl_->resumes;
}

Result<void> MoveIn::begin() {
    return impl_->begin();
}

Result<void> MoveIn::carry() {
    return impl_->carry();
}

Result<void> MoveIn::make_local(const std::filesystem::path& folder) {
    return impl_->make_local(folder);
}

Result<bool> MoveIn::made(const std::filesystem::path& folder) const {
    return impl_->made(folder);
}

Result<void> MoveIn::store_positions() {
    return impl_->store_positions();
}

Result<void> MoveIn::finish() {
    return impl_->finish();
}

const MoveCounts& MoveIn::counts() const {
    return impl_->counts;
}

}  // namespace vitalog::topology
