#pragma once

#include <string>
#include <string_view>

namespace vitalog::sinks::fhir {

/// The CapabilityStatement: what the resource specs say, nothing beyond.
std::string capability_statement(std::string_view version, std::string_view base_url,
                                 std::string_view now);

}  // namespace vitalog::sinks::fhir
