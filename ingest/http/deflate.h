#pragma once

#include <string>
#include <string_view>

namespace vitalog::ingest {

/// Packs with gzip (RFC 1952), for speed rather than size.
std::string gzip(std::string_view plain);

}  // namespace vitalog::ingest
