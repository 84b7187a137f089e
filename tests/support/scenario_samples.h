#pragma once

#include <string>

#include "schemas/base/result.h"
#include "tests/support/scenario_script.h"

namespace vitalog::tests {

/// The account that a `samples` line is about: `account=`, or the patient's identifier.
std::string account_of(const Line& line);

/// Open mHealth data points as the words of a `samples` line say: one measure with its values, one
/// after the other (`saturation=87,88 every=10s from=08:00`; without `from` the last is of the
/// line's time). Malformed: the line names no measure or has a word that can't be read.
Result<std::string> data_points(const Line& line);

}  // namespace vitalog::tests
