#pragma once

#include <string_view>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::ingest {

/// The JSON objects of a feed record: one object, an array of objects, or one object per line
/// (NDJSON). Views into `text`. Malformed when it is none of these; what is inside the objects is
/// not checked.
Result<std::vector<std::string_view>> json_items(std::string_view text);

}  // namespace vitalog::ingest
