#include "sinks/views/postgres_months.h"

#include <fmt/format.h>

#include <chrono>

namespace vitalog::sinks::sql {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int kFirstYear = 1990;
constexpr int kEndYear = 2100;
constexpr std::int64_t kHourMicros = 3'600'000'000;
/// Of pg_advisory_xact_lock: who holds it makes partitions.
constexpr std::int64_t kMakingLock = 0x7674'6c67'6d6f'6e74;

std::int64_t micros_of(const year_month_day& day) {
    return std::chrono::duration_cast<microseconds>(sys_days(day).time_since_epoch()).count();
}

}  // namespace

std::optional<PostgresMonths::Column> PostgresMonths::column_of(std::string_view table) {
    if (table == "observation") return Column{"effective_us", 1};
    if (table == "sample_hour") return Column{"hour", kHourMicros};
    return std::nullopt;
}

std::int64_t PostgresMonths::begin_of(int year) const {
    return micros_of(std::chrono::year(year) / 1 / 1) / unit_us_;
}

std::string PostgresMonths::ends() const {
    return fmt::format(
        "CREATE TABLE {0}_before PARTITION OF {0} FOR VALUES FROM (MINVALUE) TO ({1});"
        "CREATE TABLE {0}_after PARTITION OF {0} FOR VALUES FROM ({2}) TO (MAXVALUE);",
        table_, begin_of(kFirstYear), begin_of(kEndYear));
}

PostgresMonths::Month PostgresMonths::month_of(std::int64_t value) const {
    const auto day = std::chrono::floor<days>(
        std::chrono::sys_time<microseconds>(microseconds(value * unit_us_)));
    const year_month_day date(day);
    const year_month_day first = date.year() / date.month() / 1;
    const year_month_day next = first + std::chrono::months(1);
    return {micros_of(first) / unit_us_, micros_of(next) / unit_us_,
            fmt::format("{}_{:04}{:02}", table_, static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()))};
}

void PostgresMonths::expect(std::int64_t value) {
    if (value >= last_.from && value < last_.to) return;
    if (value < begin_of(kFirstYear) || value >= begin_of(kEndYear)) return;
    last_ = month_of(value);
    if (!known_.contains(last_.name)) wanted_.insert(last_.from);
}

Result<void> PostgresMonths::make(PostgresSession& session) {
    for (const std::int64_t value : wanted_) VITALOG_CHECK(make(session, month_of(value)));
    wanted_.clear();
    return {};
}

Result<void> PostgresMonths::make(PostgresSession& session, const Month& month) {
    // By a query of the catalogue: to_regclass() may remember that there was none.
    const std::string exists = "SELECT count(*) FROM pg_class WHERE relname='" + month.name +
                               "' AND relnamespace=to_regnamespace(current_schema())";
    VITALOG_TRY(std::int64_t there, session.ask(exists));
    if (there == 0) {
        VITALOG_CHECK(session.run(fmt::format("SELECT pg_advisory_xact_lock({})", kMakingLock)));
        VITALOG_TRY(there, session.ask(exists));
    }
    // Attaching leaves readers and writers of the table alone, which CREATE ... PARTITION OF would
    // not.
    if (there == 0)
        VITALOG_CHECK(session.run(
            fmt::format("CREATE TABLE {0} (LIKE {1} INCLUDING ALL);"
                        "ALTER TABLE {1} ATTACH PARTITION {0} FOR VALUES FROM ({2}) TO ({3})",
                        month.name, table_, month.from, month.to)));
    known_.insert(month.name);
    return {};
}

void PostgresMonths::forget() {
    last_ = Month();
    known_.clear();
    wanted_.clear();
}

}  // namespace vitalog::sinks::sql
