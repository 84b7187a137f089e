#include "ingest/hl7/time.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

namespace vitalog::ingest::hl7 {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::size_t kFractionDigitsMax =
    9;  // the standard has four; some systems send nanoseconds
// Outside these years the first and the last rule hold on.
constexpr int kFirstYear = 1850;
constexpr int kLastYear = 2200;

tl::unexpected<Error> bad_time(std::string_view text) {
    return fail(Errc::Malformed,
                "'" + std::string(text.substr(0, 40)) +
                    "' is not an HL7 time such as 20200501140643 or 202005011406+0800");
}

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int number(std::string_view digits, std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) value = value * 10 + (digits[i] - '0');
    return value;
}

/// The parts of a TS; what was not said has its least value.
struct Parts {
    int year = 0;
    int month = 1;
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    std::int64_t micros = 0;
    Precision precision = Precision::Year;
};

bool read_digits(std::string_view digits, Parts& parts) {
    if (!all_digits(digits)) return false;
    switch (digits.size()) {
        case 14:
            parts.second = number(digits, 12, 2);
            [[fallthrough]];
        case 12:
            parts.minute = number(digits, 10, 2);
            [[fallthrough]];
        case 10:
            parts.hour = number(digits, 8, 2);
            [[fallthrough]];
        case 8:
            parts.day = number(digits, 6, 2);
            [[fallthrough]];
        case 6:
            parts.month = number(digits, 4, 2);
            [[fallthrough]];
        case 4:
            parts.year = number(digits, 0, 4);
            break;
        default:
            return false;
    }
    constexpr std::array kBySize{Precision::Year,   Precision::Month,  Precision::Day,
                                 Precision::Minute, Precision::Minute, Precision::Second};
    parts.precision = kBySize[(digits.size() - 4) / 2];
    if (parts.second == 60) parts.second = 59;  // a leap second has no place in POSIX time
    return is_valid_date(parts.year, static_cast<unsigned>(parts.month),
                         static_cast<unsigned>(parts.day)) &&
           parts.hour < 24 && parts.minute < 60 && parts.second < 60;
}

bool read_fraction(std::string_view fraction, Parts& parts) {
    if (parts.precision != Precision::Second || fraction.empty() ||
        fraction.size() > kFractionDigitsMax || !all_digits(fraction))
        return false;
    std::int64_t unit = kMicros / 10;
    for (const char c : fraction) {
        parts.micros += (c - '0') * unit;
        unit /= 10;
    }
    parts.precision = Precision::Fraction;
    return true;
}

bool read_offset(std::string_view offset, std::int16_t& minutes) {
    if (offset.size() != 5 || !all_digits(offset.substr(1))) return false;
    const int hours = number(offset, 1, 2);
    const int rest = number(offset, 3, 2);
    if (hours > 14 || rest > 59) return false;
    const int total = hours * 60 + rest;
    minutes = static_cast<std::int16_t>(offset.front() == '-' ? -total : total);
    return true;
}

std::int64_t local_seconds(const Parts& parts) {
    return days_from_civil(parts.year, static_cast<unsigned>(parts.month),
                           static_cast<unsigned>(parts.day)) *
               kSecondsPerDay +
           parts.hour * 3600 + parts.minute * 60 + parts.second;
}

std::int64_t floor_seconds(EventTime at) {
    const std::int64_t micros = at.micros();
    return micros >= 0 ? micros / kMicros : -((-micros + kMicros - 1) / kMicros);
}

}  // namespace

Result<SiteZone> SiteZone::named(std::string_view iana_name) {
    auto table = std::make_shared<Table>();
    table->name = std::string(iana_name);
    try {
        const date::time_zone* zone = date::locate_zone(table->name);
        date::sys_seconds at = date::sys_days(date::year(kFirstYear) / 1 / 1);
        const date::sys_seconds end = date::sys_days(date::year(kLastYear) / 1 / 1);
        while (at < end) {
            const date::sys_info info = zone->get_info(at);
            const std::int64_t seconds = info.offset.count();
            // Local mean times of the 19th century are not whole minutes.
            const auto minutes =
                static_cast<std::int16_t>((seconds + (seconds < 0 ? -30 : 30)) / 60);
            const std::int64_t begin = at.time_since_epoch().count();
            const std::int16_t before =
                table->periods.empty() ? minutes : table->periods.back().offset_minutes;
            table->periods.push_back({begin, begin + 60 * std::max(before, minutes), minutes});
            if (info.end <= at) break;
            at = info.end;
        }
    } catch (const std::exception&) {  // thrown by the date library
        table->periods.clear();
    }
    if (table->periods.empty())
        return fail(Errc::Configuration,
                    "'" + table->name +
                        "' is not a time zone of this machine's tz database; use a name such "
                        "as Asia/Shanghai, or install tzdata");
    return SiteZone(std::move(table));
}

std::int16_t SiteZone::offset_at_local(std::int64_t local_seconds) const {
    const auto& periods = table_->periods;
    if (local_seconds >= periods.back().begin_local) return periods.back().offset_minutes;
    const auto after = std::upper_bound(
        periods.begin() + 1, periods.end(), local_seconds,
        [](std::int64_t seconds, const Period& period) { return seconds < period.begin_local; });
    return std::prev(after)->offset_minutes;
}

std::int16_t SiteZone::offset_at(EventTime at) const {
    const auto& periods = table_->periods;
    const auto after = std::upper_bound(
        periods.begin() + 1, periods.end(), floor_seconds(at),
        [](std::int64_t seconds, const Period& period) { return seconds < period.begin_utc; });
    return std::prev(after)->offset_minutes;
}

Result<ZonedTime> parse_time(std::string_view text, const SiteZone& zone) {
    const std::size_t sign = text.find_first_of("+-");
    const std::string_view said = text.substr(0, sign);
    const std::size_t point = said.find('.');
    Parts parts;
    if (!read_digits(said.substr(0, point), parts)) return bad_time(text);
    if (point != std::string_view::npos && !read_fraction(said.substr(point + 1), parts))
        return bad_time(text);
    const std::int64_t local = local_seconds(parts);
    ZonedTime time;
    time.precision = parts.precision;
    if (sign == std::string_view::npos) {
        time.offset_minutes = zone.offset_at_local(local);
    } else if (!read_offset(text.substr(sign), time.offset_minutes)) {
        return bad_time(text);
    }
    time.at = EventTime((local - time.offset_minutes * 60) * kMicros + parts.micros);
    return time;
}

Result<Date> parse_date(std::string_view text) {
    std::string_view digits = text.substr(0, text.find_first_of("+-."));
    Parts parts;
    if (!read_digits(digits, parts))
        return fail(Errc::Malformed, "'" + std::string(text.substr(0, 40)) +
                                         "' is not an HL7 date such as 19890118");
    Date date{static_cast<std::int16_t>(parts.year), 0, 0};
    if (parts.precision >= Precision::Month) date.month = static_cast<std::uint8_t>(parts.month);
    if (parts.precision >= Precision::Day) date.day = static_cast<std::uint8_t>(parts.day);
    return date;
}

std::string format_time(EventTime at, const SiteZone& zone) {
    const int offset = zone.offset_at(at);
    const std::int64_t local = floor_seconds(at) + offset * 60;
    const std::int64_t days =
        local >= 0 ? local / kSecondsPerDay : -((-local + kSecondsPerDay - 1) / kSecondsPerDay);
    const auto second = static_cast<int>(local - days * kSecondsPerDay);
    const Date date = civil_from_days(days);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d%02d%02d%02d%02d%02d%c%02d%02d", date.year,
                  date.month, date.day, second / 3600, second / 60 % 60, second % 60,
                  offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
    return text.data();
}

}  // namespace vitalog::ingest::hl7
