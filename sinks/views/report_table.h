#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "schemas/events/clinical.h"
#include "sinks/views/database.h"

namespace vitalog::sinks::views {

/// What the rows of one clinical event have in common. Ids are 16 bytes.
struct Placing {
    std::string person;
    std::string encounter;
    std::int64_t said_us = 0;
    std::int64_t at_us = 0;
    std::int64_t record = 0;
};

/// The rows of `report`, each read once in a transaction. Used by the store's thread.
class ReportTable {
  public:
    /// Whether a result is shown now, for reports that come late.
    using Shown = std::function<Result<bool>(const schemas::Observation&, const std::string& id)>;

    static Result<ReportTable> open(sql::Connection& connection);

    Result<void> add(const schemas::Report& report, const std::string& id, const Placing& placing,
                     const Shown& shown);
    /// Rows that add() will ask for, read at once by fetch(): for a database far away.
    void expect(const std::string& person, const std::string& id);
    Result<void> fetch();
    /// At the end of every transaction.
    void forget();

  private:
    /// What a report says so far, by its row or by what was written in this transaction.
    struct Known {
        std::string results;  ///< 16 bytes each
        std::optional<std::int64_t> said_us;
    };

    Result<Known*> known(const std::string& person, const std::string& id);
    Result<void> merge_results(const schemas::Report& report, const Placing& placing, Known& known,
                               const Shown& shown);

    std::unordered_map<std::string, Known> known_;  ///< by person and id
    std::set<std::pair<std::string, std::string>> expected_;
    sql::Statement load_, load_many_, save_;
};

}  // namespace vitalog::sinks::views
