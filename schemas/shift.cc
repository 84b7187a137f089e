#include "schemas/shift.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace vitalog::schemas {
namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::uint8_t kEveryDay = 0x7f;
constexpr int kDayMinutes = 24 * 60;

Result<int> clock_of(std::string_view member, std::string_view text) {
    const auto minutes = clock_minutes(text);
    if (minutes) return *minutes;
    return fail(Errc::Malformed, "member 'shifts." + std::string(member) +
                                     "' must be a time such as \"08:00\", not '" +
                                     std::string(text) + "'");
}

Result<std::uint8_t> days_of(const std::vector<std::string_view>& names) {
    if (names.empty()) return kEveryDay;
    std::uint8_t days = 0;
    for (const auto name : names) {
        const auto* const found = std::find(kDays.begin(), kDays.end(), name);
        if (found == kDays.end())
            return fail(
                Errc::Malformed,
                "member 'shifts.days' may hold mon, tue, wed, thu, fri, sat and sun, not '" +
                    std::string(name) + "'");
        days = static_cast<std::uint8_t>(days | 1U << (found - kDays.begin()));
    }
    return days;
}

bool has(std::uint8_t days, int weekday) {
    return (days >> weekday & 1) != 0;
}

}  // namespace

std::optional<int> clock_minutes(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    int hours = 0;
    int minutes = 0;
    for (const auto& [digits, number] :
         {std::pair(text.substr(0, 2), &hours), std::pair(text.substr(3), &minutes)}) {
        const auto [rest, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), *number);
        if (error != std::errc() || rest != digits.data() + digits.size() || *number < 0)
            return std::nullopt;
    }
    const bool good = minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0));
    return good ? std::optional(hours * 60 + minutes) : std::nullopt;
}

Result<Shift> Shift::of(const TeamShift& said) {
    Shift shift;
    VITALOG_TRY(shift.from, clock_of("from", said.from));
    VITALOG_TRY(shift.to, clock_of("to", said.to));
    if (shift.from == kDayMinutes)
        return fail(Errc::Malformed, "member 'shifts.from' begins a day: write \"00:00\"");
    VITALOG_TRY(shift.days, days_of(said.days));
    if (said.doctor.empty() && said.group.empty())
        return fail(Errc::Missing, "a shift must name a 'doctor' or a 'group'");
    shift.doctor = said.doctor;
    shift.group = said.group;
    return shift;
}

bool Shift::holds(int weekday, int minute) const {
    if (from < to) return has(days, weekday) && minute >= from && minute < to;
    const int yesterday = (weekday + 6) % 7;
    return (has(days, weekday) && minute >= from) || (has(days, yesterday) && minute < to);
}

}  // namespace vitalog::schemas
