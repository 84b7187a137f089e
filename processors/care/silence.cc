#include "processors/care/silence.h"

#include <algorithm>

#include "processors/care/conditions.h"
#include "processors/care/episodes.h"

namespace vitalog::processors::care {
namespace {

using schemas::Awaits;
using schemas::Rule;
using schemas::RuleKind;

constexpr std::string_view kNotWatched = "nothing is to be heard any more";
constexpr std::string_view kCame = "what was missed came";

/// What broke a silence last: a sample of a device, or a result.
struct Heard {
    EventTime at;
    const Sample* result = nullptr;
};

void take_results(const Results& results, const Rule& rule, std::optional<Heard>& heard) {
    for (std::uint32_t s = 0; s < results.series().size(); ++s) {
        const auto& loinc = results.series()[s].loinc;
        if (std::find(rule.loinc.begin(), rule.loinc.end(), loinc) == rule.loinc.end()) continue;
        const auto samples = results.samples(s);
        const auto newest = std::find_if(samples.rbegin(), samples.rend(),
                                         [](const Sample& sample) { return sample.live(); });
        if (newest != samples.rend() && (!heard || newest->at > heard->at))
            heard = {newest->at, &*newest};
    }
}

std::optional<Heard> last_heard(const Person& person, const Rule& rule) {
    std::optional<Heard> heard;
    if (rule.awaits != Awaits::Results)
        for (const auto& loinc : rule.loinc) {
            const auto at = person.windows.last_of(loinc);
            if (at && (!heard || *at > heard->at)) heard = {*at, nullptr};
        }
    if (rule.awaits != Awaits::Samples) take_results(person.results, rule, heard);
    return heard;
}

/// What a rule waits for: since when, and the finding that wants it, if one does.
struct Wait {
    EventTime since;
    Evaluation finding;
};

std::optional<EventTime> waits_since(const Person& person, const Rule& rule,
                                     const std::optional<Heard>& heard) {
    const auto last = heard ? std::optional(heard->at) : std::nullopt;
    return person.watched.since(rule.watch, rule.awaits, last);
}

/// Nothing while it waits for nothing. `heard`: what broke the silence last.
std::optional<Wait> waits(const Turn& turn, const Rule& rule, const std::optional<Heard>& heard) {
    const Person& person = turn.person;
    if (person.deceased) return std::nullopt;
    if (rule.conditions.empty()) {
        const auto since = waits_since(person, rule, heard);
        return since ? std::optional(Wait{*since, {}}) : std::nullopt;
    }
    const Rule& condition = rule.conditions.front();
    const auto newest = newest_moment(person, condition);
    if (!newest) return std::nullopt;
    if (turn.trace != nullptr) turn.trace->combines(rule, *newest);
    Evaluation finding = evaluate(turn, condition, *newest);
    if (finding.verdict != Verdict::Met || (heard && heard->at > finding.at.at))
        return std::nullopt;
    return Wait{finding.at.at, std::move(finding)};
}

void set_timer(Turn& turn, const Rule& rule, EventTime since) {
    const auto due =
        std::max(since.as<ReceivedTime>(), turn.input.received - rule.within) + rule.within;
    turn.out.set_timer(std::string(kSilenceTimer) + rule.id, due);
    turn.person.watched.arm(rule.id);
}

SampleFact nothing_since(const Turn& turn, const Rule& rule, EventTime since) {
    SampleFact fact;
    fact.id = IdHash().part(turn.person_id()).part(rule.id).part(since.micros()).finish();
    fact.loinc = rule.loinc.front();
    fact.text = "nothing for " + to_string(rule.within);
    fact.at = {since, 0, Precision::Second};
    return fact;
}

/// Ends an open episode when what was missed came, or is waited for no more. Samples that come are
/// judge_samples' business.
void end(Turn& turn, Episode& episode) {
    const Rule& rule = *episode.rule;
    const auto heard = last_heard(turn.person, rule);
    const auto wait = waits(turn, rule, heard);
    const EventTime missed = episode.since.at - rule.within;
    if (wait && wait->since <= missed) return;
    if (!heard || heard->result == nullptr || heard->at <= missed)
        return Episodes(turn).close(episode, nullptr, kNotWatched);
    const Finding last{heard->result->effective(), std::span(&heard->result->id, 1), {}};
    Episodes(turn).close(episode, &last, kCame);
}

/// A finding too old for a task when it came is not waited upon.
bool is_history(const Turn& turn, const Rule& rule, EventTime since) {
    return !rule.conditions.empty() && turn.input.received.as<EventTime>() - since > rule.max_age;
}

}  // namespace

std::optional<EventTime> waits_since(const Person& person, const Rule& rule) {
    if (person.deceased) return std::nullopt;
    return waits_since(person, rule, last_heard(person, rule));
}

std::optional<EventTime> heard_last(const Person& person, const Rule& rule) {
    const auto heard = last_heard(person, rule);
    return heard ? std::optional(heard->at) : std::nullopt;
}

void watch_for_silence(Turn& turn) {
    Person& person = turn.person;
    for (auto& episode : person.episodes)
        if (episode.open && episode.rule->kind == RuleKind::Silence) end(turn, episode);
    for (const auto& rule : turn.rules.silence()) {
        if (person.watched.armed(rule->id) || person.open_episode(rule->id) != nullptr) continue;
        const auto wait = waits(turn, *rule, last_heard(person, *rule));
        if (wait && !is_history(turn, *rule, wait->since)) set_timer(turn, *rule, wait->since);
    }
}

void on_silence_timer(Turn& turn, const Timer& timer) {
    const auto id = std::string_view(timer.name).substr(kSilenceTimer.size());
    turn.person.watched.disarm(id);
    const auto rule = turn.rules.find(id);
    if (!rule || rule->kind != RuleKind::Silence) return;
    const auto wait = waits(turn, *rule, last_heard(turn.person, *rule));
    if (!wait || turn.person.open_episode(id) != nullptr) return;
    const EventTime due = timer.due.as<EventTime>();
    if (due - wait->since < rule->within) return set_timer(turn, *rule, wait->since);
    std::vector<SampleFact> facts = wait->finding.facts;
    facts.push_back(nothing_since(turn, *rule, wait->since));
    const ZonedTime at{due, 0, Precision::Second};
    Episodes(turn).meet(rule, rules::level_of(*rule), {at, wait->finding.results, facts});
}

}  // namespace vitalog::processors::care
