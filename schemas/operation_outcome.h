#pragma once

#include <string>
#include <string_view>

namespace vitalog::schemas {

inline constexpr std::string_view kFhirJson = "application/fhir+json";

/// A FHIR R4 OperationOutcome with one issue of severity error; its issue-type is that of the HTTP
/// status (http://hl7.org/fhir/R4/valueset-issue-type.html).
std::string operation_outcome(int status, std::string_view diagnostics);

}  // namespace vitalog::schemas
