#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "processors/care/turn.h"
#include "schemas/events/clinical.h"
#include "schemas/events/task.h"

namespace vitalog::processors::care {

inline constexpr std::size_t kEarlierEpisodesMax = 8;

/// The index behind an alert of this turn, of the moment `at` where there is one; nothing where it
/// was not computed in this turn.
std::optional<schemas::TaskIndex> task_index(const Turn& turn, std::string_view method,
                                             EventTime at);

/// Earlier episodes of the episode's rule that care remembers, the latest first.
std::vector<schemas::EarlierEpisode> earlier_episodes(Turn& turn, const Episode& episode);

/// Tells every task that nobody has decided of a discharge, or that it was taken back.
void remark_encounter(Turn& turn, const schemas::EncounterEvent& event, const ZonedTime& occurred);

}  // namespace vitalog::processors::care
