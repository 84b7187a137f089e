#pragma once

#include <string>
#include <string_view>

#include "schemas/base/ports.h"
#include "schemas/base/result.h"

namespace vitalog::sinks::fhir {

inline constexpr std::string_view kFhirJson = "application/fhir+json";

/// FHIR R4 issue-type for an HTTP status.
std::string_view issue_type(int status);
/// An OperationOutcome with one issue of severity error.
HttpResponse outcome(int status, std::string_view diagnostics);
/// The status an Error stands for: 400, 404, 403, 409, 413, 503 or 500.
int http_status(const Error& error);
/// 503 carries Retry-After.
HttpResponse outcome(const Error& error);
HttpResponse resource(std::string body);

}  // namespace vitalog::sinks::fhir
