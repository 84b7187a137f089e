#include "topology/audit/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "schemas/json.h"
#include "sinks/blobs/file_digest.h"
#include "topology/audit/still_source.h"
#include "topology/log/embedded_log.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kMemoryBytes = std::size_t{1} << 30;
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
/// How far apart the clocks of a cluster's processes may be: a record is later than its cause by
/// its log time, or earlier by no more than this.
constexpr std::chrono::seconds kClocksApart{10};

/// The original with the replay's lanes in the place of what its stages make. A lane is read once,
/// from front to end.
class ReplaySource final : public StillSource<RecordSource> {
  public:
    ReplaySource(const AuditLog& log, const ReplayPlan& plan) : log_(log), plan_(plan) {}
    void add(ReplayLane& lane) { lanes_.emplace(lane.tp(), &lane); }
    std::uint64_t played() const { return played_; }

    std::uint32_t partitions(std::string_view topic) const override {
        return records().partitions(topic);
    }
    Result<Offset> begin_offset(const TopicPartition& tp) const override {
        return lanes_.contains(tp) ? Result<Offset>(Offset()) : records().begin_offset(tp);
    }
    Result<Offset> end_offset(const TopicPartition& tp) const override {
        const auto lane = lanes_.find(tp);
        return lane != lanes_.end() ? Result<Offset>(lane->second->end())
                                    : records().end_offset(tp);
    }
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const override {
        if (const auto lane = lanes_.find(tp); lane != lanes_.end()) {
            lane->second->take(out);
            return {};
        }
        VITALOG_CHECK(records().read(tp, from, max_bytes, out));
        const auto topic = log_.names().topic(tp.topic);
        VITALOG_ASSERT(topic.has_value(), "a stage reads topics that have a name");
        if (*topic == schemas::Topic::FeedControl)
            return {};                   // in force for all, whatever is played
        Offset& counted = counted_[tp];  // a fold may read again what it did not take
        std::erase_if(out.records, [&](const RecordView& record) {
            const auto part = plan_.part_of(*topic, tp, record);
            const bool played = part == ReplayPlan::Part::Taken || part == ReplayPlan::Part::Made;
            if (played && record.offset >= counted) ++played_;
            return part == ReplayPlan::Part::Left;
        });
        counted = std::max(counted, out.next);
        return {};
    }

  private:
    const RecordSource& records() const { return log_.source().records; }

    const AuditLog& log_;
    const ReplayPlan& plan_;
    std::map<TopicPartition, ReplayLane*> lanes_;
    mutable std::uint64_t played_ = 0;
    mutable std::map<TopicPartition, Offset> counted_;
};

/// Puts outputs into the replay's own log.
class ReplayWriter {
  public:
    static Result<ReplayWriter> open(Log& log, const TopicPartition& any) {
        VITALOG_TRY(auto shard, log.open_shard("replay", any));
        return ReplayWriter(std::move(shard));
    }
    Result<void> write(ReplayLane& lane) {
        if (lane.unwritten().empty()) return {};
        Commit commit;
        commit.outputs.push_back({lane.tp(), std::move(lane.unwritten())});
        lane.unwritten() = RecordBlockBuilder();
        commit.committed = commit.checkpoint = Offset(++commits_);
        commit.logic = 1;
        std::optional<Error> error;
        if (shard_->commit(commit, error) == CommitOutcome::Committed) return {};
        return tl::unexpected(
            error ? *error
                  : Error(Errc::Io, "the replay's own log does not take what it is given"));
    }

  private:
    explicit ReplayWriter(std::unique_ptr<ShardLog> shard) : shard_(std::move(shard)) {}
    std::unique_ptr<ShardLog> shard_;
    std::int64_t commits_ = 0;
};

/// One replay. Lives for it.
class Replay {
  public:
    Replay(const AuditLog& original, const ReplayPlan& plan, Log& own)
        : original_(original),
          names_(original.names()),
          plan_(plan),
          own_(own),
          records_(original, plan),
          source_{records_, original.source().generation_at, original.source().topics} {}

    Result<ReplayReport> run() {
        VITALOG_CHECK(open_lanes());
        VITALOG_CHECK(open_folds());
        VITALOG_CHECK(go_on());
        VITALOG_TRY(auto writer, ReplayWriter::open(own_, lanes_.front()->tp()));
        while (true) {
            const auto fold = first_fold();
            const auto lane = first_awaiting();
            const bool overdue =
                lane && (!fold || *lanes_[*lane]->awaited() + kClocksApart < *next_[*fold]);
            if (overdue) {
                lanes_[*lane]->give_up();
            } else if (fold) {
                VITALOG_CHECK(step(*fold));
            } else {
                break;
            }
            VITALOG_CHECK(go_on());
            for (const auto& each : lanes_)
                if (each->unwritten().bytes() >= kWriteBytes) VITALOG_CHECK(writer.write(*each));
        }
        for (const auto& each : lanes_) {
            each->finish();
            VITALOG_CHECK(writer.write(*each));
        }
        VITALOG_CHECK(own_.sync());
        return report();
    }

  private:
    Result<void> open_lanes() {
        std::set<schemas::Topic> topics;
        for (const Stage& stage : plan_.stages())
            topics.insert(stage.writes.begin(), stage.writes.end());
        for (const schemas::Topic topic : topics)
            for (std::uint32_t p = 0; p < names_.partitions(topic); ++p) {
                lanes_.push_back(std::make_unique<ReplayLane>(
                    topic, TopicPartition{names_.name(topic), Partition(p)}, plan_,
                    original_.source(), hash_));
                VITALOG_CHECK(lanes_.back()->open());
                lane_of_.emplace(lanes_.back()->tp(), lanes_.back().get());
                if (plan_.reads(topic) && !plan_.plays(topic)) records_.add(*lanes_.back());
            }
        return {};
    }

    Result<void> open_folds() {
        std::vector<TopicConfig> inputs;
        std::size_t shards = 0;
        for (const Stage& stage : plan_.stages()) {
            if (!stage.stateful) continue;
            TopicConfig input;
            input.name = names_.name(stage.reads.front());
            input.partitions = names_.partitions(stage.reads.front());
            shards += input.partitions;
            inputs.push_back(std::move(input));
        }
        VITALOG_TRY(scratch_, FoldScratch::open({}, std::move(inputs)));
        for (const Stage& stage : plan_.stages())
            for (const schemas::Topic topic : stage.reads)
                for (std::uint32_t p = 0; plan_.reads(topic) && p < names_.partitions(topic); ++p)
                    VITALOG_CHECK(open_fold(stage, topic, Partition(p),
                                            kMemoryBytes / std::max<std::size_t>(1, shards)));
        next_.resize(folds_.size());
        for (std::size_t i = 0; i < folds_.size(); ++i) VITALOG_CHECK(look_ahead(i));
        return {};
    }

    /// What the original's stage had not read is not played: what it would have made is not in the
    /// log.
    Result<void> open_fold(const Stage& stage, schemas::Topic topic, Partition partition,
                           std::size_t memory) {
        const TopicPartition input{names_.name(topic), partition};
        VITALOG_TRY(const auto position, original_.position(stage.name, input));
        VITALOG_TRY(const Offset begin, original_.source().records.begin_offset(input));
        if (begin > Offset() && stage.stateful) cut_off_.push_back(to_string(input, begin));
        FoldSpec spec;
        spec.shard = {std::string(stage.name), topic, partition, stage.stateful};
        spec.make_processor = stage.make_processor;
        spec.end = position.committed;
        const auto lane = lane_of_.find(input);
        spec.input_grows = lane != lane_of_.end() && !plan_.plays(topic);
        inputs_.push_back({spec.input_grows ? lane->second : nullptr, position.committed});
        spec.memory_bytes = memory;
        VITALOG_TRY(auto fold, Fold::open(std::move(spec), source_, names_, scratch_.get()));
        folds_.push_back(std::move(fold));
        return {};
    }

    Result<void> look_ahead(std::size_t fold) {
        VITALOG_TRY(next_[fold], folds_[fold]->next_time());
        return {};
    }

    /// The fold whose input the log took first: what the folds make comes in about the order in
    /// which it lies.
    std::optional<std::size_t> first_fold() const {
        std::optional<std::size_t> first;
        for (std::size_t i = 0; i < next_.size(); ++i)
            if (next_[i] && (!first || *next_[i] < *next_[*first])) first = i;
        return first;
    }

    std::optional<std::size_t> first_awaiting() const {
        std::optional<std::size_t> first;
        std::optional<LogTime> least;
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            const auto at = lanes_[i]->awaited();
            if (!at || (least && *least <= *at)) continue;
            least = at;
            first = i;
        }
        return first;
    }

    Result<void> step(std::size_t fold) {
        const LogTime input = *next_[fold];
        VITALOG_TRY(
            const bool more, folds_[fold]->step([&](const Fold::Output& output) -> Result<void> {
                const auto lane = lane_of_.find(output.tp);
                if (lane == lane_of_.end())
                    return fail(Errc::Unsupported, "a stage writes to " + to_string(output.tp) +
                                                       ", which its description does not name");
                lane->second->make(output.record, input);
                return {};
            }));
        (void)more;  // next_time() says it, too
        VITALOG_CHECK(look_ahead(fold));
        pass_unread(fold);
        return {};
    }

    /// Lanes put in place what they can; whoever reads them looks again.
    Result<void> go_on() {
        for (bool moved = true; moved;) {
            moved = false;
            for (const auto& lane : lanes_) {
                VITALOG_TRY(const bool one, lane->advance());
                moved = moved || one;
            }
            for (std::size_t i = 0; moved && i < folds_.size(); ++i) {
                if (next_[i]) continue;
                VITALOG_CHECK(look_ahead(i));
                pass_unread(i);
            }
        }
        return {};
    }

    /// What lies behind the end of what a stage reads is compared, and read by nobody.
    void pass_unread(std::size_t fold) {
        const auto& [lane, end] = inputs_[fold];
        RecordBatch rest;
        if (lane != nullptr && !next_[fold] && folds_[fold]->end() >= end) lane->take(rest);
    }

    ReplayReport report() const {
        ReplayReport report;
        for (const Stage& stage : plan_.stages()) report.stages.emplace_back(stage.name);
        report.played = records_.played();
        report.cut_off = cut_off_;
        for (const auto& lane : lanes_) {
            auto& topic = report.topics[lane->tp().topic];
            topic.made += lane->made();
            topic.same += lane->same();
            topic.changed += lane->changed();
            topic.only_replay += lane->only_replay();
            topic.only_original += lane->only_original();
            topic.no_longer_kept += lane->no_longer_kept();
            std::ranges::copy(lane->differences(), std::back_inserter(report.differences));
        }
        std::ranges::stable_sort(report.differences, {}, &ReplayDifference::at);
        if (report.differences.size() > ReplayReport::kDifferencesMax)
            report.differences.resize(ReplayReport::kDifferencesMax);
        return report;
    }

    const AuditLog& original_;
    const schemas::TopicNames& names_;
    const ReplayPlan& plan_;
    Log& own_;
    const ContentHash hash_;
    ReplaySource records_;
    const AuditSource source_;
    std::vector<std::unique_ptr<ReplayLane>> lanes_;
    std::map<TopicPartition, ReplayLane*> lane_of_;
    std::unique_ptr<FoldScratch> scratch_;
    struct Input {
        ReplayLane* lane;  // null: read where the original has it
        Offset end;        // of what the original's stage had read
    };
    std::vector<std::unique_ptr<Fold>> folds_;
    std::vector<Input> inputs_;                 // of each fold
    std::vector<std::optional<LogTime>> next_;  // of each fold's input; nullopt: nothing there now
    std::vector<std::string> cut_off_;
};

/// Before anything else is in the folder.
Result<void> mark(const std::filesystem::path& into, const ReplaySelection& selection) {
    std::error_code error;
    if (std::filesystem::exists(into) && !std::filesystem::is_empty(into, error))
        return fail(Errc::Conflict,
                    into.string() + " holds something: name a new folder for the replay");
    std::filesystem::create_directories(into, error);
    if (error) return fail(Errc::Io, "cannot create " + into.string() + ": " + error.message());
    std::string text;
    schemas::JsonWriter json(text);
    json.begin_object();
    if (selection.from) json.field("from", to_rfc3339(*selection.from));
    if (selection.to) json.field("to", to_rfc3339(*selection.to));
    if (selection.roots) json.field("roots", static_cast<std::int64_t>(selection.roots->size()));
    json.end_object();
    return sinks::write_file_durably(into / kReplayFile, text + "\n");
}

}  // namespace

Result<void> refuse_replay(const std::filesystem::path& data_dir) {
    if (!std::filesystem::exists(data_dir / kReplayFile)) return {};
    return fail(Errc::Conflict,
                data_dir.string() +
                    " holds a replay, whose messages were sent by the original or by "
                    "nobody: it can be read, and no site starts on it");
}

bool ReplayReport::agrees() const {
    return std::ranges::all_of(topics, [](const auto& item) {
        return item.second.changed + item.second.only_replay + item.second.only_original == 0;
    });
}

Result<ReplayReport> replay(const AuditLog& log, const ReplaySelection& selection,
                            const std::filesystem::path& into) {
    VITALOG_CHECK(mark(into, selection));
    VITALOG_TRY(const auto plan, ReplayPlan::make(log, selection));
    EmbeddedLog::Options options;
    options.path = into;
    options.topics = log.source().topics;
    for (auto& topic : options.topics) topic.retention = {};
    VITALOG_TRY(const auto own, EmbeddedLog::open(std::move(options)));
    return Replay(log, plan, *own).run();
}

}  // namespace vitalog::topology
