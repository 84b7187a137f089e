#pragma once

#include "processors/care/conditions.h"

namespace vitalog::processors::care {

/// Judges a rule of kind sequence as of a moment: its last condition by the newest value, and
/// before that, back to `within` before it, each other condition at its latest moment before the
/// one that follows it. Other values may lie between. Cleared when the last condition is. Of
/// devices' samples that are kept as buckets alone a threshold counts as met in a bucket whose
/// smallest or largest value meets it, and that lies as a whole before what follows.
Evaluation evaluate_sequence(const Turn& turn, const schemas::Rule& rule, EventTime as_of);

}  // namespace vitalog::processors::care
