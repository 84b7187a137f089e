#pragma once

#include <span>
#include <string>
#include <string_view>

#include "schemas/base/result.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

/// The bands that an index gives; empty: care computes no such index.
std::span<const std::string_view> bands_of(std::string_view index);

/// What a rule, or one of its conditions, says of an index that can't be, and what to write
/// instead; empty: nothing. Such a rule would never fire.
std::string index_fault(const schemas::Rule& rule);

/// What the stage asks of a pack that takes force. A band of another index passes: packs with such
/// a rule were published before index_fault() was asked, and the rules beside it must stay in force
/// wherever the log is read again. Configuration: "NAME:LINE: what is wrong; what to write
/// instead".
Result<void> check_indices(std::string_view name, const schemas::RulePack& pack);

}  // namespace vitalog::processors::care
