#pragma once

#include "processors/care/turn.h"
#include "processors/processor.h"

namespace vitalog::processors::care {

// Silence is found by a timer of the person that looks at what came last when it fires; samples do
// not touch it (law 9). It is set when something begins that should be heard, or a finding that
// something should follow, and sets itself as long as that goes on.

/// Since when a silence rule without a finding waits for this person; nothing while it waits for
/// nothing.
std::optional<EventTime> waits_since(const Person& person, const schemas::Rule& rule);

/// When what breaks a rule's silence came last.
std::optional<EventTime> heard_last(const Person& person, const schemas::Rule& rule);

/// Sets the timers that a rule in force wants and that are not set; ends episodes of silence whose
/// result came, or where nothing should be heard any more. Called at the end of every record.
void watch_for_silence(Turn& turn);

/// The name of the timer of a silence rule begins so.
inline constexpr std::string_view kSilenceTimer = "silence/";
/// A timer of a silence rule fires: raises the episode, or sets itself for when it may be due.
void on_silence_timer(Turn& turn, const Timer& timer);

}  // namespace vitalog::processors::care
