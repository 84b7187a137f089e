#pragma once

#include <span>
#include <vector>

#include "processors/care/indices.h"
#include "processors/care/turn.h"

namespace vitalog::processors::care {

/// Computes the indices that the changed results touch, whatever the rules: what is new or says
/// something else. Brings `touched` into the order of time.
std::vector<Judged> compute_indices(Turn& turn, std::vector<Touched>& touched, Occasion occasion);

/// Judges the changed results, and what compute_indices() gave of them, by the rules: episodes.
void judge_results(Turn& turn, std::span<const Touched> touched, Occasion occasion,
                   std::span<const Judged> judged);

}  // namespace vitalog::processors::care
