#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "schemas/events/clinical.h"
#include "sinks/views/database.h"
#include "sinks/views/source.h"

namespace vitalog::sinks::views {

/// Who persons are: the rows of `person`, each read and written once in a transaction. Ids are 16
/// bytes. Used by the store's thread.
class PersonTable {
  public:
    static Result<PersonTable> open(sql::Connection& connection);

    /// A record speaks of the person. Who was never described comes from the first record, whatever
    /// partition is read first.
    Result<void> seen(const std::string& person, const Source& source);
    /// A message of `said_us` describes them: newer words win, older ones fill gaps.
    Result<void> describe(const std::string& person, const schemas::Patient& patient,
                          std::int64_t said_us, const Source& source);
    Result<void> assign(const std::string& person, std::string_view team, const Source& source);

    /// Rows that the others will ask for, read at once by fetch(): for a database far away.
    void expect(const std::string& person) { expected_.insert(person); }
    Result<void> fetch();

    /// Writes what has changed. Before every commit.
    Result<void> finish();
    /// After a rollback.
    void forget();

  private:
    static constexpr std::size_t kColumns = 9;  // of what is said: kSaid in person_table.cc
    struct Row {
        std::array<std::string, kColumns> said;
        std::string team;
        std::optional<std::int64_t> said_us;
        std::int64_t updated_us = 0;
        std::int64_t record = 0;
        bool known = false;
        bool changed = false;
    };

    Result<Row*> row(const std::string& person);
    static Row read(const sql::Statement& statement, int column);
    static void see(Row& row, const Source& source);

    sql::Statement load_, load_many_, save_;
    std::map<std::string, Row> rows_;  ///< of the transaction
    std::set<std::string> expected_;
};

}  // namespace vitalog::sinks::views
