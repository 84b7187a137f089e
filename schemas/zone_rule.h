#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/time.h"

namespace vitalog::schemas {

/// What the clock on the wall of one zone shows, this year and every other: an offset from UTC, or
/// two of them with the days on which the clocks change. Pure: reads no zone files.
///
/// The text is the POSIX.1 form of TZ, as in the footer of a TZif file (RFC 9636, 3.3):
///
///     rule   = name offset [name [offset] "," change "," change]
///     offset = ["+" | "-"] h[h][":" mm[":" ss]]           positive is west of Greenwich
///     change = day ["/" offset]
///     day    = "M" month "." week "." weekday | "J" 1..365 | 0..365
///     name   = letters | "<" anything ">"
///
/// for example "CST-8" and "CET-1CEST,M3.5.0,M10.5.0/3",
/// or an offset of its own kind, "+08:00" (east is positive).
class ZoneRule {
  public:
    /// UTC.
    ZoneRule() = default;
    /// Malformed.
    static Result<ZoneRule> parse(std::string_view text);

    int offset_minutes_at(std::int64_t micros_utc) const;
    /// Days since 1970-01-01 on that wall.
    std::int64_t day_at(std::int64_t micros_utc) const;
    /// Minutes since midnight on that wall.
    int minute_at(std::int64_t micros_utc) const;
    /// When that wall shows this minute of this day: the first time where clocks are set back over
    /// it, the end of the gap where they skip it.
    std::int64_t instant_of(std::int64_t day, int minute) const;

  private:
    struct Change {
        enum class Kind : std::uint8_t { Weekday, Julian, DayOfYear };
        Kind kind = Kind::Weekday;
        int month = 0, week = 0, weekday = 0, day = 0;
        int seconds = 2 * 60 * 60;  ///< of the day, by the clock before the change
    };
    struct Reader;
    /// Seconds since 1970 on the wall before the change, of that year.
    static std::int64_t wall_of(const Change& change, int year);

    int standard_ = 0;  ///< seconds east of UTC, as the next
    int summer_ = 0;
    bool changes_ = false;
    Change begin_, end_;  ///< of summer time
};

/// Every zone by its IANA name: a control record of kind "zones", one "NAME RULE" a line. Zones
/// travel in the log so that processors, which read no files, count days alike wherever they run.
class Zones {
  public:
    /// Malformed, with the line.
    static Result<Zones> parse(std::string_view body);
    /// The zone of that name, of an offset such as "+08:00", or Asia/Shanghai, which is always
    /// known; nullopt: there is no such zone.
    std::optional<ZoneRule> find(std::string_view name) const;
    bool empty() const { return zones_.empty(); }

  private:
    std::map<std::string, ZoneRule, std::less<>> zones_;
};

}  // namespace vitalog::schemas
