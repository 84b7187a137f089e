#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sinks/views/database.h"
#include "sinks/views/postgres_months.h"
#include "sinks/views/postgres_session.h"

namespace vitalog::sinks::sql {

/// Text that PostgreSQL takes: without NUL characters, in UTF-8. What is neither is replaced by
/// U+FFFD.
std::string postgres_text(std::string_view text);
/// Bytes as a bytea is written: \x and hexadecimal digits.
std::string postgres_bytes(std::string_view bytes);

/// Rows of one upsert that wait to be written: COPY into a temporary table, then one INSERT ...
/// SELECT ... ON CONFLICT that follows the upsert's rule. A key that comes again waits for a round
/// of its own, since one statement takes a row once.
class PostgresStage {
  public:
    /// `name`: of the temporary table.
    PostgresStage(Upsert upsert, std::string name);

    Result<void> create(PostgresSession& session) const;

    std::size_t columns() const { return cells_.size(); }
    /// The value of a column in the row in hand, as PostgreSQL writes it; null where it is none.
    void set(std::size_t column, std::optional<std::string_view> value);
    /// The row's key, and what of it comes first.
    std::string key() const;
    std::string_view first() const { return cells_[key_.front()].value; }
    std::string_view cell(std::size_t column) const { return cells_[column].value; }
    std::optional<std::size_t> index_of(std::string_view column) const;

    bool holds(const std::string& key) const { return rounds_.contains(key); }
    void add(std::string key);
    Result<void> write(PostgresSession& session);
    /// After a rollback.
    void forget();

  private:
    struct Cell {
        std::string value;
        bool null = true;
    };

    Upsert upsert_;
    std::string name_;
    std::vector<std::string> names_;  ///< of the columns
    std::vector<std::size_t> key_;    ///< columns
    std::vector<Cell> cells_;
    std::string rows_;                                      ///< as COPY takes them
    std::unordered_map<std::string, std::int64_t> rounds_;  ///< the last of each key
    std::int64_t first_round_ = 0;
    std::int64_t next_round_ = 0;
};

/// The stages of one table, and which of its keys wait in any.
class PostgresStagedTable {
  public:
    explicit PostgresStagedTable(const std::string& table);

    PostgresStage& add_stage(const Upsert& upsert);
    /// Takes in the row that `stage` has in hand. Rows of one key that came by another upsert are
    /// written before it.
    Result<void> take(PostgresStage& stage, PostgresSession& session);
    /// Writes what waits, where a statement with these first values of the key may see it.
    Result<void> settle(const std::vector<std::string>& key, PostgresSession& session);
    Result<void> write(PostgresSession& session);
    void forget();

  private:
    std::string table_;
    std::size_t key_size_ = 0;
    std::optional<PostgresMonths> months_;
    std::vector<std::unique_ptr<PostgresStage>> stages_;
    std::unordered_set<std::string> firsts_;  ///< first values of the keys that wait
};

}  // namespace vitalog::sinks::sql
