#include "topology/backtest/trial.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <iterator>
#include <thread>
#include <unordered_map>
#include <utility>

#include "schemas/events/control.h"
#include "schemas/events/identity.h"
#include "schemas/json_decode.h"
#include "topology/backtest/care_sides.h"

namespace vitalog::topology {
namespace {

using schemas::Topic;

constexpr std::size_t kReadBytes = std::size_t{4} << 20;
constexpr std::size_t kAhead = 8;  // records: what a person's memory takes to come

/// Types on `person` that are the views' business alone.
bool is_event(std::string_view type) {
    return type != schemas::PersonIdentified::kType && type != schemas::PersonClash::kType;
}

/// Keeps what one side of a partition says of the stretch.
class Collector {
  public:
    /// Nothing is kept before.
    void begin() { collecting_ = true; }
    void at(LogTime now) { now_ = now; }

    void take(const StageOutput& output) {
        if (!collecting_) return;
        if (output.topic == Topic::Task) {
            // What a timer brings is of the time it was due.
            const LogTime when = std::max(now_, output.received.as<LogTime>());
            side_.tasks.push_back({when, output.received, output.id, output.root,
                                   std::string(output.key), std::string(output.type),
                                   std::string(output.json)});
            return;
        }
        const auto alert = schemas::decode<schemas::AlertEvent>(output.json, decoder_);
        VITALOG_ASSERT(alert.has_value(), "care wrote an alert that can't be read");
        if (alert->state == schemas::AlertState::Raised) raise(*alert, output.received);
        if (const auto found = places_.find(std::string(alert->id)); found != places_.end())
            follow(side_.episodes[found->second], *alert);
    }
    TrialSide give() { return std::move(side_); }

  private:
    void raise(const schemas::AlertEvent& alert, ReceivedTime received) {
        places_.emplace(std::string(alert.id), side_.episodes.size());
        TrialEpisode episode;
        episode.alert = alert.id;
        episode.person = alert.person;
        episode.rule = alert.rule;
        episode.since = alert.since.at;
        episode.raised = received;
        episode.retrospective = true;
        side_.episodes.push_back(std::move(episode));
    }
    static void follow(TrialEpisode& episode, const schemas::AlertEvent& alert) {
        episode.rule_version = alert.rule_version;
        episode.problem = alert.problem;
        episode.priority = std::max(episode.priority, alert.priority);
        episode.task = episode.task || !alert.task.empty();
        episode.retrospective = episode.retrospective && alert.retrospective;
        if (alert.state == schemas::AlertState::Closed) episode.ended = alert.occurred.at;
    }

    bool collecting_ = false;
    LogTime now_;
    TrialSide side_;
    std::unordered_map<std::string, std::size_t> places_;  // by alert
    schemas::Decoder decoder_;
};

/// One partition, from its begin to the end of the stretch. One thread.
class PartitionTrial {
  public:
    PartitionTrial(const Log& log, TopicPartition tp, const TrialOptions& options)
        : log_(log),
          tp_(std::move(tp)),
          options_(options),
          care_([this](const StageOutput& output) { ours_.take(output); },
                [this](const StageOutput& output) { theirs_.take(output); }) {}

    Result<Trial> run() {
        VITALOG_TRY(const Offset begin, log_.begin_offset(tp_));
        if (begin.value() > 0)
            return fail(Errc::OutOfRange,
                        to_string(tp_) +
                            " no longer holds its beginning, so persons can't be followed from "
                            "there; keep the topic for ever (topics.person.retention)");
        RecordBatch batch;
        for (Offset at = begin; !done_; at = batch.next) {
            batch.clear();
            VITALOG_CHECK(log_.read(tp_, at, kReadBytes, batch));
            if (batch.records.empty()) break;
            for (std::size_t i = 0; i < batch.records.size() && !done_; ++i) {
                if (i + kAhead < batch.records.size()) care_.expect(batch.records[i + kAhead].key);
                VITALOG_CHECK(apply(batch.records[i]));
            }
        }
        VITALOG_CHECK(start());
        care_.fire_due(options_.to.as<ReceivedTime>());
        trial_.persons = care_.persons_tried();
        trial_.in_force = ours_.give();
        trial_.draft = theirs_.give();
        return std::move(trial_);
    }

  private:
    Result<void> apply(const RecordView& record) {
        if (record.timestamp >= options_.to) {
            done_ = true;
            return {};
        }
        if (record.timestamp >= options_.from) VITALOG_CHECK(start());
        const std::string_view type = record.headers.find(header::kType);
        if (type == schemas::Control::kType) return control(record);
        if (type == schemas::Tick::kType) {
            VITALOG_TRY(const auto tick, schemas::decode<schemas::Tick>(record.value, decoder_));
            care_.fire_due(tick.now);
            return {};
        }
        care_.fire_due(record.timestamp.as<ReceivedTime>());
        ours_.at(record.timestamp);
        theirs_.at(record.timestamp);
        if (is_event(type)) event(record, type);
        return {};
    }

    /// From here on there are two sides.
    Result<void> start() {
        if (started_) return {};
        started_ = true;
        care_.begin_draft();
        ours_.begin();
        theirs_.begin();
        for (const Publication& draft : options_.drafts) {
            const auto taken = care_.draft({draft.kind, draft.name, draft.version, draft.body});
            if (!taken)
                return fail(Errc::Configuration, draft.where + ": " + taken.error().message());
        }
        return {};
    }

    /// What was refused then has no force now either. A draft is not replaced by what was published
    /// under its name meanwhile.
    Result<void> control(const RecordView& record) {
        const auto control = schemas::decode<schemas::Control>(record.value, decoder_);
        if (!control) return {};
        const bool drafted =
            started_ && control->kind == "rules" &&
            std::any_of(options_.drafts.begin(), options_.drafts.end(),
                        [&](const Publication& draft) { return draft.name == control->name; });
        const bool taken = care_.in_force(*control).has_value();
        if (drafted) return {};
        const auto beside = care_.draft(*control);
        if (beside || !taken) return {};
        return fail(Errc::Configuration,
                    "what was published as " + std::string(control->name) +
                        " can't stand beside the draft: " + beside.error().message() +
                        "; name the draft's file like the one it replaces");
    }

    void event(const RecordView& record, std::string_view type) {
        processors::Input input;
        input.id = RecordId::parse(record.headers.find(header::kId));
        input.root = RecordId::parse(record.headers.find(header::kRoot));
        input.type = type;
        input.key = record.key;
        input.value = record.value;
        input.headers = record.headers;
        input.topic = Topic::Person;
        std::int64_t received = 0;
        const auto text = record.headers.find(header::kReceived);
        std::from_chars(text.data(), text.data() + text.size(), received);
        input.received = ReceivedTime(received);
        if (!started_) {
            ++trial_.events_before;
            care_.apply(input);
            return;
        }
        ++trial_.events;
        if (type == schemas::PersonMoved::kType) ++trial_.merges;
        if (!care_.apply(input)) ++trial_.refused;
    }

    const Log& log_;
    const TopicPartition tp_;
    const TrialOptions& options_;
    Collector ours_, theirs_;
    CareSides care_;
    schemas::Decoder decoder_;
    Trial trial_;
    bool started_ = false;
    bool done_ = false;
};

template <class T>
void move_behind(std::vector<T>& out, std::vector<T>&& more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

}  // namespace

void Trial::add(Trial&& other) {
    move_behind(in_force.episodes, std::move(other.in_force.episodes));
    move_behind(in_force.tasks, std::move(other.in_force.tasks));
    move_behind(draft.episodes, std::move(other.draft.episodes));
    move_behind(draft.tasks, std::move(other.draft.tasks));
    events_before += other.events_before;
    events += other.events;
    refused += other.refused;
    merges += other.merges;
    persons += other.persons;  // each lies in one partition
}

Result<Trial> run_trial(const Log& log, const schemas::TopicNames& topics,
                        const TrialOptions& options) {
    const std::uint32_t partitions = log.partitions(topics.name(Topic::Person));
    std::vector<Result<Trial>> trials(partitions, Trial());
    std::atomic<std::uint32_t> next{0};
    const auto work = [&] {
        for (std::uint32_t p; (p = next++) < partitions;)
            trials[p] =
                PartitionTrial(log, {topics.name(Topic::Person), Partition(p)}, options).run();
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < std::min<std::size_t>(options.threads, partitions); ++i)
        threads.emplace_back(work);
    work();
    for (auto& thread : threads) thread.join();
    Trial all;
    for (auto& trial : trials) {
        if (!trial) return tl::unexpected(trial.error());
        all.add(*std::move(trial));
    }
    return all;
}

Result<LogTime> last_event(const Log& log, const schemas::TopicNames& topics) {
    LogTime last;
    RecordBatch batch;
    for (std::uint32_t p = 0; p < log.partitions(topics.name(Topic::Person)); ++p) {
        const TopicPartition tp{topics.name(Topic::Person), Partition(p)};
        VITALOG_TRY(const Offset begin, log.begin_offset(tp));
        VITALOG_TRY(const Offset end, log.end_offset(tp));
        constexpr std::int64_t kLookBack = 64;  // marks of transactions are no records
        Offset at(std::max(begin.value(), end.value() - kLookBack));
        while (at < end) {
            batch.clear();
            VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
            for (const auto& record : batch.records) last = std::max(last, record.timestamp);
            if (batch.records.empty()) break;
            at = batch.next;
        }
    }
    return last;
}

}  // namespace vitalog::topology
