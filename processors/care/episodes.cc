#include "processors/care/episodes.h"

#include <algorithm>

#include "processors/care/current_values.h"
#include "processors/care/index_kinds.h"
#include "processors/risk/aki.h"
#include "processors/risk/egfr.h"
#include "schemas/events/message.h"

namespace vitalog::processors::care {
namespace {

using schemas::AlertEvent;
using schemas::AlertState;
using schemas::Evidence;
using schemas::Priority;
using schemas::Topic;

constexpr std::string_view kWithdrawn = "withdrawn";

std::string_view coefficients_of(std::string_view method) {
    if (method == aki::kMethod) return aki::kVersion;
    if (method == egfr::kMethod) return egfr::kVersion;
    const auto* kind = find_index_kind(method);
    return kind == nullptr ? std::string_view() : kind->version;
}

std::string_view trend_between(double previous, double value) {
    if (value > previous) return "rising";
    return value < previous ? "falling" : "steady";
}

}  // namespace

Evidence Episodes::evidence_of(Results::Place place) const {
    const auto& results = turn_.person.results;
    const auto& series = results.series()[place.series];
    const auto samples = results.samples(place.series);
    const Sample& sample = samples[place.index];
    Evidence item;
    item.observation = turn_.hex.of(sample.id);
    item.input_event = turn_.hex.of(sample.event);
    item.loinc = series.loinc;
    item.display = series.display;
    item.unit = series.unit;
    item.effective = sample.effective();
    if (!sample.live()) {
        item.text = kWithdrawn;
        return item;
    }
    if (series.unit == kAnswerUnit)
        item.text = answer_text(series.loinc, sample.value);
    else
        item.value = sample.value;
    item.comparator = text_of(sample.comparator);
    const Range& range = results.range_of(sample);
    item.low = range.low;
    item.high = range.high;
    item.flags = sample.flags_text();
    for (std::uint32_t i = place.index; i-- > 0;)
        if (samples[i].live()) {
            item.trend = trend_between(samples[i].value, sample.value);
            break;
        }
    return item;
}

std::vector<Evidence> Episodes::evidence_of(std::span<const RecordId> results) const {
    std::vector<Evidence> items;
    items.reserve(results.size());
    for (const auto& id : results)
        if (const auto place = turn_.person.results.find(id)) items.push_back(evidence_of(*place));
    std::stable_sort(items.begin(), items.end(), [](const Evidence& a, const Evidence& b) {
        return a.effective.at < b.effective.at;
    });
    return items;
}

/// Event time of the last of these results that is still known.
ZonedTime Episodes::time_of(std::span<const RecordId> results, const ZonedTime& otherwise) const {
    for (auto it = results.rbegin(); it != results.rend(); ++it)
        if (const auto place = turn_.person.results.find(*it))
            return turn_.person.results.at(*place).effective();
    return otherwise;
}

bool Episodes::fresh(const schemas::Rule& rule, const Sample& sample) const {
    return turn_.input.received - sample.at.as<ReceivedTime>() <= rule.max_age;
}

std::string_view Episodes::task_text(const Episode& episode) const {
    return episode.has_task() ? turn_.hex.of(episode.task) : std::string_view();
}

EmitOptions Episodes::options(const Episode& episode, EventTime at) const {
    return {.event_time = at,
            .urgent = episode.priority == Priority::High && !episode.retrospective};
}

void Episodes::write(Episode& episode, AlertState state, const ZonedTime& occurred,
                     std::string_view reason) {
    const auto& rule = *episode.rule;
    const AlertEvent event{.id = turn_.hex.of(episode.alert),
                           .revision = ++episode.revision,
                           .person = turn_.person_id(),
                           .rule = rule.id,
                           .rule_version = rule.version,
                           .pack_version = rule.pack_version,
                           .priority = episode.priority,
                           .state = state,
                           .problem = episode.problem,
                           .since = episode.since,
                           .occurred = occurred,
                           .retrospective = episode.retrospective,
                           .method = rule.index,
                           .coefficients = coefficients_of(rule.index),
                           .band = episode.band,
                           .task = task_text(episode),
                           .reason = reason,
                           .evidence = evidence_of(episode.evidence)};
    turn_.out.emit_event(Topic::Alert, turn_.person_id(), event, options(episode, occurred.at));
}

void Episodes::meet(const rules::RulePtr& rule, const rules::Level& level, const Sample& sample,
                    std::span<const RecordId> evidence) {
    if (Episode* open = turn_.person.open_episode(rule->id))
        return append(*open, level, sample, evidence);
    raise(rule, level, sample, evidence);
}

void Episodes::raise(const rules::RulePtr& rule, const rules::Level& level, const Sample& sample,
                     std::span<const RecordId> evidence) {
    Episode& episode = turn_.person.episodes.emplace_back();
    episode.alert = turn_.out.next_id();
    episode.rule = rule;
    episode.priority = level.priority;
    episode.band = level.band;
    episode.problem = level.problem;
    episode.rank = level.rank;
    episode.retrospective = !fresh(*rule, sample);
    episode.since = sample.effective();
    for (const auto& id : evidence) episode.add_evidence(id);
    const bool task = level.task && !episode.retrospective && !turn_.person.deceased;
    if (task) episode.task = IdHash().part(episode.alert).part("task").finish();
    write(episode, AlertState::Raised, episode.since, {});
    turn_.out.count("vitalog_alerts_total",
                    {{"rule", rule->id}, {"priority", schemas::name_of_enum(level.priority)}});
    if (task) open_task(episode);
}

void Episodes::append(Episode& episode, const rules::Level& level, const Sample& sample,
                      std::span<const RecordId> evidence) {
    const bool current = fresh(*episode.rule, sample);
    const rules::Level reached{.priority = episode.priority,
                               .task = false,
                               .problem = {},
                               .band = {},
                               .rank = episode.rank};
    const bool rises = level.worse_than(reached) && (current || episode.retrospective);
    const bool wakes = current && episode.retrospective;
    const bool task = level.task && current && !episode.has_task() && !turn_.person.deceased;
    if (episode.rests_on(sample.id) && !rises && !wakes && !task) return;
    if (rises) {
        episode.priority = level.priority;
        episode.band = level.band;
        episode.problem = level.problem;
        episode.rank = level.rank;
    }
    if (wakes) episode.retrospective = false;
    std::vector<RecordId> added;
    for (const auto& id : evidence)
        if (!episode.rests_on(id)) added.push_back(id);
    if (added.empty()) added.push_back(sample.id);
    for (const auto& id : evidence) episode.add_evidence(id);
    if (task) episode.task = IdHash().part(episode.alert).part("task").finish();
    write(episode, AlertState::Updated, sample.effective(), {});
    if (task)
        open_task(episode);
    else if (episode.has_task())
        send_evidence(episode, added, false);
}

void Episodes::open_task(Episode& episode) {
    const auto& rule = *episode.rule;
    turn_.out.emit_event(Topic::Task, task_text(episode),
                         schemas::TaskOpen{.task = task_text(episode),
                                           .alert = turn_.hex.of(episode.alert),
                                           .person = turn_.person_id(),
                                           .rule = rule.id,
                                           .rule_version = rule.version,
                                           .team = turn_.person.team,
                                           .priority = episode.priority,
                                           .problem = episode.problem,
                                           .since = episode.since,
                                           .evidence = evidence_of(episode.evidence)},
                         options(episode, episode.since.at));
}

void Episodes::send_evidence(const Episode& episode, std::span<const RecordId> results,
                             bool correction) {
    turn_.out.emit_event(Topic::Task, task_text(episode),
                         schemas::TaskEvidence{.task = task_text(episode),
                                               .priority = episode.priority,
                                               .problem = episode.problem,
                                               .evidence = evidence_of(results),
                                               .correction = correction},
                         options(episode, time_of(results, episode.since).at));
}

void Episodes::cancel_message(const Episode& episode, std::string_view reason) {
    if (!episode.told) return;
    turn_.out.emit_event(Topic::Notification, turn_.person_id(),
                         schemas::IntentCancel{.recipient = turn_.person_id(),
                                               .episode = turn_.hex.of(episode.alert),
                                               .reason = reason});
}

void Episodes::close(Episode& episode, const Sample* last, std::string_view reason) {
    episode.open = false;
    const auto occurred =
        last != nullptr ? last->effective() : time_of(episode.evidence, episode.since);
    const bool shown = last != nullptr && !episode.rests_on(last->id);
    if (shown) episode.add_evidence(last->id);
    write(episode, AlertState::Closed, occurred, reason);
    if (shown && episode.has_task()) send_evidence(episode, std::span(&last->id, 1), false);
    cancel_message(episode, reason);
}

void Episodes::correct(Episode& episode, std::span<const RecordId> changed, std::string_view reason,
                       bool supported) {
    const bool closes = episode.open && !supported;
    if (closes) episode.open = false;
    const auto state = episode.open ? AlertState::Updated : AlertState::Closed;
    write(episode, state, time_of(changed, episode.since), reason);
    if (episode.has_task()) send_evidence(episode, changed, true);
    cancel_message(episode, reason);
}

void Episodes::end_by_death(Episode& episode, const ZonedTime& at) {
    static constexpr std::string_view kReason = "deceased";
    if (episode.open) {
        episode.open = false;
        write(episode, AlertState::Closed, at, kReason);
    }
    if (episode.has_task() && !episode.decided)
        turn_.out.emit_event(
            Topic::Task, task_text(episode),
            schemas::TaskCancel{.task = task_text(episode), .reason = kReason, .superseded_by = {}},
            {.event_time = at.at, .urgent = false});
    cancel_message(episode, kReason);
}

void Episodes::supersede(Episode& older, Episode& younger) {
    static constexpr std::string_view kReason = "superseded";
    const bool wants_task = younger.has_task() && !older.has_task();
    const rules::Level a{
        .priority = older.priority, .task = false, .problem = {}, .band = {}, .rank = older.rank};
    const rules::Level b{.priority = younger.priority,
                         .task = false,
                         .problem = {},
                         .band = {},
                         .rank = younger.rank};
    if (b.worse_than(a)) {
        older.priority = younger.priority;
        older.band = younger.band;
        older.problem = younger.problem;
        older.rank = younger.rank;
    }
    older.retrospective = older.retrospective && younger.retrospective;
    std::vector<RecordId> added;
    for (const auto& id : younger.evidence)
        if (!older.rests_on(id)) added.push_back(id);
    for (const auto& id : younger.evidence) older.add_evidence(id);
    younger.open = false;
    if (wants_task) older.task = IdHash().part(older.alert).part("task").finish();
    write(older, AlertState::Updated, time_of(added, older.since), "merged");
    write(younger, AlertState::Closed, younger.since, kReason);
    if (wants_task)
        open_task(older);
    else if (older.has_task() && !added.empty())
        send_evidence(older, added, false);
    if (younger.has_task())
        turn_.out.emit_event(
            Topic::Task, task_text(younger),
            schemas::TaskCancel{
                .task = task_text(younger), .reason = kReason, .superseded_by = task_text(older)});
    cancel_message(younger, kReason);
}

void Episodes::moved(Episode& episode) {
    write(episode, episode.open ? AlertState::Updated : AlertState::Closed,
          time_of(episode.evidence, episode.since), "merged");
}

void Episodes::tell_patient(Episode& episode, const schemas::PersonDecision& decision) {
    const auto& rule = *episode.rule;
    if (rule.patient_purpose.empty() || turn_.person.deceased || episode.told) return;
    episode.told = true;
    const auto intent = IdHash()
                            .part(episode.alert)
                            .part(turn_.person_id())
                            .part(rule.patient_purpose)
                            .part(std::int64_t{0})
                            .finish();
    turn_.out.emit_event(
        Topic::Notification, turn_.person_id(),
        schemas::Intent{
            .intent = turn_.hex.of(intent),
            .recipient = turn_.person_id(),
            .purpose = rule.patient_purpose,
            .template_name = rule.patient_template,
            .params = {},
            .text = decision.text,
            .priority = episode.priority,
            .not_after = decision.decided + rule.patient_within.value_or(turn_.notice_limit),
            .person = turn_.person_id(),
            .task = task_text(episode),
            .episode = turn_.hex.of(episode.alert)},
        {.event_time = {}, .urgent = episode.priority == Priority::High});
}

}  // namespace vitalog::processors::care
