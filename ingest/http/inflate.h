#pragma once

#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::ingest {

/// Unpacks gzip (RFC 1952), several members included. Errors: Malformed for bytes that are not
/// whole gzip, TooLarge when more than `limit` bytes come out.
Result<std::string> gunzip(std::string_view packed, std::size_t limit);

}  // namespace vitalog::ingest
