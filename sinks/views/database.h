#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/result.h"

// What the views need of a database. Which rows change, and how, is said once, in SQL that SQLite
// and PostgreSQL read alike; a driver (sqlite.cc, postgres.cc) says how its database takes them.
// For files of sinks/views only.

namespace vitalog::sinks::sql {

/// Bytes, as opposed to text. Borrowed. Empty binds NULL, as empty text does.
struct Blob {
    std::string_view bytes;
};
struct Null {};
/// What a column of a row holds. A real number counts as one.
enum class Kind : std::uint8_t { Nothing, Number, Text, Blob };

/// Where the two have no words in common.
enum class Dialect : std::uint8_t { Sqlite, Postgres };

/// Inserts rows, each value bound in the order of `columns`. Where the key is there already, `rule`
/// follows ("UPDATE SET ... WHERE ...", with `excluded` for the new row and the table's name for
/// the old one); "NOTHING" keeps the old row. A driver may hold rows back until the table is read,
/// changed by another statement, or committed; rows of one key are taken in the order they came.
struct Upsert {
    std::string table;
    std::string columns;  ///< separated by commas
    std::string key;      ///< some of them
    std::string rule;
};

/// What a statement reads or changes of a table that upserts write: `keys` says how many of its
/// first parameters are the first columns of the upserts' key, so that only rows in question have
/// to be there before it runs.
struct Touches {
    std::string table;
    std::size_t keys = 0;
};

/// The driver's side of a Statement. Columns count from 0, parameters from 1.
class StatementDriver {
  public:
    virtual ~StatementDriver() = default;
    virtual void bind(int index, std::string_view text) = 0;
    virtual void bind(int index, Blob blob) = 0;
    virtual void bind(int index, std::int64_t number) = 0;
    virtual void bind(int index, double number) = 0;
    virtual void bind(int index, Null) = 0;
    virtual Result<bool> next() = 0;
    virtual void reset() = 0;
    virtual int columns() const = 0;
    virtual std::string_view text(int column) const = 0;
    virtual std::string_view blob(int column) const = 0;
    virtual std::int64_t integer(int column) const = 0;
    virtual double real(int column) const = 0;
    virtual Kind kind(int column) const = 0;
};

/// A prepared statement, used by one thread, of a connection that lives longer. Bound views must
/// live until the statement is reset.
class Statement {
  public:
    Statement() = default;
    explicit Statement(std::unique_ptr<StatementDriver> driver) : driver_(std::move(driver)) {}

    /// Starts anew with these values for ?1, ?2, ...
    template <class... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        (bind_one(++index, values), ...);
        return *this;
    }
    /// Binds and runs to the end. Io, Damaged.
    template <class... Values>
    Result<void> run(const Values&... values) {
        bind(values...);
        return finish();
    }
    /// Empty text binds NULL.
    void bind_one(int index, std::string_view text) {
        if (text.empty()) return driver_->bind(index, Null{});
        driver_->bind(index, text);
    }
    void bind_one(int index, const std::string& text) { bind_one(index, std::string_view(text)); }
    void bind_one(int index, const char* text) { bind_one(index, std::string_view(text)); }
    void bind_one(int index, Blob blob) {
        if (blob.bytes.empty()) return driver_->bind(index, Null{});
        driver_->bind(index, blob);
    }
    void bind_one(int index, std::int64_t number) { driver_->bind(index, number); }
    void bind_one(int index, int number) { bind_one(index, static_cast<std::int64_t>(number)); }
    void bind_one(int index, bool flag) { bind_one(index, static_cast<std::int64_t>(flag)); }
    void bind_one(int index, double number) { driver_->bind(index, number); }
    void bind_one(int index, Null null) { driver_->bind(index, null); }
    template <class T>
    void bind_one(int index, const std::optional<T>& value) {
        if (value)
            bind_one(index, *value);
        else
            bind_one(index, Null{});
    }

    /// True when there is a row. After false or an Error the statement is reset.
    Result<bool> next() { return driver_->next(); }
    void reset() { driver_->reset(); }

    int columns() const { return driver_->columns(); }
    std::string_view text(int column) const { return driver_->text(column); }
    std::string_view blob(int column) const { return driver_->blob(column); }
    std::int64_t integer(int column) const { return driver_->integer(column); }
    double real(int column) const { return driver_->real(column); }
    bool is_null(int column) const { return kind(column) == Kind::Nothing; }
    Kind kind(int column) const { return driver_->kind(column); }
    std::optional<std::int64_t> maybe_integer(int column) const;
    std::optional<double> maybe_real(int column) const;
    std::string string(int column) const { return std::string(text(column)); }

  private:
    Result<void> finish();

    std::unique_ptr<StatementDriver> driver_;
};

enum class Mode : std::uint8_t { Write, Read };
/// Those that are read and followed, or those that a rebuild fills beside them.
enum class Tables : std::uint8_t { Live, Next };

/// One connection, used by one thread at a time. Errors: Io, Damaged; Busy where trying again may
/// help.
class Connection {
  public:
    virtual ~Connection() = default;

    virtual Dialect dialect() const = 0;
    /// Runs statements that give no rows.
    virtual Result<void> execute(const std::string& statements) = 0;
    /// Parameters are written ?1, ?2, ...
    virtual Result<Statement> prepare(std::string_view text, Touches touches = {}) = 0;
    virtual Result<Statement> prepare(const Upsert& upsert) = 0;

    /// A reader's transaction sees one committed state. A writer's commit() returns before its rows
    /// are on disk; sync() waits until all that were committed are.
    virtual Result<void> begin() = 0;
    virtual Result<void> commit() = 0;
    virtual void rollback() = 0;
    virtual Result<void> sync() = 0;
    /// A server: every statement is a way there and back, and others write to it as well.
    virtual bool remote() const = 0;

    // Several writers share the tables of a server. A row belongs to the partition of its person,
    // which one of them follows; what merges make common to two partitions is guarded by turns, and
    // rows that only one rule changes by the rule itself.

    /// Waits until no other transaction changes which persons are one; `alone`: until there is no
    /// other at all. First thing in a transaction.
    virtual Result<void> take_turn(bool alone) = 0;
    /// Waits until no other transaction holds one of these numbers, in ascending order.
    virtual Result<void> hold(const std::vector<std::int64_t>& numbers) = 0;
    /// How often the links have changed, by any writer; and once more. 0 where nobody counts.
    virtual Result<std::int64_t> link_changes() = 0;
    virtual Result<std::int64_t> count_link_change() = 0;

    /// The version of the tables; nothing where there are none yet.
    virtual Result<std::optional<std::int64_t>> tables_version() = 0;
    virtual Result<void> create_tables() = 0;
    /// True once nothing more can be done with it but to open another.
    virtual bool broken() const = 0;

    /// The first column of the first row.
    Result<std::int64_t> number(std::string_view query);
};

/// Bytes of ids as one parameter, ?1::bytea[]. Of remote() databases only.
std::string array_of(const std::vector<std::string>& ids);

/// 16 bytes of an id of 32 hexadecimal digits, and back. Malformed otherwise.
Result<std::string> id_bytes(std::string_view hex, std::string_view what);
std::string id_text(std::string_view bytes);

}  // namespace vitalog::sinks::sql
