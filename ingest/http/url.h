#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::ingest {

/// Resolves %XX (RFC 3986). `plus_is_space` as in application/x-www-form-urlencoded queries.
/// Malformed: a broken escape, or an escaped NUL.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

using QueryItems = std::vector<std::pair<std::string, std::string>>;
/// Reads "a=1&b=&c": decoded, in order, empty pieces skipped. TooLarge beyond kMaxQueryItems.
inline constexpr std::size_t kMaxQueryItems = 1'000;
Result<QueryItems> parse_query(std::string_view query);

/// A request target taken apart. Segments are split before they are decoded, so that an escaped
/// slash stays inside its segment.
struct Target {
    std::string path;  ///< decoded
    std::vector<std::string> segments;
    QueryItems query;
};
/// Reads origin-form ("/a/b?c") and absolute-form ("http://host/a/b?c"). Malformed otherwise.
Result<Target> parse_target(std::string_view target);

}  // namespace vitalog::ingest
