#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sinks/views/postgres_session.h"

namespace vitalog::sinks::sql {

/// The partitions of a table by month (UTC) of a column that counts some unit since 1970. Months
/// are made when their first row comes; what lies before 1990 or from 2100 on, mostly mistaken
/// dates, shares one partition at either end.
class PostgresMonths {
  public:
    PostgresMonths(std::string table, std::int64_t unit_us)
        : table_(std::move(table)), unit_us_(unit_us) {}

    struct Column {
        std::string_view name;
        std::int64_t unit_us;
    };
    /// By what a table is partitioned; nothing for the others.
    static std::optional<Column> column_of(std::string_view table);

    /// Statements that make the partitions at the ends.
    std::string ends() const;
    /// A row with this value will come.
    void expect(std::int64_t value);
    /// Makes what expected rows lack. Waits while another writer makes some.
    Result<void> make(PostgresSession& session);
    /// After a rollback.
    void forget();

  private:
    struct Month {
        std::int64_t from = 0, to = 0;  ///< in units
        std::string name;               ///< of the partition
    };
    Month month_of(std::int64_t value) const;
    std::int64_t begin_of(int year) const;
    Result<void> make(PostgresSession& session, const Month& month);

    std::string table_;
    std::int64_t unit_us_;
    Month last_;
    std::set<std::string> known_;
    std::set<std::int64_t> wanted_;  ///< a value of each month
};

}  // namespace vitalog::sinks::sql
