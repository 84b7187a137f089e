#include "processors/care/merge.h"

#include <algorithm>
#include <utility>

#include "processors/care/current_indices.h"
#include "processors/care/episodes.h"
#include "processors/care/react.h"
#include "schemas/base/base64.h"
#include "schemas/events/message.h"

namespace vitalog::processors::care {
namespace {

using schemas::Topic;

/// Results of indices that were written under the loser do not stand beside those of the survivor.
void retract_indices(Turn& turn, std::string_view loser, const Results& theirs) {
    const auto series = theirs.find_series(kCreatinine, kCreatinineUnit);
    if (!series) return;
    Indices indices(turn);
    for (const auto& sample : theirs.samples(*series))
        if (sample.digest != 0) indices.retract(loser, sample);
}

/// Of two open episodes of one rule the older stays.
void take_episode(Turn& turn, Episode&& theirs) {
    auto& episodes = turn.person.episodes;
    if (turn.person.episode_of(theirs.alert) != nullptr) return;
    Episodes life(turn);
    Episode* mine = theirs.open ? turn.person.open_episode(theirs.rule->id) : nullptr;
    if (mine == nullptr) {
        episodes.push_back(std::move(theirs));
        return life.moved(episodes.back());
    }
    const bool older =
        std::pair(theirs.since.at, theirs.alert) < std::pair(mine->since.at, mine->alert);
    if (older) std::swap(*mine, theirs);
    life.supersede(*mine, theirs);
    episodes.push_back(std::move(theirs));
}

void fill_gaps(Person& person, const Person& theirs) {
    if (!person.birth_date) person.birth_date = theirs.birth_date;
    if (person.sex == Sex::Unknown) person.sex = theirs.sex;
    person.deceased = person.deceased || theirs.deceased;
    if (person.team.empty()) person.team = theirs.team;
    person.spo2_scales.absorb(theirs.spo2_scales);
    for (const auto& limit : theirs.limits)
        if (std::none_of(person.limits.begin(), person.limits.end(),
                         [&](const PersonalLimit& mine) { return mine.rule == limit.rule; }))
            person.limits.push_back(limit);
    person.watched.absorb(theirs.watched);
    person.windows.absorb(theirs.windows);
}

}  // namespace

void hand_over(Turn& turn, const schemas::PersonMerged& merged) {
    Person& person = turn.person;
    std::string state;
    person.encode(state);
    const std::string text = base64_encode(state);
    turn.out.emit_event(Topic::Person, merged.survivor,
                        schemas::PersonMoved{
                            .survivor = merged.survivor, .loser = turn.person_id(), .state = text});
    for (const auto& episode : person.episodes)
        if (episode.has_task())
            turn.out.emit_event(
                Topic::Task, turn.hex.of(episode.task),
                schemas::TaskPerson{.task = turn.hex.of(episode.task), .person = merged.survivor});
    turn.out.emit_event(Topic::Notification, turn.person_id(),
                        schemas::RecipientMoved{
                            .recipient = merged.survivor, .from = turn.person_id(), .state = {}});
    person.merged_into = merged.survivor;
    person.results = Results();
    person.index_results = IndexResults();
    person.windows = {};
    person.episodes = {};
    person.runs = {};
    person.watched = {};
}

Result<void> take_over(Turn& turn, const schemas::PersonMoved& moved,
                       std::vector<Touched>& touched) {
    const auto state = base64_decode(moved.state);
    if (!state) return fail(Errc::Damaged, "member 'state' of a moved person is not base 64");
    Person theirs;
    VITALOG_CHECK(theirs.decode(*state));
    Person& person = turn.person;
    const auto birth_date = person.birth_date;
    const auto sex = person.sex;
    fill_gaps(person, theirs);
    retract_indices(turn, moved.loser, theirs.results);
    CurrentIndices(turn).take_over(moved.loser, theirs.index_results);
    if (const auto series = theirs.results.find_series(kCreatinine, kCreatinineUnit))
        for (auto& sample : theirs.results.samples(*series)) sample.digest = 0;
    person.results.absorb(theirs.results, turn.input.received.as<EventTime>(), touched);
    for (auto& episode : theirs.episodes) take_episode(turn, std::move(episode));
    const Occasion occasion{.demographics = person.birth_date != birth_date || person.sex != sex,
                            .merged = true};
    const auto judged = compute_indices(turn, touched, occasion);
    judge_results(turn, touched, occasion, judged);
    if (person.deceased) {
        Episodes life(turn);
        const ZonedTime at{turn.input.received.as<EventTime>(), 0, Precision::Second};
        for (auto& episode : person.episodes)
            if (episode.open) life.end_by_death(episode, at);
        person.forget_old_episodes(turn.input.received.as<EventTime>());
    }
    return {};
}

}  // namespace vitalog::processors::care
