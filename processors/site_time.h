#pragma once

#include <cstdint>
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

}  // namespace vitalog::processors
