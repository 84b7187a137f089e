#pragma once

#include <string>

#include "schemas/base/result.h"

namespace vitalog::topology {

/// Every zone of the machine's tzdata, as a control record of kind "zones" carries it: "NAME RULE"
/// a line, sorted. A rule is the footer of the zone's file: what holds from now on. Configuration
/// when tzdata is not installed.
Result<std::string> zones_body();

}  // namespace vitalog::topology
