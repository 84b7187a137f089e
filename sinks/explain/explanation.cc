#include "sinks/explain/explanation.h"

#include <algorithm>
#include <optional>

#include "schemas/events/control.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "sinks/explain/record_finder.h"
#include "sinks/explain/rule_text.h"
#include "sinks/trace/feed_trace.h"

namespace vitalog::sinks::explain {
namespace {

using schemas::JsonWriter;
using schemas::Topic;
using views::Op;
using views::Query;

constexpr std::int64_t kRowsMax = 200;
constexpr auto kDay = std::chrono::hours(24);

/// Deciding again means to read all that the stage ever read of the person's partition, which a
/// running site has no time for: `vitalog explain ALERT --data-dir D` does it on a copy.
constexpr std::string_view kBasis = "recorded";

/// Topics keyed by something that has one partition.
constexpr std::string_view kAnyKey;

Query by_text(std::string_view column, const std::string& value, std::string_view order) {
    Query query;
    query.conditions.push_back({{{column, Op::In, {value}}}});
    query.order = {{order, false}};
    query.limit = kRowsMax;
    query.count = false;
    return query;
}

/// Tells one alert. Lives for one request.
class Telling {
  public:
    Telling(const Explainer::Ports& ports, const schemas::AlertEvent& alert,
            const views::BodyRow& row)
        : ports_(ports),
          finder_(ports.source, ports.topics),
          trace_(ports.source, ports.topics, ports.generation),
          alert_(alert),
          last_(row.updated_us),
          json_(out_) {}

    Result<Explanation> run() {
        VITALOG_TRY(persons_, ports_.views.group_of(std::string(alert_.person)));
        VITALOG_CHECK(find_changes());
        json_.begin_object();
        head();
        VITALOG_CHECK(rule());
        VITALOG_CHECK(history());
        VITALOG_CHECK(inputs());
        VITALOG_CHECK(indices());
        VITALOG_CHECK(task());
        VITALOG_CHECK(messages());
        reasons();
        json_.field("complete", complete_);
        json_.end_object();
        return Explanation{std::move(out_), persons_};
    }

  private:
    struct Change {
        schemas::AlertState state;
        schemas::Priority priority;
        std::int64_t revision;
        std::string occurred, reason, band;
        FoundRecord record;
    };

    /// A record's place, and the place of the feed record that it comes from.
    Result<void> records(const std::optional<FoundRecord>& found) {
        json_.key("records");
        json_.begin_array();
        if (found) {
            json_.value(found->place);
            VITALOG_TRY(const auto feed,
                        trace_.find(RecordId::parse(found->root), found->received));
            if (feed) json_.value(to_string(feed->tp, feed->offset));
            complete_ = complete_ && feed.has_value();
        }
        complete_ = complete_ && found.has_value();
        json_.end_array();
        return {};
    }

    /// Searches the topic under each of those who are one person.
    Result<void> search_persons(Topic topic, Window window, const RecordFinder::Visit& visit) {
        for (const auto& person : persons_) {
            VITALOG_TRY(const bool whole, finder_.search(topic, person, window, visit));
            complete_ = complete_ && whole;
        }
        return {};
    }

    /// Every record of the episode, oldest first.
    Result<void> find_changes() {
        const LogTime since = std::min(alert_.since.at.as<LogTime>(), last_) - kDay;
        for (const Window window : {Window{since, last_}, Window{LogTime(0), last_}}) {
            changes_.clear();
            VITALOG_CHECK(search_persons(
                Topic::Alert, window, [&](const TopicPartition& tp, const RecordView& record) {
                    const auto event = schemas::decode<schemas::AlertEvent>(record.value, decoder_);
                    if (event && event->id == alert_.id)
                        changes_.push_back({event->state, event->priority, event->revision,
                                            to_string(event->occurred), std::string(event->reason),
                                            std::string(event->band), FoundRecord::of(tp, record)});
                    return true;
                }));
            std::sort(changes_.begin(), changes_.end(),
                      [](const Change& a, const Change& b) { return a.revision < b.revision; });
            if (!changes_.empty() && changes_.front().revision == 1) break;
        }
        complete_ = complete_ && static_cast<std::int64_t>(changes_.size()) == alert_.revision;
        return {};
    }

    LogTime raised() const { return changes_.empty() ? last_ : changes_.front().record.at; }

    void head() {
        json_.field("alert", alert_.id);
        json_.field("patient", persons_.front());
        json_.field("problem", alert_.problem);
        json_.field("priority", schemas::name_of_enum(alert_.priority));
        json_.field("state", schemas::name_of_enum(alert_.state));
        json_.field("since", alert_.since);
        json_.field("retrospective", alert_.retrospective);
        json_.field("basis", kBasis);
    }

    /// The pack in force when the alert was raised: the last published before.
    Result<void> rule() {
        std::optional<FoundRecord> place;
        std::string text;
        VITALOG_TRY(const bool whole,
                    finder_.search(Topic::FeedControl, kAnyKey, {LogTime(0), raised()},
                                   [&](const TopicPartition& tp, const RecordView& record) {
                                       const auto control = schemas::decode<schemas::Control>(
                                           record.value, decoder_);
                                       if (!control || control->kind != "rules") return true;
                                       auto lines = rule_text(control->body, alert_.rule);
                                       if (!lines || record.timestamp > raised()) return true;
                                       text = *std::move(lines);
                                       place = FoundRecord::of(tp, record);
                                       return true;
                                   }));
        complete_ = complete_ && whole && place.has_value();
        json_.key("rule");
        json_.begin_object();
        json_.field("id", alert_.rule);
        json_.field("version", alert_.rule_version);
        json_.field("pack", alert_.pack_version);
        json_.field("text", text);
        if (!alert_.limits.empty()) json_.field("limits", alert_.limits);  // this person's own
        json_.key("records");
        json_.begin_array();
        if (place) json_.value(place->place);  // a feed record itself
        json_.end_array();
        json_.end_object();
        return {};
    }

    Result<void> history() {
        json_.key("history");
        json_.begin_array();
        for (const auto& change : changes_) {
            json_.begin_object();
            json_.field("revision", change.revision);
            json_.field("state", schemas::name_of_enum(change.state));
            json_.field("priority", schemas::name_of_enum(change.priority));
            if (!change.band.empty()) json_.field("band", change.band);
            json_.field("occurred", change.occurred);
            if (!change.reason.empty()) json_.field("reason", change.reason);
            VITALOG_CHECK(records(change.record));
            json_.end_object();
        }
        json_.end_array();
        return {};
    }

    Result<void> inputs() {
        json_.key("inputs");
        json_.begin_array();
        for (const auto& evidence : alert_.evidence) {
            json_.begin_object();
            json_.field("observation", evidence.observation);
            json_.field("name", evidence.display.empty() ? evidence.loinc : evidence.display);
            if (evidence.value) json_.field("value", *evidence.value);
            if (!evidence.comparator.empty()) json_.field("comparator", evidence.comparator);
            if (!evidence.text.empty()) json_.field("text", evidence.text);
            json_.field("unit", evidence.unit);
            json_.field("effective", evidence.effective);
            if (evidence.low) json_.field("low", *evidence.low);
            if (evidence.high) json_.field("high", *evidence.high);
            if (!evidence.trend.empty()) json_.field("trend", evidence.trend);
            if (!evidence.source.empty()) json_.field("source", evidence.source);
            VITALOG_TRY(const auto found, input_record(evidence));
            VITALOG_CHECK(records(found));
            json_.end_object();
        }
        json_.end_array();
        return {};
    }

    /// The views know when the log took a result's last record; an earlier one is searched for from
    /// the time of the result on.
    Result<std::optional<FoundRecord>> input_record(const schemas::Evidence& evidence) {
        std::vector<Window> windows;
        Query query;
        query.persons = persons_;
        query.conditions.push_back(
            {{{"id", Op::In, {views::Id{std::string(evidence.observation)}}}}});
        query.order = {{"effective_us", false}};
        query.count = false;
        VITALOG_TRY(const auto rows, ports_.views.observations(query));
        for (const auto& row : rows.rows)
            windows.push_back({LogTime(row.updated_us), LogTime(row.updated_us)});
        windows.push_back({std::min(evidence.effective.at.as<LogTime>(), raised()), last_});
        for (const auto& window : windows)
            for (const auto& person : persons_) {
                VITALOG_TRY(auto found,
                            finder_.with_id(Topic::Person, person, window, evidence.input_event));
                if (found) return found;
            }
        return std::nullopt;
    }

    bool rests_on_inputs(const views::RiskRow& row) const {
        return std::any_of(alert_.evidence.begin(), alert_.evidence.end(), [&](const auto& item) {
            return row.basis.find(item.observation) != std::string::npos;
        });
    }

    Result<void> indices() {
        json_.key("indices");
        json_.begin_array();
        if (!alert_.method.empty()) {
            Query query = by_text("method", std::string(alert_.method), "occurred_us");
            query.persons = persons_;
            query.order = {{"occurred_us", true}};
            VITALOG_TRY(const auto page, ports_.views.risks(query));
            for (const auto& row : page.rows)
                if (rests_on_inputs(row)) VITALOG_CHECK(index(row));
        }
        json_.end_array();
        return {};
    }

    Result<void> index(const views::RiskRow& row) {
        json_.begin_object();
        json_.field("method", row.method);
        json_.field("version", row.version);
        json_.field("status", row.status);
        if (row.value) json_.field("value", *row.value);
        if (!row.unit.empty()) json_.field("unit", row.unit);
        if (!row.band.empty()) json_.field("band", row.band);
        json_.key("missing");
        json_.raw(row.missing.empty() ? "[]" : row.missing);
        if (!row.reason.empty()) json_.field("reason", row.reason);
        json_.field("occurred", row.occurred);
        std::optional<FoundRecord> found;
        const Window window{LogTime(row.updated_us), LogTime(row.updated_us)};
        VITALOG_CHECK(search_persons(
            Topic::Risk, window, [&](const TopicPartition& tp, const RecordView& record) {
                const auto event = schemas::decode<schemas::RiskEvent>(record.value, decoder_);
                if (event && event->id == row.id &&
                    record.timestamp.micros() / 1000 == row.updated_us / 1000)
                    found = FoundRecord::of(tp, record);
                return true;
            }));
        VITALOG_CHECK(records(found));
        json_.end_object();
        return {};
    }

    Result<void> task() {
        if (alert_.task.empty()) return {};
        VITALOG_TRY(const auto page,
                    ports_.views.tasks(by_text("id", std::string(alert_.task), "id")));
        if (page.rows.empty()) {
            complete_ = false;
            return {};
        }
        schemas::Decoder own;  // the text of the task is used while its records are read
        VITALOG_TRY(const auto state,
                    schemas::decode<schemas::TaskState>(page.rows.front().body, own));
        task_low_ = state.priority == schemas::Priority::Low;
        json_.key("task");
        json_.begin_object();
        json_.field("id", state.task);
        json_.field("team", state.team);
        json_.field("owner", state.owner);
        json_.field("status", schemas::name_of_enum(state.status));
        if (!state.status_reason.empty()) json_.field("reason", state.status_reason);
        json_.field("opened", to_rfc3339(state.opened));
        timers(state);
        notes(state);
        VITALOG_CHECK(task_history(state, LogTime(page.rows.front().updated_us)));
        json_.end_object();
        return {};
    }

    void timer(std::string_view name, ReceivedTime due, bool struck) {
        json_.begin_object();
        json_.field("name", name);
        json_.field("due", to_rfc3339(due));
        json_.field("struck", struck);
        json_.end_object();
    }

    void timers(const schemas::TaskState& state) {
        json_.key("timers");
        json_.begin_array();
        for (std::size_t i = 0; i < state.steps.size(); ++i)
            timer("escalation " + std::to_string(i + 1), state.steps[i],
                  state.escalation > static_cast<int>(i));
        if (state.remind) {
            const bool reminded =
                std::any_of(state.notes.begin(), state.notes.end(), [&](const auto& note) {
                    return note.at == *state.remind &&
                           note.what.find("reminded") != std::string_view::npos;
                });
            timer("reminder", *state.remind, reminded);
        }
        timer("deadline", state.deadline, state.breached);
        json_.end_array();
    }

    void notes(const schemas::TaskState& state) {
        json_.key("notes");
        json_.begin_array();
        for (const auto& note : state.notes) {
            json_.begin_object();
            json_.field("at", to_rfc3339(note.at));
            json_.field("what", note.what);
            if (!note.by.empty()) json_.field("by", note.by);
            json_.end_object();
        }
        json_.end_array();
    }

    /// What was decided, refused or struck, each with the record on the board and the feed record:
    /// the decision of a doctor, or the message that brought evidence.
    Result<void> task_history(const schemas::TaskState& state, LogTime until) {
        const Window window{std::min(state.opened.as<LogTime>(), until), until};
        std::vector<std::pair<std::string, FoundRecord>> lines;
        VITALOG_TRY(const bool whole,
                    finder_.search(Topic::TaskBoard, state.task, window,
                                   [&](const TopicPartition& tp, const RecordView& record) {
                                       if (record.key != state.task) return true;
                                       lines.emplace_back(board_line(record),
                                                          FoundRecord::of(tp, record));
                                       return true;
                                   }));
        complete_ = complete_ && whole;
        json_.key("history");
        json_.begin_array();
        for (const auto& [line, record] : lines) {
            if (line.empty()) continue;
            json_.begin_object();
            out_.append(line);
            VITALOG_CHECK(records(record));
            json_.end_object();
        }
        json_.end_array();
        return {};
    }

    /// The members of one line, without braces.
    std::string board_line(const RecordView& record) {
        std::string line;
        JsonWriter json(line);
        json.begin_object();
        const auto judged = [&](const schemas::Judgement& judgement) {
            json.field("answer", judgement.status);
            if (!judgement.message.empty()) json.field("message", judgement.message);
        };
        if (record.headers.find(header::kType) == schemas::TaskJudged::kType) {
            const auto event = schemas::decode<schemas::TaskJudged>(record.value, decoder_);
            if (event) judged(event->judged);
        } else if (const auto event = schemas::decode<schemas::TaskState>(record.value, decoder_)) {
            json.field("version", event->version);
            json.field("status", schemas::name_of_enum(event->status));
            if (!event->owner.empty()) json.field("owner", event->owner);
            if (!event->notes.empty()) json.field("what", event->notes.back().what);
            json.field("at", to_rfc3339(event->changed));
            if (event->judged) judged(*event->judged);
        }
        return line.substr(1);
    }

    Result<void> messages() {
        VITALOG_TRY(const auto page, ports_.views.deliveries(
                                         by_text("episode", std::string(alert_.id), "created_us")));
        schemas::Decoder own;
        json_.key("messages");
        json_.begin_array();
        for (const auto& row : page.rows) {
            VITALOG_TRY(const auto message, schemas::decode<schemas::Delivery>(row.body, own));
            VITALOG_CHECK(this->message(message, LogTime(row.updated_us)));
        }
        json_.end_array();
        return {};
    }

    Result<void> message(const schemas::Delivery& message, LogTime at) {
        json_.begin_object();
        json_.field("intent", message.intent);
        json_.field("recipient", message.recipient);
        json_.field("purpose", message.purpose);
        if (!message.channel.empty()) json_.field("channel", message.channel);
        json_.field("state", schemas::name_of_enum(message.state));
        if (!message.reason.empty()) json_.field("reason", message.reason);
        json_.field("created", to_rfc3339(message.created));
        json_.field("changed", to_rfc3339(message.changed));
        std::optional<FoundRecord> found;
        VITALOG_TRY(const bool whole,
                    finder_.search(Topic::Delivery, message.recipient, {at, at},
                                   [&](const TopicPartition& tp, const RecordView& record) {
                                       const auto event = schemas::decode<schemas::Delivery>(
                                           record.value, decoder_);
                                       if (event && event->intent == message.intent &&
                                           event->revision == message.revision)
                                           found = FoundRecord::of(tp, record);
                                       return true;
                                   }));
        complete_ = complete_ && whole;
        VITALOG_CHECK(records(found));
        json_.end_object();
        note_silence(message);
        return {};
    }

    void note_silence(const schemas::Delivery& message) {
        using schemas::DeliveryState;
        const bool silent = message.state == DeliveryState::Suppressed ||
                            message.state == DeliveryState::Cancelled ||
                            message.state == DeliveryState::Expired ||
                            message.state == DeliveryState::Waiting;
        if (!silent) return;
        std::string line = std::string(message.recipient) + " (" + std::string(message.purpose) +
                           "): " + std::string(schemas::name_of_enum(message.state));
        if (!message.reason.empty()) line.append(", ").append(message.reason);
        silences_.push_back(std::move(line));
    }

    void reasons() {
        if (alert_.retrospective)
            silences_.insert(
                silences_.begin(),
                "older than the rule's max_age when it was received: recorded, no task");
        else if (alert_.task.empty())
            silences_.insert(silences_.begin(), "the rule makes no task of this");
        else if (task_low_)
            silences_.insert(silences_.begin(),
                             "a task of low priority waits in the work list; nobody is called");
        json_.key("not_told");
        json_.begin_array();
        for (const auto& line : silences_) json_.value(line);
        json_.end_array();
    }

    const Explainer::Ports& ports_;
    const RecordFinder finder_;
    FeedTrace trace_;
    const schemas::AlertEvent& alert_;
    const LogTime last_;
    std::vector<std::string> persons_;
    std::vector<Change> changes_;
    std::vector<std::string> silences_;
    bool task_low_ = false;
    bool complete_ = true;
    schemas::Decoder decoder_;
    std::string out_;
    JsonWriter json_;
};

}  // namespace

Result<Explanation> Explainer::explain(const std::string& alert) const {
    VITALOG_TRY(const auto page, ports_.views.alerts(by_text("id", alert, "id")));
    if (page.rows.empty()) return fail(Errc::NotFound, "there is no alert " + alert);
    schemas::Decoder decoder;
    VITALOG_TRY(const auto event,
                schemas::decode<schemas::AlertEvent>(page.rows.front().body, decoder));
    return Telling(ports_, event, page.rows.front()).run();
}

}  // namespace vitalog::sinks::explain
