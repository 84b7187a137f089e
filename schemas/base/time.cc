#include "schemas/base/time.h"

#include <array>
#include <charconv>

namespace vitalog {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

/// Reads fixed-width digits and separators from the front of a text.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    bool digits(std::size_t count, int& value) {
        if (text_.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const char c = text_[i];
            if (c < '0' || c > '9') return false;
            value = value * 10 + (c - '0');
        }
        text_.remove_prefix(count);
        return true;
    }
    bool take(char c) {
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    bool take_any(std::string_view set) {
        if (text_.empty() || set.find(text_.front()) == std::string_view::npos) return false;
        text_.remove_prefix(1);
        return true;
    }
    char peek() const { return text_.empty() ? '\0' : text_.front(); }
    bool empty() const { return text_.empty(); }

  private:
    std::string_view text_;
};

tl::unexpected<Error> bad_time(std::string_view text) {
    return fail(Errc::Malformed, "'" + std::string(text) +
                                     "' is not an RFC 3339 time such as 2020-05-01T14:06:43+08:00");
}

bool read_fraction(Cursor& cursor, std::int64_t& micros) {
    std::int64_t unit = 100'000;
    int digit = 0;
    int count = 0;
    while (cursor.digits(1, digit)) {
        if (++count > 9) return false;
        micros += digit * unit;
        unit /= 10;
    }
    return count > 0;
}

bool read_offset(Cursor& cursor, std::int16_t& minutes) {
    if (cursor.take_any("Zz")) {
        minutes = 0;
        return true;
    }
    const bool negative = cursor.peek() == '-';
    if (!cursor.take_any("+-")) return false;
    int hours = 0;
    int mins = 0;
    if (!cursor.digits(2, hours) || !cursor.take(':') || !cursor.digits(2, mins)) return false;
    if (hours > 14 || mins > 59) return false;
    const int total = hours * 60 + mins;
    minutes = static_cast<std::int16_t>(negative ? -total : total);
    return true;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}

/// Room for the longest text: a year of five digits and its sign, clock, fraction and offset.
constexpr std::size_t kTimeTextMax = 40;

char* write_two(char* at, int value) {
    *at++ = static_cast<char>('0' + value / 10);
    *at++ = static_cast<char>('0' + value % 10);
    return at;
}

char* write_year(char* at, int year) {
    if (year < 0 || year > 9999) return std::to_chars(at, at + 8, year).ptr;
    return write_two(write_two(at, year / 100), year % 100);
}

char* write_clock(char* at, int second_of_day) {
    at = write_two(at, second_of_day / 3600);
    *at++ = ':';
    at = write_two(at, second_of_day / 60 % 60);
    *at++ = ':';
    return write_two(at, second_of_day % 60);
}

/// Nothing for zero, else a point and as many digits as are needed.
char* write_fraction(char* at, int micros) {
    if (micros == 0) return at;
    *at++ = '.';
    for (int unit = 100'000; micros != 0; unit /= 10) {
        *at++ = static_cast<char>('0' + micros / unit);
        micros %= unit;
    }
    return at;
}

char* write_offset(char* at, int minutes) {
    *at++ = minutes < 0 ? '-' : '+';
    const int magnitude = minutes < 0 ? -minutes : minutes;
    at = write_two(at, magnitude / 60);
    *at++ = ':';
    return write_two(at, magnitude % 60);
}

/// A local time as far as the precision goes, without offset.
char* write_local(char* at, std::int64_t local_micros, Precision precision) {
    const std::int64_t seconds = floor_div(local_micros, kMicrosPerSecond);
    const std::int64_t days = floor_div(seconds, kSecondsPerDay);
    const Date date = civil_from_days(days);
    at = write_year(at, date.year);
    if (precision == Precision::Year) return at;
    *at++ = '-';
    at = write_two(at, date.month);
    if (precision == Precision::Month) return at;
    *at++ = '-';
    at = write_two(at, date.day);
    if (precision == Precision::Day) return at;
    *at++ = 'T';
    at = write_clock(at, static_cast<int>(seconds - days * kSecondsPerDay));
    return write_fraction(at, static_cast<int>(local_micros - seconds * kMicrosPerSecond));
}

/// Two digits at `at`; beyond 99 when they are none.
int read_two(const char* at) {
    const auto high = static_cast<unsigned char>(at[0] - '0');
    const auto low = static_cast<unsigned char>(at[1] - '0');
    return high > 9 || low > 9 ? 1000 : high * 10 + low;
}

/// The form that we write most, "2020-05-01T14:06:43+08:00", read by place. nullopt: read it the
/// long way.
std::optional<ZonedTime> read_common_form(std::string_view text) {
    constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddsdd:dd";
    if (text.size() != kForm.size() || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || (text[19] != '+' && text[19] != '-') ||
        text[22] != ':')
        return std::nullopt;
    const char* const at = text.data();
    const int year = read_two(at) * 100 + read_two(at + 2);
    const int month = read_two(at + 5);
    const int day = read_two(at + 8);
    const int hour = read_two(at + 11);
    const int minute = read_two(at + 14);
    const int second = read_two(at + 17);
    const int offset_hours = read_two(at + 20);
    const int offset_rest = read_two(at + 23);
    const bool plain = year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
                       day <= 28 && hour < 24 && minute < 60 && second < 60 && offset_hours <= 14 &&
                       offset_rest < 60;
    if (!plain) return std::nullopt;
    const int magnitude = offset_hours * 60 + offset_rest;
    const int offset = text[19] == '-' ? -magnitude : magnitude;
    const std::int64_t days =
        days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
    const std::int64_t local = days * kSecondsPerDay + hour * 3600 + minute * 60 + second;
    return ZonedTime{EventTime((local - offset * 60) * kMicrosPerSecond),
                     static_cast<std::int16_t>(offset), Precision::Second};
}

}  // namespace

std::int64_t days_from_civil(int year, unsigned month, unsigned day) {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    year -= month <= 2;
    const int era = (year >= 0 ? year : year - 399) / 400;
    const unsigned yoe = static_cast<unsigned>(year - era * 400);
    const unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return static_cast<std::int64_t>(era) * 146'097 + static_cast<std::int64_t>(doe) - 719'468;
}

Date civil_from_days(std::int64_t days) {
    days += 719'468;
    const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
    const auto doe = static_cast<unsigned>(days - era * 146'097);
    const unsigned yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
    const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const unsigned mp = (5 * doy + 2) / 153;
    const unsigned month = mp < 10 ? mp + 3 : mp - 9;
    const auto year = static_cast<int>(yoe) + static_cast<int>(era) * 400 + (month <= 2 ? 1 : 0);
    return {static_cast<std::int16_t>(year), static_cast<std::uint8_t>(month),
            static_cast<std::uint8_t>(doy - (153 * mp + 2) / 5 + 1)};
}

bool is_valid_date(int year, unsigned month, unsigned day) {
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    const Date back = civil_from_days(days_from_civil(year, month, day));
    return back.year == year && back.month == month && back.day == day;
}

void append_to(std::string& out, const ZonedTime& time) {
    std::array<char, kTimeTextMax> text;
    const std::int64_t local =
        time.at.micros() + static_cast<std::int64_t>(time.offset_minutes) * 60 * kMicrosPerSecond;
    char* end = write_local(text.data(), local, time.precision);
    if (time.precision > Precision::Day) end = write_offset(end, time.offset_minutes);
    out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

std::string to_string(const ZonedTime& time) {
    std::string out;
    append_to(out, time);
    return out;
}

Result<ZonedTime> parse_zoned_time(std::string_view text) {
    if (const auto time = read_common_form(text)) return *time;
    Cursor cursor(text);
    ZonedTime time;
    int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    std::int64_t micros = 0;
    if (!cursor.digits(4, year) || year < 1) return bad_time(text);
    time.precision = Precision::Year;
    if (cursor.take('-')) {
        if (!cursor.digits(2, month)) return bad_time(text);
        time.precision = Precision::Month;
        if (cursor.take('-')) {
            if (!cursor.digits(2, day)) return bad_time(text);
            time.precision = Precision::Day;
            if (cursor.take_any("Tt ")) {
                if (!cursor.digits(2, hour) || !cursor.take(':') || !cursor.digits(2, minute))
                    return bad_time(text);
                time.precision = Precision::Minute;
                if (cursor.take(':')) {
                    if (!cursor.digits(2, second)) return bad_time(text);
                    time.precision = Precision::Second;
                    if (cursor.take('.')) {
                        if (!read_fraction(cursor, micros)) return bad_time(text);
                        time.precision = Precision::Fraction;
                    }
                }
                if (!read_offset(cursor, time.offset_minutes)) return bad_time(text);
            }
        }
    }
    const bool in_range =
        is_valid_date(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) &&
        hour < 24 && minute < 60 && second < 61;
    if (!cursor.empty() || !in_range) return bad_time(text);
    if (second == 60) second = 59;  // a leap second has no place in POSIX time
    const std::int64_t days =
        days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
    const std::int64_t local = days * kSecondsPerDay + hour * 3600 + minute * 60 + second;
    time.at = EventTime((local - time.offset_minutes * 60) * kMicrosPerSecond + micros);
    return time;
}

void append_rfc3339(std::string& out, std::int64_t micros_utc) {
    std::array<char, kTimeTextMax> text;
    char* end = write_local(text.data(), micros_utc, Precision::Fraction);
    *end++ = 'Z';
    out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

std::string to_rfc3339(std::int64_t micros_utc) {
    std::string out;
    append_rfc3339(out, micros_utc);
    return out;
}

Result<std::int64_t> parse_rfc3339(std::string_view text) {
    VITALOG_TRY(const ZonedTime time, parse_zoned_time(text));
    if (time.precision < Precision::Minute) return bad_time(text);
    return time.at.micros();
}

std::string to_string(const Date& date) {
    std::array<char, kTimeTextMax> text;
    char* end = write_year(text.data(), date.year);
    if (date.month != 0) {
        *end++ = '-';
        end = write_two(end, date.month);
    }
    if (date.month != 0 && date.day != 0) {
        *end++ = '-';
        end = write_two(end, date.day);
    }
    return {text.data(), static_cast<std::size_t>(end - text.data())};
}

Result<Date> parse_date(std::string_view text) {
    auto time = parse_zoned_time(text);
    if (!time || time->precision > Precision::Day)
        return fail(Errc::Malformed,
                    "'" + std::string(text) + "' is not a date such as 1980-12-31");
    Date date = civil_from_days(floor_div(time->at.micros(), kSecondsPerDay * kMicrosPerSecond));
    if (time->precision < Precision::Day) date.day = 0;
    if (time->precision < Precision::Month) date.month = 0;
    return date;
}

int age_years(const Date& birth, const ZonedTime& at) {
    const std::int64_t local =
        at.at.micros() + static_cast<std::int64_t>(at.offset_minutes) * 60 * kMicrosPerSecond;
    const Date today = civil_from_days(floor_div(local, kSecondsPerDay * kMicrosPerSecond));
    const int month = birth.month == 0 ? 1 : birth.month;
    const int day = birth.day == 0 ? 1 : birth.day;
    const bool had_birthday = today.month > month || (today.month == month && today.day >= day);
    return today.year - birth.year - (had_birthday ? 0 : 1);
}

namespace {
struct DurationUnit {
    std::string_view name;
    std::int64_t micros;
};
constexpr std::array<DurationUnit, 7> kDurationUnits{{{"w", 604'800'000'000},
                                                      {"d", 86'400'000'000},
                                                      {"h", 3'600'000'000},
                                                      {"m", 60'000'000},
                                                      {"s", 1'000'000},
                                                      {"ms", 1'000},
                                                      {"us", 1}}};
}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    if (error == std::errc() && number >= 0) {
        for (const auto& known : kDurationUnits) {
            if (unit == known.name && number <= INT64_MAX / known.micros)
                return std::chrono::microseconds(number * known.micros);
        }
    }
    return fail(Errc::Malformed,
                "'" + std::string(text) + "' is not a duration such as 500ms, 30s, 60m, 2h, 7d");
}

std::string to_string(std::chrono::microseconds duration) {
    if (duration.count() == 0) return "0s";
    for (const auto& unit : kDurationUnits) {
        if (duration.count() % unit.micros == 0)
            return std::to_string(duration.count() / unit.micros) + std::string(unit.name);
    }
    return "0s";
}

}  // namespace vitalog
