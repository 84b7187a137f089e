#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/result.h"
#include "schemas/events/directory.h"

namespace vitalog::schemas {

/// Minutes since midnight of "08:30"; "24:00" is the end of the day. Nothing for other text.
std::optional<int> clock_minutes(std::string_view text);

/// A shift of a roster, checked.
struct Shift {
    int from = 0;           ///< minutes since midnight
    int to = 0;             ///< not held; at or before `from`: of the next day
    std::uint8_t days = 0;  ///< bit 0 Monday to bit 6 Sunday, of the day on which it begins
    std::string doctor;
    std::string group;

    /// Malformed: names the member, and what to write instead.
    static Result<Shift> of(const TeamShift& shift);
    /// Whether it holds that minute of that weekday (0 Monday to 6 Sunday).
    bool holds(int weekday, int minute) const;
};

inline constexpr std::size_t kShiftsMax = 128;  ///< of one team

}  // namespace vitalog::schemas
