#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/base/time.h"

namespace vitalog::ingest::hl7 {

/// The rules of one IANA time zone, read once from the system's tz database. Immutable and cheap to
/// copy: any thread.
class SiteZone {
  public:
    /// Configuration when the zone does not exist on this machine.
    static Result<SiteZone> named(std::string_view iana_name);

    const std::string& name() const { return table_->name; }
    /// Minutes east of UTC at a wall clock time, in seconds since 1970-01-01T00:00:00 on that
    /// clock. A time that the clocks passed twice is the first, one that they skipped is read with
    /// the offset before the gap.
    std::int16_t offset_at_local(std::int64_t local_seconds) const;
    std::int16_t offset_at(EventTime at) const;

  private:
    struct Period {
        std::int64_t begin_utc;  // seconds
        std::int64_t
            begin_local;  // seconds; the first wall clock time that is read with this offset
        std::int16_t offset_minutes;
    };
    struct Table {
        std::string name;
        std::vector<Period> periods;
    };
    explicit SiteZone(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

    std::shared_ptr<const Table> table_;  // shared: copies are handed to every worker
};

/// Reads TS/DTM: YYYY[MM[DD[HH[MM[SS[.S...]]]]]][+/-ZZZZ]. Without an offset the time is the
/// site's. What was not said is not made up: a bare date has Precision::Day; an hour without
/// minutes is taken as minute 0. Malformed otherwise; null and empty too, so ask before.
Result<ZonedTime> parse_time(std::string_view text, const SiteZone& zone);

/// The calendar date of a TS/DTM, whatever follows it: a birth date sent as 19890118000000 is a
/// date. Malformed otherwise.
Result<Date> parse_date(std::string_view text);

/// YYYYMMDDHHMMSS+ZZZZ, for MSH-7.
std::string format_time(EventTime at, const SiteZone& zone);

}  // namespace vitalog::ingest::hl7
