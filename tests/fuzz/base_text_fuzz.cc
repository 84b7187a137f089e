#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/base/base64.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "schemas/shift.h"

// Times, dates, durations, ids and base 64 in text: refused, or written again as something that
// reads the same.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto time = parse_zoned_time(text)) {
        const auto again = parse_zoned_time(to_string(*time));
        VITALOG_ASSERT(again && to_string(*again) == to_string(*time), "a time reads back");
    }
    if (const auto micros = parse_rfc3339(text)) {
        const auto again = parse_rfc3339(to_rfc3339(*micros));
        VITALOG_ASSERT(again && *again == *micros, "an instant reads back");
    }
    if (const auto date = parse_date(text)) {
        const auto again = parse_date(to_string(*date));
        VITALOG_ASSERT(again && *again == *date, "a date reads back");
    }
    if (const auto duration = parse_duration(text)) {
        const auto again = parse_duration(to_string(*duration));
        VITALOG_ASSERT(again && *again == *duration, "a duration reads back");
    }
    if (const auto bytes = base64_decode(text))
        VITALOG_ASSERT(base64_encode(*bytes) == text, "base 64 has one form");
    (void)RecordId::parse(text);
    if (const auto minutes = schemas::clock_minutes(text))
        VITALOG_ASSERT(*minutes >= 0 && *minutes <= 24 * 60, "a minute of a day");
    return 0;
}
