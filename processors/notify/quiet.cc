#include "processors/notify/quiet.h"

#include "schemas/shift.h"

namespace vitalog::processors {

std::optional<ReceivedTime> quiet_until(const schemas::ZoneRule& zone, std::string_view from,
                                        std::string_view to, ReceivedTime now) {
    const auto begin = schemas::clock_minutes(from);
    const auto end = schemas::clock_minutes(to);
    if (!begin || !end || *begin == *end) return std::nullopt;
    const int minute = zone.minute_at(now.micros());
    const bool over_midnight = *end < *begin;
    const bool evening = minute >= *begin && (over_midnight || minute < *end);
    const bool morning = over_midnight && minute < *end;
    if (!evening && !morning) return std::nullopt;
    const std::int64_t day = zone.day_at(now.micros()) + (evening && over_midnight ? 1 : 0);
    const ReceivedTime until(zone.instant_of(day, *end));
    return until > now ? std::optional(until) : std::nullopt;
}

}  // namespace vitalog::processors
