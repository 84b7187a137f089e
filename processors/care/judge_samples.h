#pragma once

#include <span>

#include "processors/care/samples.h"

namespace vitalog::processors::care {

/// Judges what the record's samples brought: durations run on from record to record; windows,
/// trends, changes and combinations are judged once, as of the newest sample. An open episode gets
/// a further value when it changes it, else at most every kFactEvery of event time.
void judge_samples(Turn& turn, std::span<const Arrival> arrivals);

inline constexpr auto kFactEvery = std::chrono::minutes(10);

}  // namespace vitalog::processors::care
