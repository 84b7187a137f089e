#include "processors/care/silence.h"

#include <algorithm>

#include "processors/care/episodes.h"

namespace vitalog::processors::care {
namespace {

using schemas::Rule;
using schemas::RuleKind;

constexpr std::string_view kNotWatched = "nothing is to be heard any more";

std::optional<EventTime> last_sample(const Person& person, const Rule& rule) {
    std::optional<EventTime> last;
    for (const auto& loinc : rule.loinc) {
        const auto at = person.windows.last_of(loinc);
        if (at && (!last || *at > *last)) last = at;
    }
    return last;
}

/// Since when the rule waits; nothing while it watches nothing.
std::optional<EventTime> waits_since(const Person& person, const Rule& rule) {
    if (person.deceased) return std::nullopt;
    return person.watched.since(rule.watch, last_sample(person, rule));
}

void set_timer(Turn& turn, const Rule& rule, EventTime since) {
    const auto due =
        std::max(since.as<ReceivedTime>(), turn.input.received - rule.within) + rule.within;
    turn.out.set_timer(std::string(kSilenceTimer) + rule.id, due);
    turn.person.watched.arm(rule.id);
}

SampleFact last_heard(const Turn& turn, const Rule& rule, EventTime since) {
    SampleFact fact;
    fact.id = IdHash().part(turn.person_id()).part(rule.id).part(since.micros()).finish();
    fact.loinc = rule.loinc.front();
    fact.text = "nothing for " + to_string(rule.within);
    fact.at = {since, 0, Precision::Second};
    return fact;
}

}  // namespace

void watch_for_silence(Turn& turn) {
    Person& person = turn.person;
    for (auto& episode : person.episodes)
        if (episode.open && episode.rule->kind == RuleKind::Silence &&
            !waits_since(person, *episode.rule))
            Episodes(turn).close(episode, nullptr, kNotWatched);
    for (const auto& rule : turn.rules.silence()) {
        if (person.watched.armed(rule->id) || person.open_episode(rule->id) != nullptr) continue;
        if (const auto since = waits_since(person, *rule)) set_timer(turn, *rule, *since);
    }
}

void on_silence_timer(Turn& turn, const Timer& timer) {
    const auto id = std::string_view(timer.name).substr(kSilenceTimer.size());
    turn.person.watched.disarm(id);
    const auto rule = turn.rules.find(id);
    if (!rule || rule->kind != RuleKind::Silence) return;
    const auto since = waits_since(turn.person, *rule);
    if (!since || turn.person.open_episode(id) != nullptr) return;
    const EventTime due = timer.due.as<EventTime>();
    if (due - *since < rule->within) return set_timer(turn, *rule, *since);
    const auto fact = last_heard(turn, *rule, *since);
    const ZonedTime at{due, 0, Precision::Second};
    Episodes(turn).meet(rule, rules::level_of(*rule), {at, {}, std::span(&fact, 1)});
}

}  // namespace vitalog::processors::care
