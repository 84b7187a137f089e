#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog::ingest::wearable {

/// A time as a device states it: milliseconds since the epoch, and the zone it was said in.
struct DeviceTime {
    std::int64_t millis = 0;
    int offset_minutes = 0;
};

/// Milliseconds since the epoch of a whole number that counts seconds, milli-, micro- or
/// nanoseconds: which of them, its size tells (from 1e11, 1e14 and 1e17 on). Nothing for other
/// text.
std::optional<std::int64_t> epoch_millis(std::string_view digits);

/// "+0800", "+08:00" or "Z" in minutes. Nothing for other text.
std::optional<int> offset_of(std::string_view zone);

/// RFC 3339 with zone, or a number as epoch_millis() takes it. A bare date is no time. Malformed.
Result<DeviceTime> device_time(std::string_view text);

}  // namespace vitalog::ingest::wearable
