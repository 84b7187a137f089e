#include "topology/log/kafka/restore.h"

#include <fmt/format.h>

#include "schemas/base/ports.h"
#include "topology/log/kafka/positions.h"
#include "topology/log/kafka/resume.h"
#include "topology/log/kafka/topic_admin.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 20;
constexpr std::chrono::seconds kOpenTransactionMax{
    90};  // transaction.timeout.ms and the coordinator's check of it
constexpr std::chrono::milliseconds kLookAgain{50};
constexpr std::chrono::seconds kNewLeader{3};  // until it knows what the one before gave out
constexpr std::chrono::seconds kReportEvery{2};

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point when) {
    return std::chrono::duration<double>(SteadyClock::now() - when).count();
}

Error lost_state(const ShardPlace& place, Offset end, Offset known) {
    return {Errc::Damaged,
            fmt::format("state is lost: {} ends at {}, and was written up to {}: the topic was "
                        "made anew or cut. Bring it back from a mirror, or begin with a new "
                        "log.group and an empty --data-dir, which computes everything again from "
                        "what the feeds keep, and writes it once more",
                        to_string(place.snapshots), end.value(), known.value())};
}

/// Where the snapshots begin and end, those of open transactions included.
Result<Watermarks> uncommitted(const CopyPorts& ports, const ShardPlace& place) {
    VITALOG_TRY(const auto client, ports.asker.client());
    return ask_watermarks(client.get(), place.snapshots);
}

/// The offset from which the copy has to be read on, when the cluster has the snapshots up to
/// `end`. A copy that is too old is thrown away.
Result<Offset> usable_copy(const CopyPorts& ports, const ShardPlace& place, Offset end) {
    VITALOG_TRY(const Offset begin, ports.reader.begin(place.snapshots));
    VITALOG_TRY(const auto kept, ports.local.restored(place.shard));
    if (!kept) return begin;
    if (kept->next > end) return tl::unexpected(lost_state(place, end, kept->next));
    if (kept->next < end && kept->when + kCopyKept < ports.clock.now()) {
        VITALOG_CHECK(ports.local.wipe(place.shard));
        return begin;
    }
    return std::max(kept->next, begin);
}

/// Reads some snapshots from there on into the copy.
Result<void> copy_some(const CopyPorts& ports, const ShardPlace& place, Offset from,
                       RecordBatch& batch) {
    VITALOG_CHECK(ports.reader.read(place.snapshots, from, kReadBytes, batch));
    if (batch.records.empty()) return {};
    std::vector<state::Write> writes;
    writes.reserve(batch.records.size());
    for (const RecordView& record : batch.records) writes.push_back(snapshot_of(record));
    return ports.local.apply({{&place.shard, &writes, batch.next}}, ports.clock.now());
}

}  // namespace

/// Reports how far a restore has come.
class Restore::Progress {
  public:
    Progress(const CopyPorts& ports, const TopicPartition& tp, Offset from, Offset end)
        : ports_(ports),
          tp_(tp),
          from_(from),
          end_(end),
          began_(SteadyClock::now()),
          reported_(began_) {}

    void at(Offset next, std::size_t records) {
        records_ += records;
        const auto now = SteadyClock::now();
        if (now - reported_ < kReportEvery) return;
        reported_ = now;
        const double seconds = seconds_since(began_);
        const double share =
            static_cast<double>(next.value() - from_.value()) /
            static_cast<double>(std::max<std::int64_t>(end_.value() - from_.value(), 1));
        log_line("info", "restoring",
                 {{"partition", to_string(tp_)},
                  {"records", std::to_string(records_)},
                  {"rate", fmt::format("{:.0f}/s", static_cast<double>(records_) / seconds)},
                  {"done", fmt::format("{:.0f}%", share * 100)},
                  {"left", fmt::format("{:.0f}s", seconds * (1 - share) / std::max(share, 1e-6))}});
        gauge(1 - share);
    }
    /// `waited`: seconds before it could begin.
    void done(double waited) const {
        const double seconds = seconds_since(began_);
        log_line("info", "restored",
                 {{"partition", to_string(tp_)},
                  {"records", std::to_string(records_)},
                  {"waited", fmt::format("{:.2f}", waited)},
                  {"seconds", fmt::format("{:.2f}", seconds)}});
        gauge(0);
        if (!ports_.metrics) return;
        ports_.metrics->observe("vitalog_restore_seconds", {}, seconds);
        ports_.metrics->count("vitalog_restored_records_total", {}, static_cast<double>(records_));
    }
    SteadyClock::time_point began() const { return began_; }

  private:
    void gauge(double left) const {
        if (ports_.metrics)
            ports_.metrics->gauge("vitalog_restore_left", {{"partition", to_string(tp_)}}, left);
    }

    const CopyPorts& ports_;
    const TopicPartition& tp_;
    const Offset from_;
    const Offset end_;
    const SteadyClock::time_point began_;
    SteadyClock::time_point reported_;
    std::size_t records_ = 0;
};

Restore::Restore(const CopyPorts& ports, const ShardPlace& place)
    : ports_(ports), place_(place), began_(SteadyClock::now()) {}

Restore::~Restore() = default;

/// The position first: whoever still had a transaction on its way with one could not have it in the
/// group after us, and what it wrote lies before the end that is asked for then.
Result<CopyStep> Restore::step() {
    if (!committed_) return find_position();
    if (!place_.stateful) return finish();
    if (!end_) return await_end();
    if (!progress_) return begin();
    return read();
}

Result<CopyStep> Restore::find_position() {
    VITALOG_TRY(const auto found,
                committed_offsets_now(ports_.asker, place_.member->group(), {place_.input}));
    if (!found) {
        if (SteadyClock::now() - began_ < kOpenTransactionMax) return CopyStep::Wait;
        return fail(Errc::Io,
                    fmt::format("group {} does not settle where {} stands. If it says so again, "
                                "`kafka-transactions.sh find-hanging` finds a transaction that the "
                                "cluster did not end: docs/operations.md, What happens to it",
                                place_.member->group(), to_string(place_.input)));
    }
    VITALOG_TRY(committed_, group_position(ports_, place_, *found));
    return CopyStep::More;
}

/// The snapshots go as far as the group and the copy know.
Result<void> Restore::check_end() const {
    VITALOG_TRY(const auto kept, ports_.local.restored(place_.shard));
    const Offset known =
        std::max(*committed_ ? (*committed_)->snapshots : Offset(), kept ? kept->next : Offset());
    VITALOG_TRY(const Offset readable, end_at_least(ports_.reader, place_.snapshots, known));
    if (readable < known) return tl::unexpected(lost_state(place_, readable, known));
    return {};
}

Result<CopyStep> Restore::await_end() {
    if (!written_) {
        VITALOG_CHECK(check_end());
        VITALOG_TRY(const Watermarks marks, uncommitted(ports_, place_));
        written_ = marks.end;
    }
    VITALOG_TRY(const Offset readable, ports_.reader.asked_end(place_.snapshots));
    if (readable >= *written_) {
        end_ = readable;
        return CopyStep::More;
    }
    if (SteadyClock::now() - began_ < kOpenTransactionMax) return CopyStep::Wait;
    return fail(Errc::Io, fmt::format("{}: a transaction stays open at {}",
                                      to_string(place_.snapshots), readable.value()));
}

Result<CopyStep> Restore::begin() {
    VITALOG_TRY(next_, usable_copy(ports_, place_, *end_));
    if (next_ >= *end_) return finish();
    progress_ = std::make_unique<Progress>(ports_, place_.snapshots, next_, *end_);
    return CopyStep::More;
}

Result<CopyStep> Restore::read() {
    VITALOG_CHECK(copy_some(ports_, place_, next_, batch_));
    next_ = batch_.next;
    progress_->at(next_, batch_.records.size());
    if (next_ < *end_) return CopyStep::More;
    const std::chrono::duration<double> waited = progress_->began() - began_;
    progress_->done(waited.count());
    return finish();
}

Result<CopyStep> Restore::finish() {
    if (*committed_) {
        position_ = **committed_;
    } else {
        VITALOG_TRY(position_, first_position(ports_, place_));
    }
    return CopyStep::Done;
}

Result<Offset> end_at_least(Reader& reader, const TopicPartition& tp, Offset known) {
    const auto deadline = SteadyClock::now() + kNewLeader;
    while (true) {
        VITALOG_TRY(const Offset end, reader.asked_end(tp));
        if (end >= known || SteadyClock::now() >= deadline) return end;
        rest(kLookAgain);
    }
}

Follow::~Follow() {
    if (next_) show(0);
}

Result<CopyStep> Follow::step() {
    if (!next_) {
        VITALOG_TRY(const Watermarks marks, uncommitted(ports_, place_));
        VITALOG_TRY(next_, usable_copy(ports_, place_, marks.end));
    }
    VITALOG_CHECK(copy_some(ports_, place_, *next_, batch_));
    next_ = batch_.next;
    VITALOG_TRY(const Offset end, ports_.reader.end(place_.snapshots));
    show(std::max<std::int64_t>(end.value() - next_->value(), 0));
    const bool more = !batch_.records.empty();
    batch_.clear();  // there are many followers, and they rest most of the time
    return more ? CopyStep::More : CopyStep::Wait;
}

void Follow::show(std::int64_t lag) const {
    if (ports_.metrics)
        ports_.metrics->gauge("vitalog_standby_lag_records",
                              {{"partition", to_string(place_.snapshots)}},
                              static_cast<double>(lag));
}

}  // namespace vitalog::topology::kafka
