#pragma once

#include "sinks/effects/provider.h"
#include "sinks/http_client.h"

namespace vitalog::sinks {

/// What it means for a send that the provider's HTTP answer never came: not sent when the request
/// never left, else unknown.
SendOutcome without_answer(const HttpOutcome& outcome);

/// What it means for a send that an HTTP answer can't be read. A 4xx is a refusal by whatever
/// stands before the provider (429: to be tried later; 408: it may have passed); anything else may
/// hide a send. `what` is for the log: "an answer without a code".
SendOutcome unreadable_answer(int status, std::string_view what);

}  // namespace vitalog::sinks
