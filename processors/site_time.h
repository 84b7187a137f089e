#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "schemas/base/time.h"

namespace vitalog::processors {

/// Minutes east of UTC by which a site's days are counted: an IANA name of a zone that keeps one
/// offset all year, or "+08:00". Zones with summer time, and unknown ones, count days at UTC: a
/// processor reads no zone files, and a daily limit only needs the same day everywhere.
int site_offset_minutes(std::string_view zone);

/// The site's day, in days since 1970-01-01, and when the next one begins.
std::int64_t site_day(ReceivedTime at, int offset_minutes);
ReceivedTime next_site_day(ReceivedTime at, int offset_minutes);

/// Minutes since midnight of "08:30"; "24:00" is the end of the day. Nothing for other text.
std::optional<int> clock_minutes(std::string_view text);

/// What clock and calendar on the wall say.
struct WallTime {
    int weekday = 0;  ///< 0 Monday to 6 Sunday
    int minute = 0;   ///< since midnight
};
WallTime wall_time(ReceivedTime at, int offset_minutes);
/// Whether the minute lies in [from, to). A span whose end is not after its beginning goes on past
/// midnight; one with `from` equal to `to` is the whole day.
bool within_span(int minute, int from, int to);

}  // namespace vitalog::processors
