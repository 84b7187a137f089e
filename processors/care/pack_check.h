#pragma once

#include <string_view>

#include "schemas/base/result.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

/// What a pack says of indices, against those that care computes. Configuration: "NAME:LINE: what
/// is wrong; what to write instead".
Result<void> check_indices(std::string_view name, const schemas::RulePack& pack);

}  // namespace vitalog::processors::care
