#include "sinks/views/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "schemas/base/ids.h"

namespace vitalog::sinks::sql {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

tl::unexpected<Error> sqlite_error(sqlite3* db, int code) {
    const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    const std::string message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    if (damaged)
        return fail(Errc::Damaged, "views database: " + message +
                                       "; stop the site and rebuild the views from the log with "
                                       "'vitalog views rebuild --data-dir D'");
    return fail(Errc::Io, "views database: " + message);
}

}  // namespace

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

Statement::Statement(Statement&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(statement_, other.statement_);
    return *this;
}

void Statement::bind_one(int index, std::string_view text) {
    if (text.empty()) return bind_one(index, Null{});
    sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}
void Statement::bind_one(int index, Blob blob) {
    if (blob.bytes.empty()) return bind_one(index, Null{});
    sqlite3_bind_blob(statement_, index, blob.bytes.data(), static_cast<int>(blob.bytes.size()),
                      SQLITE_STATIC);
}
void Statement::bind_one(int index, std::int64_t number) {
    sqlite3_bind_int64(statement_, index, number);
}
void Statement::bind_one(int index, double number) {
    sqlite3_bind_double(statement_, index, number);
}
void Statement::bind_one(int index, Null) {
    sqlite3_bind_null(statement_, index);
}

Result<bool> Statement::next() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) {
        sqlite3_reset(statement_);
        return false;
    }
    auto error = sqlite_error(db_, code);
    sqlite3_reset(statement_);
    return error;
}

Result<void> Statement::finish() {
    for (;;) {
        VITALOG_TRY(const bool more, next());
        if (!more) return {};
    }
}

void Statement::reset() {
    sqlite3_reset(statement_);
}

std::string_view Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::string_view Statement::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const {
    return sqlite3_column_double(statement_, column);
}
bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
Kind Statement::kind(int column) const {
    switch (sqlite3_column_type(statement_, column)) {
        case SQLITE_NULL:
            return Kind::Nothing;
        case SQLITE_TEXT:
            return Kind::Text;
        case SQLITE_BLOB:
            return Kind::Blob;
        default:
            return Kind::Number;
    }
}
std::optional<std::int64_t> Statement::maybe_integer(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}
std::optional<double> Statement::maybe_real(int column) const {
    if (is_null(column)) return std::nullopt;
    return real(column);
}

Result<Connection> Connection::open(const std::string& path, Mode mode) {
    sqlite3* db = nullptr;
    const int flags =
        mode == Mode::Write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection connection(db);
    if (code != SQLITE_OK) return sqlite_error(db, code);
    sqlite3_busy_timeout(db, kBusyTimeoutMs);
    return connection;
}

Connection::~Connection() {
    sqlite3_close_v2(db_);
}

Connection::Connection(Connection&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
    std::swap(db_, other.db_);
    return *this;
}

Result<void> Connection::execute(const std::string& statements) {
    const int code = sqlite3_exec(db_, statements.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_error(db_, code);
    return {};
}

Result<Statement> Connection::prepare(std::string_view statement) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(db_, statement.data(), static_cast<int>(statement.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return sqlite_error(db_, code);
    return Statement(db_, prepared);
}

Result<std::int64_t> Connection::number(std::string_view query) {
    VITALOG_TRY(Statement statement, prepare(query));
    VITALOG_TRY(const bool found, statement.next());
    return found ? statement.integer(0) : 0;
}

std::int64_t Connection::changes() const {
    return sqlite3_changes64(db_);
}

std::int64_t memory_bytes() {
    return sqlite3_memory_used();
}

Result<std::string> id_bytes(std::string_view hex, std::string_view what) {
    const RecordId id = RecordId::parse(hex);
    if (id.empty())
        return fail(Errc::Malformed, std::string(what) + " '" + std::string(hex) +
                                         "' must be 32 hexadecimal digits");
    return std::string(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

std::string id_text(std::string_view bytes) {
    RecordId id;
    std::copy_n(bytes.data(), std::min(bytes.size(), id.bytes.size()),
                reinterpret_cast<char*>(id.bytes.data()));
    return bytes.empty() ? std::string() : id.to_string();
}

}  // namespace vitalog::sinks::sql
