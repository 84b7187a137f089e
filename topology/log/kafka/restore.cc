#include "topology/log/kafka/restore.h"

#include <fmt/format.h>

#include "schemas/base/ports.h"
#include "topology/log/kafka/committer.h"
#include "topology/log/kafka/topic_admin.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 20;
constexpr std::chrono::milliseconds kLookAgain{50};
constexpr std::chrono::seconds kOpenTransactionMax{
    90};  // transaction.timeout.ms and the coordinator's check of it
constexpr std::chrono::seconds kNewLeader{3};  // until it knows what the one before gave out
constexpr std::chrono::seconds kReportEvery{2};

using SteadyClock = std::chrono::steady_clock;

/// Where the snapshots end once every transaction that is open now has ended.
Result<Offset> settled_end(const RestorePorts& ports, const TopicPartition& tp) {
    VITALOG_TRY(const Watermarks marks, ask_watermarks(ports.uncommitted, tp));
    const auto deadline = SteadyClock::now() + kOpenTransactionMax;
    while (true) {
        VITALOG_TRY(const Offset readable, ports.reader.asked_end(tp));
        if (readable >= marks.end) return readable;
        if (SteadyClock::now() >= deadline)
            return fail(Errc::Io, fmt::format("{}: a transaction stays open at {}", to_string(tp),
                                              readable.value()));
        rest(kLookAgain);
    }
}

std::vector<state::Write> writes_of(const RecordBatch& batch) {
    std::vector<state::Write> writes;
    writes.reserve(batch.records.size());
    for (const RecordView& record : batch.records) writes.push_back(snapshot_of(record));
    return writes;
}

/// Reports how far a restore has come.
class Progress {
  public:
    Progress(const RestorePorts& ports, const TopicPartition& tp, Offset from, Offset end)
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
        const double seconds = std::chrono::duration<double>(now - began_).count();
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
    void done() {
        const double seconds = std::chrono::duration<double>(SteadyClock::now() - began_).count();
        log_line("info", "restored",
                 {{"partition", to_string(tp_)},
                  {"records", std::to_string(records_)},
                  {"seconds", fmt::format("{:.2f}", seconds)}});
        gauge(0);
        if (!ports_.metrics) return;
        ports_.metrics->observe("vitalog_restore_seconds", {}, seconds);
        ports_.metrics->count("vitalog_restored_records_total", {}, static_cast<double>(records_));
    }

  private:
    void gauge(double left) const {
        if (ports_.metrics)
            ports_.metrics->gauge("vitalog_restore_left", {{"partition", to_string(tp_)}}, left);
    }

    const RestorePorts& ports_;
    const TopicPartition& tp_;
    const Offset from_;
    const Offset end_;
    const SteadyClock::time_point began_;
    SteadyClock::time_point reported_;
    std::size_t records_ = 0;
};

}  // namespace

Result<Offset> end_at_least(Reader& reader, const TopicPartition& tp, Offset known) {
    const auto deadline = SteadyClock::now() + kNewLeader;
    while (true) {
        VITALOG_TRY(const Offset end, reader.asked_end(tp));
        if (end >= known || SteadyClock::now() >= deadline) return end;
        rest(kLookAgain);
    }
}

Result<void> restore_shard(const RestorePorts& ports, const std::string& shard,
                           const TopicPartition& snapshots, Offset written) {
    VITALOG_TRY(auto kept, ports.local.restored(shard));
    const Offset known = std::max(written, kept ? kept->next : Offset());
    VITALOG_TRY(const Offset readable, end_at_least(ports.reader, snapshots, known));
    if (readable < known)
        return fail(
            Errc::Damaged,
            fmt::format("state is lost: {} ends at {}, and was written up to {}: the topic was "
                        "made anew or cut. Bring it back from a mirror, or begin with a new "
                        "log.group and an empty --data-dir, which computes everything again from "
                        "what the feeds keep, and writes it once more",
                        to_string(snapshots), readable.value(), known.value()));
    VITALOG_TRY(const Offset end, settled_end(ports, snapshots));
    VITALOG_TRY(const Offset begin, ports.reader.begin(snapshots));
    const LogTime now = ports.clock.now();
    if (kept && kept->next < end && kept->when + kTombstonesKept / 2 < now) {
        VITALOG_CHECK(ports.local.wipe(shard));
        kept.reset();
    }
    Offset next = std::max(kept ? kept->next : Offset(), begin);
    if (next >= end) return {};
    Progress progress(ports, snapshots, next, end);
    RecordBatch batch;
    while (next < end) {
        VITALOG_CHECK(ports.reader.read(snapshots, next, kReadBytes, batch));
        const auto writes = writes_of(batch);
        next = batch.next;
        VITALOG_CHECK(ports.local.apply({{&shard, &writes, next}}, now));
        progress.at(next, writes.size());
    }
    progress.done();
    return {};
}

}  // namespace vitalog::topology::kafka
