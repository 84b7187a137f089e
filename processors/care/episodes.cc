#include "processors/care/episodes.h"

#include <algorithm>

#include "processors/care/current_values.h"
#include "processors/care/index_kinds.h"
#include "processors/care/task_context.h"
#include "processors/risk/aki.h"
#include "processors/risk/egfr.h"
#include "schemas/base/planted.h"
#include "schemas/events/message.h"

namespace vitalog::processors::care {
namespace {

using schemas::AlertEvent;
using schemas::AlertState;
using schemas::Evidence;
using schemas::Priority;
using schemas::Topic;

constexpr std::string_view kWithdrawn = "withdrawn";
constexpr std::string_view kDevice = "device";

std::string_view coefficients_of(std::string_view method) {
    if (method == aki::kMethod) return aki::kVersion;
    if (method == egfr::kMethod) return egfr::kVersion;
    const auto* kind = find_index_kind(method);
    return kind == nullptr ? std::string_view() : kind->version;
}

rules::Level level_reached(const Episode& episode) {
    return {.priority = episode.priority,
            .task = false,
            .problem = {},
            .band = {},
            .rank = episode.rank};
}

std::string_view trend_between(double previous, double value) {
    if (value > previous) return "rising";
    return value < previous ? "falling" : "steady";
}

}  // namespace

/// What is hidden is recorded, and makes no task.
const Episode* hiding(const Person& person, const Episode& episode) {
    const auto found =
        std::find_if(person.episodes.begin(), person.episodes.end(), [&](const Episode& e) {
            const auto& hides = e.rule->inhibits;
            return e.open && !e.retrospective &&
                   std::find(hides.begin(), hides.end(), episode.rule->id) != hides.end();
        });
    return found == person.episodes.end() ? nullptr : &*found;
}

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

Evidence Episodes::evidence_of(const SampleFact& fact) const {
    Evidence item;
    item.observation = turn_.hex.of(fact.id);
    if (!fact.event.empty()) item.input_event = turn_.hex.of(fact.event);
    item.loinc = fact.loinc;
    item.display = fact.display;
    item.unit = fact.unit;
    item.source = fact.source.empty() ? kDevice : std::string_view(fact.source);
    item.value = fact.value;
    item.text = fact.text;
    item.effective = fact.at;
    return item;
}

std::vector<Evidence> Episodes::evidence_of(std::span<const RecordId> results,
                                            std::span<const SampleFact> facts) const {
    std::vector<Evidence> items;
    items.reserve(results.size() + facts.size());
    for (const auto& id : results)
        if (const auto place = turn_.person.results.find(id)) items.push_back(evidence_of(*place));
    for (const auto& fact : facts) items.push_back(evidence_of(fact));
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

bool Episodes::fresh(const schemas::Rule& rule, EventTime at) const {
    return turn_.input.received - at.as<ReceivedTime>() <= rule.max_age;
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
    const std::string limits = limits_text(rule);
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
                           .limits = limits,
                           .evidence = evidence_of(episode.evidence, episode.facts)};
    turn_.out.emit_event(Topic::Alert, turn_.person_id(), event, options(episode, occurred.at));
}

void Episodes::meet(const rules::RulePtr& rule, const rules::Level& level, const Finding& finding) {
    Episode* const open = turn_.person.open_episode(rule->id);
    if (open != nullptr && !planted("raise-beside-open")) return append(*open, level, finding);
    if (const auto until = cools_down_until(*rule, level, finding.at.at)) {
        if (turn_.trace != nullptr)
            turn_.trace->judged({.rule = *rule,
                                 .of = Judgement::Of::CoolDown,
                                 .met = true,
                                 .at = finding.at.at,
                                 .until = *until});
        turn_.out.count("vitalog_alerts_withheld_total",
                        {{"rule", rule->id}, {"reason", "cool-down"}});
        return;
    }
    raise(rule, level, finding);
}

std::optional<EventTime> Episodes::cools_down_until(const schemas::Rule& rule,
                                                    const rules::Level& level, EventTime at) const {
    std::optional<EventTime> until;
    if (rule.cool_down.count() == 0) return until;
    for (const Episode& e : turn_.person.episodes)
        if (!e.open && e.rule->id == rule.id && at < e.ended + rule.cool_down &&
            !level.worse_than(level_reached(e)) && (!until || e.ended + rule.cool_down > *until))
            until = e.ended + rule.cool_down;
    return until;
}

bool Episodes::may_open_task(const Episode& episode) const {
    return episode.wants_task && !episode.has_task() && !episode.retrospective &&
           !turn_.person.deceased && !hidden(episode);
}

/// An open episode of the same group that has a task which nobody has decided yet, or null.
Episode* Episodes::companion(const Episode& episode) {
    if (episode.rule->group.empty()) return nullptr;
    for (auto& other : turn_.person.episodes)
        if (&other != &episode && other.open && other.has_task() && !other.shares_task &&
            !other.decided && other.rule->group == episode.rule->group)
            return &other;
    return nullptr;
}

void Episodes::assign_task(Episode& episode) {
    const Episode* shared = companion(episode);
    episode.shares_task = shared != nullptr;
    episode.task =
        shared != nullptr ? shared->task : IdHash().part(episode.alert).part("task").finish();
}

/// Opens the task that assign_task() gave the episode, or shows the episode to the one it shares.
void Episodes::tell_task(const Episode& episode) {
    if (episode.shares_task)
        send_evidence(episode, episode.evidence, episode.facts, false);
    else
        open_task(episode);
}

void Episodes::raise(const rules::RulePtr& rule, const rules::Level& level,
                     const Finding& finding) {
    Episode& episode = turn_.person.episodes.emplace_back();
    episode.alert = turn_.out.next_id();
    episode.rule = rule;
    episode.priority = level.priority;
    episode.band = level.band;
    episode.problem = level.problem;
    episode.rank = level.rank;
    episode.wants_task = level.task;
    episode.retrospective = !fresh(*rule, finding.at.at);
    episode.since = finding.at;
    for (const auto& id : finding.results) episode.add_evidence(id);
    for (const auto& fact : finding.facts) episode.add_fact(fact);
    const bool task = may_open_task(episode);
    if (task) assign_task(episode);
    write(episode, AlertState::Raised, episode.since, {});
    turn_.out.count("vitalog_alerts_total",
                    {{"rule", rule->id}, {"priority", schemas::name_of_enum(level.priority)}});
    if (task) tell_task(episode);
}

bool Episodes::changes(const Episode& episode, const rules::Level& level, EventTime at) const {
    const bool current = fresh(*episode.rule, at);
    const bool rises =
        level.worse_than(level_reached(episode)) && (current || episode.retrospective);
    const bool wakes = current && episode.retrospective;
    const bool task =
        level.task && current && !episode.has_task() && !turn_.person.deceased && !hidden(episode);
    return rises || wakes || task;
}

void Episodes::append(Episode& episode, const rules::Level& level, const Finding& finding) {
    const bool current = fresh(*episode.rule, finding.at.at);
    const bool changed = changes(episode, level, finding.at.at);
    std::vector<RecordId> results;
    for (const auto& id : finding.results)
        if (!episode.rests_on(id)) results.push_back(id);
    std::vector<SampleFact> facts;
    for (const auto& fact : finding.facts)
        if (episode.add_fact(fact)) facts.push_back(fact);
    const bool known = finding.results.empty() || episode.rests_on(finding.results.back());
    if (known && facts.empty() && !changed) return;
    if (level.worse_than(level_reached(episode)) && (current || episode.retrospective)) {
        episode.priority = level.priority;
        episode.band = level.band;
        episode.problem = level.problem;
        episode.rank = level.rank;
    }
    if (current) episode.retrospective = false;
    if (current && level.task) episode.wants_task = true;
    if (results.empty() && !finding.results.empty()) results.push_back(finding.results.back());
    for (const auto& id : finding.results) episode.add_evidence(id);
    const bool had_task = episode.has_task();
    const bool task = level.task && current && may_open_task(episode);
    if (task) assign_task(episode);
    write(episode, AlertState::Updated, finding.at, {});
    if (task)
        tell_task(episode);
    else if (had_task)
        send_evidence(episode, results, facts, false);
}

/// What an episode hid while it lasted gets the task it wants.
void Episodes::release(const Episode& ended) {
    const auto ids = ended.rule->inhibits;
    if (ids.empty()) return;
    for (auto& episode : turn_.person.episodes) {
        if (!episode.open || std::find(ids.begin(), ids.end(), episode.rule->id) == ids.end() ||
            !may_open_task(episode))
            continue;
        assign_task(episode);
        write(episode, AlertState::Updated, time_of(episode.evidence, episode.since),
              "what hid it is over");
        tell_task(episode);
    }
}

void Episodes::open_task(const Episode& episode) {
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
                                           .evidence = evidence_of(episode.evidence, episode.facts),
                                           .index = task_index(turn_, rule.index, episode.since.at),
                                           .earlier = earlier_episodes(turn_, episode),
                                           .patient_purpose = rule.patient_purpose,
                                           .patient_template = rule.patient_template},
                         options(episode, episode.since.at));
}

void Episodes::send_evidence(const Episode& episode, std::span<const RecordId> results,
                             std::span<const SampleFact> facts, bool correction) {
    const auto latest = facts.empty() ? time_of(results, episode.since) : facts.back().at;
    turn_.out.emit_event(
        Topic::Task, task_text(episode),
        schemas::TaskEvidence{.task = task_text(episode),
                              .priority = episode.priority,
                              .problem = episode.problem,
                              .evidence = evidence_of(results, facts),
                              .correction = correction,
                              .index = task_index(turn_, episode.rule->index, latest.at)},
        options(episode, latest.at));
}

/// A task that episodes of a group share ends with the one that opened it.
bool Episodes::owns_task(const Episode& episode) const {
    const auto& episodes = turn_.person.episodes;
    return episode.has_task() && !episode.shares_task &&
           std::none_of(episodes.begin(), episodes.end(), [&](const Episode& e) {
               return e.shares_task && e.open && e.task == episode.task && &e != &episode;
           });
}

void Episodes::cancel_task(const Episode& episode, std::string_view reason, EventTime at,
                           std::string_view superseded_by) {
    turn_.out.emit_event(
        Topic::Task, task_text(episode),
        schemas::TaskCancel{
            .task = task_text(episode), .reason = reason, .superseded_by = superseded_by},
        {.event_time = at, .urgent = false});
}

void Episodes::cancel_message(const Episode& episode, std::string_view reason) {
    if (!episode.told) return;
    turn_.out.emit_event(Topic::Notification, turn_.person_id(),
                         schemas::IntentCancel{.recipient = turn_.person_id(),
                                               .episode = turn_.hex.of(episode.alert),
                                               .reason = reason});
}

void Episodes::close(Episode& episode, const Finding* last, std::string_view reason) {
    const auto occurred = last != nullptr ? last->at : time_of(episode.evidence, episode.since);
    episode.open = false;
    episode.ended = occurred.at;
    std::vector<RecordId> results;
    std::vector<SampleFact> facts;
    if (last != nullptr) {
        for (const auto& id : last->results)
            if (!episode.rests_on(id)) results.push_back(id);
        for (const auto& id : results) episode.add_evidence(id);
        for (const auto& fact : last->facts)
            if (episode.add_fact(fact)) facts.push_back(fact);
    }
    write(episode, AlertState::Closed, occurred, reason);
    if ((!results.empty() || !facts.empty()) && episode.has_task())
        send_evidence(episode, results, facts, false);
    cancel_message(episode, reason);
    release(episode);
}

void Episodes::correct(Episode& episode, std::span<const RecordId> changed, std::string_view reason,
                       bool supported) {
    const bool closes = episode.open && !supported;
    const auto at = time_of(changed, episode.since);
    if (closes) {
        episode.open = false;
        episode.ended = at.at;
    }
    const auto state = episode.open ? AlertState::Updated : AlertState::Closed;
    write(episode, state, at, reason);
    if (episode.has_task()) send_evidence(episode, changed, {}, true);
    cancel_message(episode, reason);
    if (closes) release(episode);
}

void Episodes::end_by_death(Episode& episode, const ZonedTime& at) {
    static constexpr std::string_view kReason = "deceased";
    if (episode.open) {
        episode.open = false;
        episode.ended = at.at;
        write(episode, AlertState::Closed, at, kReason);
    }
    if (episode.has_task() && !episode.shares_task && !episode.decided)
        cancel_task(episode, kReason, at.at, {});
    cancel_message(episode, kReason);
}

void Episodes::supersede(Episode& older, Episode& younger) {
    static constexpr std::string_view kReason = "superseded";
    if (level_reached(younger).worse_than(level_reached(older))) {
        older.priority = younger.priority;
        older.band = younger.band;
        older.problem = younger.problem;
        older.rank = younger.rank;
    }
    older.retrospective = older.retrospective && younger.retrospective;
    older.wants_task = older.wants_task || younger.wants_task;
    std::vector<RecordId> added;
    for (const auto& id : younger.evidence)
        if (!older.rests_on(id)) added.push_back(id);
    for (const auto& id : younger.evidence) older.add_evidence(id);
    std::vector<SampleFact> facts;
    for (const auto& fact : younger.facts)
        if (older.add_fact(fact)) facts.push_back(fact);
    younger.open = false;
    younger.ended = younger.since.at;
    const bool gets_task = younger.has_task() && !older.has_task();
    if (gets_task) older.task = IdHash().part(older.alert).part("task").finish();
    write(older, AlertState::Updated, time_of(added, older.since), "merged");
    write(younger, AlertState::Closed, younger.since, kReason);
    if (gets_task)
        open_task(older);
    else if (older.has_task() && (!added.empty() || !facts.empty()))
        send_evidence(older, added, facts, false);
    if (owns_task(younger))
        cancel_task(younger, kReason, turn_.input.received.as<EventTime>(), task_text(older));
    cancel_message(younger, kReason);
}

void Episodes::go_on_under(Episode& episode, const rules::RulePtr& rule) {
    static constexpr std::string_view kReason = "goes on under another version of its rule";
    const auto level = rule->kind == schemas::RuleKind::IndexBand
                           ? rules::met_by_band(*rule, episode.band)
                           : std::optional(rules::level_of(*rule));
    const Priority before = episode.priority;
    episode.rule = rule;
    if (level) {
        episode.priority = std::max(episode.priority, level->priority);
        episode.problem = level->problem;
        episode.rank = level->rank;
    }
    write(episode, AlertState::Updated, time_of(episode.evidence, episode.since), kReason);
    if (episode.has_task() && episode.priority > before) send_evidence(episode, {}, {}, false);
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
