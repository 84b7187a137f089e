#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

// The little of SQLite that the views need. For files of sinks/views only.

namespace vitalog::sinks::sql {

/// Bytes, as opposed to text. Borrowed. Empty binds NULL, as empty text does.
struct Blob {
    std::string_view bytes;
};
struct Null {};
/// What a column of a row holds. A real number counts as one.
enum class Kind : std::uint8_t { Nothing, Number, Text, Blob };

/// A prepared statement, used by one thread. Bound views must live until the statement is reset.
class Statement {
  public:
    Statement() = default;
    Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;

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
    void bind_one(int index, std::string_view text);
    void bind_one(int index, const std::string& text) { bind_one(index, std::string_view(text)); }
    void bind_one(int index, const char* text) { bind_one(index, std::string_view(text)); }
    void bind_one(int index, Blob blob);
    void bind_one(int index, std::int64_t number);
    void bind_one(int index, int number) { bind_one(index, static_cast<std::int64_t>(number)); }
    void bind_one(int index, bool flag) { bind_one(index, static_cast<std::int64_t>(flag)); }
    void bind_one(int index, double number);
    void bind_one(int index, Null);
    template <class T>
    void bind_one(int index, const std::optional<T>& value) {
        if (value)
            bind_one(index, *value);
        else
            bind_one(index, Null{});
    }

    /// True when there is a row. After false or an Error the statement is reset.
    Result<bool> next();
    void reset();

    std::string_view text(int column) const;
    std::string_view blob(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    bool is_null(int column) const;
    Kind kind(int column) const;
    std::optional<std::int64_t> maybe_integer(int column) const;
    std::optional<double> maybe_real(int column) const;
    std::string string(int column) const { return std::string(text(column)); }

  private:
    Result<void> finish();

    sqlite3* db_ = nullptr;
    sqlite3_stmt* statement_ = nullptr;
};

enum class Mode : std::uint8_t { Write, Read };

/// One connection, used by one thread at a time.
class Connection {
  public:
    /// Mode::Write creates the file. Io, Damaged.
    static Result<Connection> open(const std::string& path, Mode mode);
    ~Connection();
    Connection(Connection&& other) noexcept;
    Connection& operator=(Connection&& other) noexcept;

    /// Runs statements that give no rows.
    Result<void> execute(const std::string& statements);
    Result<Statement> prepare(std::string_view statement);
    /// The first column of the first row.
    Result<std::int64_t> number(std::string_view query);
    /// Rows changed by the last insert, update or delete.
    std::int64_t changes() const;

  private:
    explicit Connection(sqlite3* db) : db_(db) {}

    sqlite3* db_ = nullptr;
};

/// Bytes that the process's connections hold, pages they keep included.
std::int64_t memory_bytes();

/// 16 bytes of an id of 32 hexadecimal digits, and back. Malformed otherwise.
Result<std::string> id_bytes(std::string_view hex, std::string_view what);
std::string id_text(std::string_view bytes);

}  // namespace vitalog::sinks::sql
