#pragma once

#include "processors/care/turn.h"
#include "processors/processor.h"

namespace vitalog::processors::care {

// Silence is found by a timer of the person that looks at the last sample when it fires; samples do
// not touch it (law 9). It is set when something begins that should be heard, and sets itself as
// long as that goes on.

/// Sets the timers that a rule in force wants and that are not set; ends episodes of silence where
/// nothing should be heard any more. Called at the end of every record.
void watch_for_silence(Turn& turn);

/// The name of the timer of a silence rule begins so.
inline constexpr std::string_view kSilenceTimer = "silence/";
/// A timer of a silence rule fires: raises the episode, or sets itself for when it may be due.
void on_silence_timer(Turn& turn, const Timer& timer);

}  // namespace vitalog::processors::care
