#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vitalog::sinks::explain {

/// The lines of a rule in a rule pack, as a hospital wrote them: from its "- id:" to the next item,
/// without the indentation. Nothing where the pack has no such rule.
std::optional<std::string> rule_text(std::string_view pack, std::string_view rule);

}  // namespace vitalog::sinks::explain
