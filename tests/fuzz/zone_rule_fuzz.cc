#include <cstdint>
#include <string_view>

#include "schemas/zone_rule.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vitalog;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)schemas::Zones::parse(text);
    const auto rule = schemas::ZoneRule::parse(text);
    if (!rule) return 0;
    constexpr std::int64_t kQuarter = 900'000'000;
    const std::int64_t begin = days_from_civil(2027, 12, 1) * 86'400'000'000;
    for (std::int64_t at = begin; at < begin + 100 * 96 * kQuarter; at += 7 * kQuarter) {
        const int offset = rule->offset_minutes_at(at);
        VITALOG_ASSERT(offset >= -26 * 60 && offset <= 26 * 60, "an offset is about a day at most");
        const std::int64_t day = rule->day_at(at);
        const int minute = rule->minute_at(at);
        VITALOG_ASSERT(minute >= 0 && minute < 24 * 60, "a minute of a day");
        (void)rule->instant_of(day, minute);
    }
    return 0;
}
