#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinks/views/database.h"
#include "sinks/views/query.h"

namespace vitalog::sinks::views {

struct TableInfo {
    std::string_view name;
    std::string_view id;       ///< column
    std::string_view columns;  ///< in the order in which the rows are read
    bool of_a_person = false;  ///< every row names one
    bool by_time = false;      ///< every row has `effective_us`
};
const TableInfo& info(Table table);
/// The hours of samples that are searched beside the observations.
extern const TableInfo kTelemetry;

/// A statement's text with its values.
class Sql {
  public:
    explicit Sql(sql::Dialect said_in) : dialect(said_in) {}

    sql::Dialect dialect;
    std::string text;
    std::vector<Value> values;

    void placeholder(const Value& value) {
        values.push_back(value);
        text += "?" + std::to_string(values.size());
    }
};

/// FROM and WHERE of a query, its cursor left aside.
Sql where(sql::Dialect dialect, const TableInfo& table, const Query& query);
/// The columns that order a query: its own, then id and person.
std::vector<Order> order_of(const TableInfo& table, const Query& query);
/// The rows of a page and one more: the table's columns, then those of the order. Malformed for a
/// cursor of another search.
Result<Sql> page_of(sql::Dialect dialect, const TableInfo& table, const Query& query);
/// The query for kTelemetry that asks what this one asks of observations; nothing where it can have
/// no answer there. Hours are found by searches that name a patient.
std::optional<Query> telemetry_query(const Query& query);

/// Binds the values; `held` keeps what they point into.
Result<void> bind_all(sql::Statement& statement, const std::vector<Value>& values,
                      std::vector<std::string>& held);

}  // namespace vitalog::sinks::views
