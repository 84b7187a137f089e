#pragma once

#include <string>

#include "sinks/views/rows.h"

namespace vitalog::sinks::fhir {

/// An Observation that says what the samples of one source in one hour came to: count, minimum,
/// maximum, average, first and last value, and the sum of those that cover spans, as components.
/// The samples themselves are read at /series.
std::string to_telemetry(const views::ObservationRow& row);

}  // namespace vitalog::sinks::fhir
