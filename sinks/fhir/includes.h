#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "sinks/fhir/bundle.h"

namespace vitalog::sinks::fhir {

/// A reference that _include follows: the resources of type `target` that member `member` of a
/// `source` names. Where `name` is a search parameter of `source`, _revinclude follows it back.
struct IncludeSpec {
    std::string_view source;
    std::string_view name;
    std::string_view target;
    std::string_view member;
};
std::span<const IncludeSpec> include_specs();
/// True where _revinclude can follow it: a search by that name finds the sources.
bool followed_back(const IncludeSpec& spec);

/// The reference that "Source:name" or "Source:name:Target" names. Unsupported otherwise.
Result<const IncludeSpec*> parse_include(std::string_view parameter, std::string_view value);

/// Ids of the targets that the entries name, each once, in their order. Without those among the
/// entries.
std::vector<std::string> targets_of(const IncludeSpec& spec, const std::vector<Entry>& entries);

}  // namespace vitalog::sinks::fhir
