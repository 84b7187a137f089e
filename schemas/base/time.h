#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

namespace vitalog {

/// A point in time in microseconds since 1970-01-01T00:00:00Z. The tag keeps the kinds of time apart:
/// assigning one kind to another does not compile; `as<Other>()` says it out loud.
template <class Tag>
class Instant {
  public:
    constexpr Instant() = default;
    constexpr explicit Instant(std::int64_t micros) : micros_(micros) {}

    constexpr std::int64_t micros() const { return micros_; }
    constexpr std::int64_t millis() const {
        return micros_ >= 0 ? micros_ / 1000 : -((-micros_ + 999) / 1000);
    }
    static constexpr Instant from_millis(std::int64_t millis) { return Instant(millis * 1000); }
    template <class Other>
    constexpr Other as() const {
        return Other(micros_);
    }

    friend constexpr auto operator<=>(Instant, Instant) = default;
    friend constexpr Instant operator+(Instant at, std::chrono::microseconds by) {
        return Instant(at.micros_ + by.count());
    }
    friend constexpr Instant operator-(Instant at, std::chrono::microseconds by) {
        return Instant(at.micros_ - by.count());
    }
    friend constexpr std::chrono::microseconds operator-(Instant a, Instant b) {
        return std::chrono::microseconds(a.micros_ - b.micros_);
    }

  private:
    std::int64_t micros_ = 0;
};

using EventTime = Instant<struct EventTimeTag>;        ///< when it happened
using ReceivedTime = Instant<struct ReceivedTimeTag>;  ///< when the root feed record was received
using LogTime = Instant<struct LogTimeTag>;            ///< when the log took the record

/// How much of a time was said. A bare date is not midnight.
enum class Precision : std::uint8_t { Year, Month, Day, Minute, Second, Fraction };

/// An event time as it was said: the instant, the offset from UTC it was said in, and how precisely.
/// For Year, Month and Day the instant is the start of that period at the offset.
struct ZonedTime {
    EventTime at;
    std::int16_t offset_minutes = 0;
    Precision precision = Precision::Second;

    friend bool operator==(const ZonedTime&, const ZonedTime&) = default;
};

/// A calendar date without a zone, for birth dates. Month and day are 0 where they were not said.
struct Date {
    std::int16_t year = 0;
    std::uint8_t month = 0;
    std::uint8_t day = 0;

    friend auto operator<=>(const Date&, const Date&) = default;
};

/// RFC 3339 with offset ("2020-05-01T14:06:43+08:00"), or "2020", "2020-05", "2020-05-01" by precision. FHIR dateTime.
std::string to_string(const ZonedTime& time);
void append_to(std::string& out, const ZonedTime& time);
/// Reads what to_string writes, and any RFC 3339 time. Dates are taken at UTC. Malformed otherwise.
Result<ZonedTime> parse_zoned_time(std::string_view text);

/// RFC 3339 in UTC with "Z", fraction only where not zero.
std::string to_rfc3339(std::int64_t micros_utc);
void append_rfc3339(std::string& out, std::int64_t micros_utc);
template <class Tag>
std::string to_rfc3339(Instant<Tag> at) {
    return to_rfc3339(at.micros());
}
/// Microseconds since the epoch of an RFC 3339 time with zone. Malformed otherwise.
Result<std::int64_t> parse_rfc3339(std::string_view text);

/// "2020-05-01", "2020-05" or "2020".
std::string to_string(const Date& date);
Result<Date> parse_date(std::string_view text);

/// Whole years lived at `at` in the time's own offset; an unknown month or day counts as 1.
int age_years(const Date& birth, const ZonedTime& at);

/// Days since 1970-01-01 of a proleptic Gregorian date, and back.
std::int64_t days_from_civil(int year, unsigned month, unsigned day);
Date civil_from_days(std::int64_t days);
/// True for a date that exists in the calendar.
bool is_valid_date(int year, unsigned month, unsigned day);

/// Reads "60m", "2h", "30s", "500ms", "7d", "2w"; a bare number is refused. Malformed otherwise.
Result<std::chrono::microseconds> parse_duration(std::string_view text);
/// The shortest such text that is exact.
std::string to_string(std::chrono::microseconds duration);

}  // namespace vitalog
