#pragma once

#include <string>
#include <string_view>

#include "schemas/base/ports.h"
#include "schemas/base/result.h"

namespace vitalog::sinks::fhir {

/// An OperationOutcome with one issue of severity error.
HttpResponse outcome(int status, std::string_view diagnostics);
/// The status an Error stands for: 400, 404, 403, 409, 413, 503 or 500.
int http_status(const Error& error);
/// 503 carries Retry-After.
HttpResponse outcome(const Error& error);
HttpResponse resource(std::string body);

}  // namespace vitalog::sinks::fhir
