#include "topology/runtime/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "schemas/base/planted.h"
#include "schemas/json_decode.h"
#include "topology/runtime/entity_call.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kChunk = 64;  // records whose entities are prefetched together
constexpr std::chrono::milliseconds kCommitWait{10};
// Each item at fault has a dead letter with the record's bytes: of a large record with many, the first ones do.
constexpr std::int64_t kLettersMax = 1000;                       // of one record
constexpr std::size_t kLetterBytesMax = std::size_t{1} << 20;    // of the record, in its letters, or once
constexpr std::size_t kOutputBytesMax = std::size_t{48} << 20;   // what the next stages make of it is larger, and has to fit

std::int64_t parse_micros(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

tl::unexpected<Error> unknown_end() {
    return fail(Errc::Io, "the last commit's outcome is unknown; the next start recovers");
}

}  // namespace

class Shard::Factory final : public state::EntityFactory {
  public:
    explicit Factory(const processors::Processor& processor) : processor_(processor) {}
    std::unique_ptr<state::Entity> create(std::string_view key) const override {
        return processor_.create(key);
    }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key, std::string_view bytes) const override {
        return processor_.decode(key, bytes);
    }

  private:
    const processors::Processor& processor_;
};

/// What a processor sees of the shard while it handles one record, or one timer, of one entity.
class Shard::RecordContext final : public EntityCall {
  public:
    RecordContext(Shard& shard, Origin origin, const processors::Input* input, std::string_view entity,
                  state::Held* held)
        : EntityCall(shard.spec_.stage, origin, entity), shard_(shard), input_(input), held_(held) {}

    void emit(schemas::Topic topic, std::string_view key, std::string_view type, std::string_view json,
              processors::EmitOptions options) override {
        shard_.outbox_.add(topic, key, type, next_id(), origin(), json, options);
        counted();
    }
    void forward(schemas::Topic topic, std::string_view key) override {
        VITALOG_ASSERT(input_ != nullptr, "only a record can be forwarded, not a timer");
        shard_.outbox_.add_raw(topic, partition_of(key, shard_.ports_.topics.partitions(topic)), key,
                               input_->headers.encoded(), input_->value);
    }
    void broadcast(schemas::Topic topic, const schemas::Control& control) override {
        const std::string json = schemas::encode(control);
        for (std::uint32_t p = 0; p < shard_.ports_.topics.partitions(topic); ++p) {
            shard_.outbox_.add_to(topic, Partition(p), schemas::Control::kType, next_id(), origin(), json);
            counted();
        }
    }
    void dead_letter(const Error& error, std::string_view at) override {
        VITALOG_ASSERT(input_ != nullptr, "a timer has no bytes to dead-letter");
        if (++dead_letters_ > kLettersMax) return;
        const std::size_t bytes = input_->value.size();
        const bool whole = dead_letters_ == 1 || letter_bytes_ + bytes <= kLetterBytesMax;
        if (whole) letter_bytes_ += bytes;
        shard_.dead_letter(*input_, error, at, dead_letters_, whole);
    }
    void count(std::string_view metric, Labels labels) override {
        auto& [name, owned] = counts_.emplace_back(std::string(metric), Metrics::Labels());
        for (const auto& [label, value] : labels) owned.emplace_back(label, value);
    }

    /// The record was accepted: timers and counters take effect.
    void apply() {
        if (held_ != nullptr) apply_to_entity();
        if (dead_letters_ > kLettersMax)
            shard_.dead_letter(*input_, Error(Errc::TooLarge, fmt::format("{} items more of this record are at fault",
                                                                          dead_letters_ - kLettersMax)),
                               "", kLettersMax + 1, false);
        if (shard_.muted()) return;
        for (auto& count : counts_) shard_.counts_[std::move(count)] += 1;
    }

  private:
    void apply_to_entity() {
        apply_timers([&](state::Timer timer) { shard_.store_->set_timer(*held_, std::move(timer)); },
                     [&](std::string_view name) { shard_.store_->cancel_timer(*held_, name); });
        if (removed()) shard_.store_->remove(*held_);
    }

    Shard& shard_;
    const processors::Input* input_;
    state::Held* held_;
    std::int64_t dead_letters_ = 0;
    std::size_t letter_bytes_ = 0;  // in them, of the record's
    std::vector<std::pair<std::string, Metrics::Labels>> counts_;
};

Shard::Shard(ShardSpec spec, std::unique_ptr<processors::Processor> processor, ShardPorts ports,
             ShardOptions options)
    : spec_(std::move(spec)),
      ports_(ports),
      options_(options),
      input_{ports.topics.name(spec_.input), spec_.partition},
      processor_(std::move(processor)),
      factory_(std::make_unique<Factory>(*processor_)),
      outbox_(ports.topics, spec_.stage) {}

/// The log lets go of a commit that it is at before the commit goes.
Shard::~Shard() {
    shard_log_.reset();
}

Result<std::unique_ptr<Shard>> Shard::open(ShardSpec spec, std::unique_ptr<ShardLog> shard_log,
                                           std::unique_ptr<processors::Processor> processor, ShardPorts ports,
                                           ShardOptions options) {
    std::unique_ptr<Shard> shard(new Shard(std::move(spec), std::move(processor), ports, options));
    shard->shard_log_ = std::move(shard_log);
    VITALOG_CHECK(shard->restore());
    return shard;
}

Result<void> Shard::restore() {
    const ShardPosition& stored = shard_log_->position();
    VITALOG_CHECK(check_logic());
    committed_ = recovery_end_ = stored.committed;
    position_ = planted("recover-from-committed") ? stored.committed : stored.checkpoint;
    if (!spec_.stateful) {
        position_ = stored.committed;
        return {};
    }
    store_ = std::make_unique<state::EntityStore>(*factory_, shard_log_->state(), options_.store);
    VITALOG_CHECK(store_->open());
    VITALOG_CHECK(controls_.load(shard_log_->state()));
    VITALOG_CHECK(controls_.restore(position_, *processor_, decoder_));
    if (stored.logic != 0 && stored.logic != processor_->logic() && !recovered()) drift_check_.emplace();
    if (!recovered())
        log_line("info", "recovering", {{"stage", spec_.stage},
                                        {"partition", std::to_string(spec_.partition.value())},
                                        {"from", std::to_string(position_.value())},
                                        {"to", std::to_string(recovery_end_.value())}});
    return {};
}

Result<void> Shard::check_logic() const {
    const ShardPosition& stored = shard_log_->position();
    const bool trailing = spec_.stateful && stored.checkpoint < stored.committed;
    if (stored.logic == 0 || stored.logic == processor_->logic() || !trailing || options_.accept_drift)
        return {};
    return fail(Errc::Conflict,
                "stage " + spec_.stage + " partition " + std::to_string(spec_.partition.value()) +
                    " was left by logic " + std::to_string(stored.logic) + " with state that trails its outputs; this "
                    "program has logic " + std::to_string(processor_->logic()) +
                    ". Either run the old program once and stop it cleanly, or start with --accept-drift, which "
                    "compares the outputs in the log with what the new logic makes and reports each difference");
}

Result<Shard::Step> Shard::step() {
    if (pending_) return try_commit();
    if (!spec_.stateful) VITALOG_CHECK(follow_control());
    VITALOG_TRY(const bool read, read_and_apply());
    if (recovered() && drift_check_) finish_recovery();
    if (commit_is_due(!read)) return commit(false);
    if (read) return Step::Worked;
    return tick_if_due();
}

Result<void> Shard::follow_control() {
    const TopicPartition control{ports_.topics.name(schemas::Topic::FeedControl), Partition(0)};
    for (RecordBatch batch;;) {
        VITALOG_CHECK(ports_.log.read(control, control_position_, options_.read_bytes, batch));
        if (batch.records.empty()) return {};
        for (const auto& record : batch.records) {
            const auto decoded = schemas::decode<schemas::Control>(record.value, decoder_);
            // What can't be used was dead-lettered by the owner of feed.control; here it has no force.
            if (decoded) (void)processor_->on_control(*decoded, processors::Input{});
        }
        control_position_ = batch.next;
        if (planted("input-before-controls")) return {};
    }
}

Result<bool> Shard::read_and_apply() {
    if (planted("begin-anew-behind-a-loss")) {
        VITALOG_TRY(const Offset begin, ports_.log.begin_offset(input_));
        position_ = std::max(position_, begin);
    }
    VITALOG_CHECK(ports_.log.read(input_, position_, options_.read_bytes, batch_));
    if (batch_.records.empty()) {
        if (batch_.next > position_ && !planted("stop-at-a-gap")) pass_gap();
        behind_ = false;
        return false;
    }
    const std::size_t room = options_.commit_records - std::min(uncommitted_records_, options_.commit_records - 1);
    const std::size_t count = std::min(batch_.records.size(), room);
    const Offset from = position_;
    for (std::size_t begin = 0; begin < count; begin += kChunk) {
        const std::size_t end = std::min(begin + kChunk, count);
        VITALOG_CHECK(apply_chunk(begin, end));
        position_ = next(batch_.records[end - 1].offset);
        if (urgent_gathered() || outbox_.bytes() >= options_.commit_bytes) break;
    }
    VITALOG_CHECK(note_lag(from));
    return true;
}

Result<void> Shard::note_lag(Offset from) {
    VITALOG_TRY(const Offset end, ports_.log.end_offset(input_));
    behind_ = end.value() - position_.value() > position_.value() - from.value();
    return {};
}

Result<void> Shard::apply_chunk(std::size_t begin, std::size_t end) {
    if (uncommitted_records_ == 0) uncommitted_since_ = ports_.clock.now();
    held_.assign(end - begin, nullptr);
    if (spec_.stateful) VITALOG_CHECK(fetch_chunk(begin, end));
    for (std::size_t i = begin; i < end; ++i) VITALOG_CHECK(apply(batch_.records[i], held_[i - begin]));
    uncommitted_records_ += end - begin;
    return {};
}

Result<void> Shard::fetch_chunk(std::size_t begin, std::size_t end) {
    keys_.clear();
    hashes_.clear();
    for (std::size_t i = begin; i < end; ++i) {
        if (batch_.records[i].key.empty()) continue;
        keys_.push_back(batch_.records[i].key);
        hashes_.push_back(hash64(keys_.back()));
        store_->prefetch(hashes_.back());
    }
    VITALOG_CHECK(store_->fetch(keys_, hashes_, found_));
    for (std::size_t i = begin, n = 0; i < end; ++i)
        if (!batch_.records[i].key.empty()) held_[i - begin] = found_[n++];
    return {};
}

processors::Input Shard::input_of(const RecordView& record, std::string& source) const {
    source = to_string(input_, record.offset);
    processors::Input input;
    input.key = record.key;
    input.value = record.value;
    input.headers = record.headers;
    input.source = source;
    input.topic = spec_.input;
    input.id = RecordId::parse(record.headers.find(header::kId));
    // A feed record is known by its place, whatever headers its publisher gave it.
    if (input.id.empty() || schemas::info(spec_.input).feed) {
        input.id = input.root = feed_record_id(ports_.log.generation_at(input_, record.offset), input_, record.offset);
        input.received = record.timestamp.as<ReceivedTime>();
        return input;
    }
    input.type = record.headers.find(header::kType);
    input.root = RecordId::parse(record.headers.find(header::kRoot));
    input.received = ReceivedTime(parse_micros(record.headers.find(header::kReceived)));
    return input;
}

Result<void> Shard::apply(const RecordView& record, state::Held* held) {
    current_ = record.offset;
    const processors::Input input = input_of(record, source_);
    if (drift_check_ && muted()) drift_check_->input(input.id);
    if (!muted() && !oldest_received_) oldest_received_ = input.received.as<LogTime>();
    if (spec_.stateful && input.type == schemas::Control::kType) {
        apply_control(record, input);
        return {};
    }
    if (spec_.stateful && input.type == schemas::Tick::kType) return apply_tick(record, input);
    return apply_to_entity(record, input, held);
}

Result<void> Shard::apply_to_entity(const RecordView& record, const processors::Input& input,
                                    state::Held* held) {
    if (spec_.stateful && held == nullptr) {
        dead_letter(input, Error(Errc::Missing, "the record has no key, so it names no entity"), "key", 0);
        finish_outputs();
        return {};
    }
    if (held != nullptr && record.offset <= held->applied && !planted("skip-position-check")) return {};  // law 7: a no-op
    RecordContext context(*this, {input.id, input.root, input.received}, &input, input.key, held);
    auto result = processor_->on_record(held != nullptr ? held->entity.get() : nullptr, input, context);
    if (result && held == nullptr && outbox_.largest_waiting() > kOutputBytesMax)
        result = fail(Errc::TooLarge, fmt::format("what comes of it has {} bytes: send it in parts",
                                                  outbox_.largest_waiting()));
    if (!result) {
        outbox_.refuse();
        dead_letter(input, result.error(), "", 0);
    } else {
        if (held != nullptr) store_->touch(*held, record.offset, uncommitted_since_);
        context.apply();
    }
    finish_outputs();
    return {};
}

void Shard::apply_control(const RecordView& record, const processors::Input& input) {
    const auto control = schemas::decode<schemas::Control>(input.value, decoder_);
    auto result = control ? processor_->on_control(*control, input) : tl::unexpected(control.error());
    if (result) {
        // The processor may have used a decoder of its own; what is stored is decoded afresh.
        controls_.add(*schemas::decode<schemas::Control>(input.value, decoder_), record.offset);
    } else {
        dead_letter(input, result.error(), "control", 0);
    }
    finish_outputs();
}

Result<void> Shard::apply_tick(const RecordView& record, const processors::Input& input) {
    tick_outstanding_ = false;
    const auto tick = schemas::decode<schemas::Tick>(input.value, decoder_);
    if (!tick) {
        dead_letter(input, tick.error(), "tick", 0);
        finish_outputs();
        return {};
    }
    // Entities whose stored form is ahead of this tick are passed over (law 7); the rest fire as they did.
    std::set<std::string, std::less<>> passed;
    std::set<std::string, std::less<>> firing;
    while (const auto due = store_->first_due(tick->now, passed)) {
        const auto& [at, key] = *due;
        VITALOG_TRY(state::Held * held, store_->fetch_one(key));
        if (!firing.contains(key) && record.offset <= held->applied) {
            passed.insert(key);
            continue;
        }
        firing.insert(key);
        fire(*held, at, record.offset);
    }
    return {};
}

void Shard::fire(state::Held& held, ReceivedTime due, Offset offset) {
    const auto found = std::find_if(held.timers.begin(), held.timers.end(),
                                    [&](const state::Timer& timer) { return timer.due == due; });
    if (found == held.timers.end()) {  // the index entry of an older stored form
        store_->drop_index_entry(held, due);
        return;
    }
    const state::Timer timer = *found;
    store_->cancel_timer(held, timer.name);
    Origin origin = origin_of(timer);
    if (planted("ask-the-clock")) origin.cause = IdHash().part(timer.name).part(ports_.clock.now().micros()).finish();
    RecordContext context(*this, origin, nullptr, held.key, &held);
    processor_->on_timer(held.entity.get(), timer, context);
    store_->touch(held, offset, uncommitted_since_);
    context.apply();
    finish_outputs();
}

void Shard::dead_letter(const processors::Input& input, const Error& error, std::string_view at,
                        std::int64_t n, bool whole) {
    std::string headers;
    const RecordId id = output_id(input.id, spec_.stage, "dead-letter", n);
    Headers::append(headers, header::kSpecVersion, "1.0");
    Headers::append(headers, header::kId, id.to_string());
    Headers::append(headers, header::kType, "vitalog.dead-letter.v1");
    Headers::append(headers, header::kSource, "vitalog/" + spec_.stage);
    Headers::append(headers, header::kTime, to_rfc3339(input.received));
    Headers::append(headers, header::kReason, error.to_string());
    Headers::append(headers, header::kStage, spec_.stage);
    Headers::append(headers, header::kDeadSource, input.source);
    if (!at.empty()) Headers::append(headers, header::kAt, at);
    Headers::append(headers, header::kRoot, input.root.to_string());
    Headers::append(headers, header::kCause, input.id.to_string());
    for (const std::string_view kept : {header::kFormat, header::kEndpoint, header::kRetriedRoot})
        if (const auto value = input.headers.find(kept); !value.empty()) Headers::append(headers, kept, value);
    if (!whole) {
        Headers::append(headers, header::kSize, std::to_string(input.value.size()));
        Headers::append(headers, header::kCut, "0");
    }
    const auto partition = partition_of(input.key, ports_.topics.partitions(schemas::Topic::DeadLetter));
    outbox_.add_raw(schemas::Topic::DeadLetter, partition, input.key, headers, whole ? input.value : "");
    if (muted()) return;
    counts_[{"vitalog_dead_letters_total",
             {{"stage", spec_.stage}, {"reason", std::string(to_string(error.code()))}}}] += 1;
}

bool Shard::muted() const {
    if (planted("unmute-one-early")) return next(current_) < recovery_end_;
    if (planted("mute-one-more") && recovery_end_ > Offset(0)) return current_ <= recovery_end_;
    return current_ < recovery_end_;
}

/// Keeps the outputs of the record in hand, unless they are in the log already.
void Shard::finish_outputs() {
    if (!muted()) {
        outbox_.accept(uncommitted_since_);
        return;
    }
    if (drift_check_) outbox_.visit_waiting([this](const TopicPartition& tp, std::string_view key,
                                                   std::string_view headers, std::string_view value) {
        drift_check_->output(tp, key, headers, value);
    });
    outbox_.refuse();
}

void Shard::finish_recovery() {
    std::vector<TopicPartition> partitions;
    for (const auto& topic : ports_.log.topics())
        for (std::uint32_t p = 0; !topic.feed && p < topic.partitions; ++p)
            partitions.push_back({topic.name, Partition(p)});
    auto report = drift_check_->compare(ports_.log, spec_.stage, partitions);
    drift_check_.reset();
    if (!report) {
        log_line("error", "drift-not-compared", {{"stage", spec_.stage}, {"error", report.error().to_string()}});
        return;
    }
    drift_report_ = *std::move(report);
    for (const auto& line : drift_report_->differences)
        log_line("warn", "drift", {{"stage", spec_.stage}, {"difference", line}});
    log_line("info", "drift-accepted", {{"stage", spec_.stage},
                                        {"compared", std::to_string(drift_report_->compared)},
                                        {"differences", std::to_string(drift_report_->difference_count)}});
}

/// Offsets may have gaps (law 3). What has no record is applied once it is passed; others who look at the position
/// that is stored learn of it with the next commit, or with one of its own when none follows.
void Shard::pass_gap() {
    position_ = batch_.next;
    if (uncommitted_records_ > 0) return;
    committed_ = std::max(committed_, position_);
    if (!gap_since_) gap_since_ = ports_.clock.now();
}

std::chrono::microseconds Shard::gap_delay() const {
    return options_.commit_delay.count() == 0 ? options_.commit_delay : options_.commit_delay_behind;
}

std::chrono::microseconds Shard::commit_delay() const {
    if (!behind_ || options_.commit_delay.count() == 0) return options_.commit_delay;
    return std::max(options_.commit_delay, options_.commit_delay_behind);
}

/// Somebody waits for what is in the outbox, and it has gathered for as long as a commit takes: where commits are
/// slow, a shard that is behind would fall further behind by one for every urgent record.
bool Shard::urgent_gathered() const {
    return outbox_.urgent() && has_waited(uncommitted_since_, std::min(commit_took_, options_.commit_delay_behind));
}

/// A clock that was set back has waited long enough: what it showed before may not come for a day.
bool Shard::has_waited(LogTime since, std::chrono::microseconds delay) const {
    const auto waited = ports_.clock.now() - since;
    return waited >= delay || (waited.count() < 0 && !planted("wait-for-the-old-time"));
}

bool Shard::commit_is_due(bool drained) const {
    if (uncommitted_records_ == 0) return gap_since_ && has_waited(*gap_since_, gap_delay());
    if ((outbox_.urgent() && !behind_) || urgent_gathered() || outbox_.bytes() >= options_.commit_bytes ||
        uncommitted_records_ >= options_.commit_records)
        return true;
    if (drained && options_.commit_delay.count() == 0) return true;
    return has_waited(uncommitted_since_, commit_delay());
}

Result<Shard::Step> Shard::commit(bool flush_everything) {
    Commit& commit = pending_.emplace();
    commit.urgent = outbox_.urgent();
    commit.outputs = outbox_.take();
    commit.committed = std::max(position_, committed_);
    commit.checkpoint = commit.committed;
    commit.logic = processor_->logic();
    if (store_) {
        commit.checkpoint = store_->take_writes(position_, ports_.clock.now(), uncommitted_records_,
                                                flush_everything, commit.state);
        controls_.take_writes(commit.checkpoint, commit.state);
    }
    commit_retries_ = 0;
    commit_began_ = ports_.clock.now();
    return try_commit();
}

Result<Shard::Step> Shard::try_commit() {
    std::optional<Error> error;
    switch (shard_log_->commit(*pending_, error)) {
        case CommitOutcome::Committed: break;
        case CommitOutcome::Pending: return Step::Idle;
        case CommitOutcome::Aborted:
            if (error && !error->retryable()) return tl::unexpected(*error);
            if (planted("forget-aborted-commit")) break;
            if (++commit_retries_ > options_.commit_retries_max) return Step::Reopen;
            return Step::Worked;
        case CommitOutcome::Unknown: return planted("commit-again-when-unknown") ? Step::Worked : Step::Reopen;
    }
    committed_ = pending_->committed;
    commit_took_ = ports_.clock.now() - commit_began_;
    pending_.reset();
    gap_since_.reset();
    if (store_) store_->committed();
    uncommitted_records_ = 0;
    for (const auto& [name, value] : counts_) ports_.metrics.count(name.first, name.second, value);
    counts_.clear();
    if (oldest_received_) {
        // A clock set by hand may stand behind what the log received.
        const auto waited = std::max(std::chrono::microseconds(0), ports_.clock.now() - *oldest_received_);
        ports_.metrics.observe("vitalog_latency_seconds", {{"stage", spec_.stage}},
                               static_cast<double>(waited.count()) / 1e6);
        oldest_received_.reset();
    }
    return Step::Worked;
}

Result<Shard::Step> Shard::tick_if_due() {
    if (!store_ || tick_outstanding_ || !recovered()) return Step::Idle;
    const auto due = store_->next_due();
    const ReceivedTime now = ports_.clock.now().as<ReceivedTime>();
    if (!due || *due > now) return Step::Idle;
    VITALOG_TRY(const Offset end, ports_.log.end_offset(input_));
    if (position_ < end) return Step::Idle;  // not read to the end (law 9)
    const RecordId id = IdHash().part("tick").part(to_string(input_, end)).finish();
    outbox_.add_to(spec_.input, spec_.partition, schemas::Tick::kType, id, {id, id, now},
                   schemas::encode(schemas::Tick{now}));
    outbox_.accept(ports_.clock.now());
    tick_outstanding_ = true;
    return commit(false);
}

Result<void> Shard::await_commit() {
    while (pending_) {
        const std::uint64_t seen = ports_.log.activity();
        VITALOG_TRY(const Step step, try_commit());
        if (step == Step::Reopen) return unknown_end();
        if (step == Step::Idle) ports_.log.wait(seen, kCommitWait);
    }
    return {};
}

Result<void> Shard::close() {
    VITALOG_CHECK(await_commit());
    VITALOG_TRY(const Step step, commit(true));
    if (step == Step::Reopen) return unknown_end();  // it may stand: not once more
    return await_commit();
}

std::optional<LogTime> Shard::next_wake() const {
    if (pending_) return std::nullopt;  // the log says when it goes on
    if (uncommitted_records_ > 0) return uncommitted_since_ + commit_delay();
    if (gap_since_) return *gap_since_ + gap_delay();
    if (const auto due = next_due()) return due->as<LogTime>();
    return std::nullopt;
}

std::optional<ReceivedTime> Shard::next_due() const {
    return store_ ? store_->next_due() : std::nullopt;
}

}  // namespace vitalog::topology
