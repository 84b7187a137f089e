#include "processors/care/task_context.h"

#include <algorithm>

namespace vitalog::processors::care {
namespace {

using schemas::EarlierEpisode;
using schemas::Topic;

constexpr std::string_view kDischarge = "A03";
constexpr std::string_view kCancelDischarge = "A13";
constexpr std::string_view kUndecided = "undecided";

std::string_view befallen(std::string_view trigger) {
    if (trigger == kDischarge) return "the patient was discharged";
    if (trigger == kCancelDischarge) return "the patient's discharge was cancelled";
    return {};
}

EarlierEpisode earlier_episode(Turn& turn, const Episode& episode) {
    EarlierEpisode earlier;
    earlier.alert = turn.hex.of(episode.alert);
    if (episode.has_task()) earlier.task = turn.hex.of(episode.task);
    earlier.priority = episode.priority;
    earlier.problem = episode.problem;
    earlier.since = episode.since;
    earlier.outcome = kUndecided;
    if (!episode.decided) return earlier;
    earlier.outcome = schemas::name_of_enum(episode.decided->action);
    earlier.user = episode.decided->user;
    earlier.decided = episode.decided->at;
    return earlier;
}

}  // namespace

std::optional<schemas::TaskIndex> task_index(const Turn& turn, std::string_view method,
                                             EventTime at) {
    const ComputedIndex* found = nullptr;
    for (const auto& computed : turn.computed)
        if (computed.index.method == method && (found == nullptr || found->at != at))
            found = &computed;
    if (found == nullptr) return std::nullopt;
    return found->index;
}

std::vector<EarlierEpisode> earlier_episodes(Turn& turn, const Episode& episode) {
    std::vector<const Episode*> found;
    for (const auto& other : turn.person.episodes)
        if (!other.open && other.rule->id == episode.rule->id && other.alert != episode.alert)
            found.push_back(&other);
    std::sort(found.begin(), found.end(), [](const Episode* a, const Episode* b) {
        return std::pair(b->since.at, b->alert) < std::pair(a->since.at, a->alert);
    });
    if (found.size() > kEarlierEpisodesMax) found.resize(kEarlierEpisodesMax);
    std::vector<EarlierEpisode> earlier;
    for (const Episode* other : found) earlier.push_back(earlier_episode(turn, *other));
    return earlier;
}

void remark_encounter(Turn& turn, const schemas::EncounterEvent& event, const ZonedTime& occurred) {
    const auto what = befallen(event.trigger);
    if (what.empty()) return;
    const ZonedTime at =
        event.trigger == kDischarge ? event.discharged.value_or(occurred) : occurred;
    std::vector<RecordId> told;  // episodes of a group share a task
    for (const auto& episode : turn.person.episodes) {
        const bool seen = std::find(told.begin(), told.end(), episode.task) != told.end();
        if (!episode.has_task() || episode.decided || seen) continue;
        told.push_back(episode.task);
        turn.out.emit_event(Topic::Task, turn.hex.of(episode.task),
                            schemas::TaskRemark{turn.hex.of(episode.task), what, at},
                            {.event_time = at.at, .urgent = false});
    }
}

}  // namespace vitalog::processors::care
