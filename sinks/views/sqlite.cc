#include "sinks/views/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "sinks/views/page_sums.h"
#include "sinks/views/schema.h"

namespace vitalog::sinks::sql {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
/// "VTLG": PRAGMA application_id, the magic of the file.
constexpr std::int64_t kApplicationId = 0x56544c47;

// A commit writes the write-ahead log without fsync: the log can always be read again. sync() is
// for when it cannot.
// A checkpoint fsyncs what it copies, and on the same disk the fsync of an append, or of an alert,
// stands in the queue behind it: of 2 MB for one or two milliseconds, of 32 MB for fifteen. While
// the views catch up, a transaction is larger than the limit, which then costs nothing.
constexpr const char* kWriterSettings =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=500;"
    "PRAGMA cache_size=-131072; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=134217728;";
constexpr const char* kReaderSettings = "PRAGMA cache_size=-32768; PRAGMA query_only=1;";

tl::unexpected<Error> damaged(const std::string& what) {
    return fail(Errc::Damaged, what +
                                   "; stop the site and rebuild the views from the log with "
                                   "'vitalog views rebuild --data-dir D'");
}

tl::unexpected<Error> sqlite_error(sqlite3* db, int code) {
    const char* const path = db != nullptr ? sqlite3_db_filename(db, "main") : nullptr;
    const std::string views = std::string("views database ") + (path != nullptr ? path : "");
    if (take_failed_page())
        return damaged(views + ": a page fails its checksum");
    std::string message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    if (const int cause = db != nullptr ? sqlite3_system_errno(db) : 0; cause != 0)
        message += std::string(" (") + std::strerror(cause) + ")";
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        return damaged(views + ": " + message);
    return fail(Errc::Io, views + ": " + message);
}

class SqliteStatement final : public StatementDriver {
  public:
    SqliteStatement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
    ~SqliteStatement() override { sqlite3_finalize(statement_); }

    void bind(int index, std::string_view text) override {
        sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                          SQLITE_STATIC);
    }
    void bind(int index, Blob blob) override {
        sqlite3_bind_blob(statement_, index, blob.bytes.data(), static_cast<int>(blob.bytes.size()),
                          SQLITE_STATIC);
    }
    void bind(int index, std::int64_t number) override {
        sqlite3_bind_int64(statement_, index, number);
    }
    void bind(int index, double number) override { sqlite3_bind_double(statement_, index, number); }
    void bind(int index, Null) override { sqlite3_bind_null(statement_, index); }

    Result<bool> next() override {
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
    void reset() override { sqlite3_reset(statement_); }

    int columns() const override { return sqlite3_column_count(statement_); }
    std::string_view text(int column) const override {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        if (bytes == nullptr) return {};
        return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }
    std::string_view blob(int column) const override {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        if (bytes == nullptr) return {};
        return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }
    std::int64_t integer(int column) const override {
        return sqlite3_column_int64(statement_, column);
    }
    double real(int column) const override { return sqlite3_column_double(statement_, column); }
    Kind kind(int column) const override {
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

  private:
    sqlite3* db_;
    sqlite3_stmt* statement_;
};

std::size_t count_of(const std::string& columns) {
    return static_cast<std::size_t>(std::count(columns.begin(), columns.end(), ',')) + 1;
}

std::string text_of(const Upsert& upsert) {
    std::string values = "?1";
    for (std::size_t i = 2; i <= count_of(upsert.columns); ++i) values += ",?" + std::to_string(i);
    return "INSERT INTO " + upsert.table + "(" + upsert.columns + ") VALUES(" + values +
           ") ON CONFLICT(" + upsert.key + ") DO " + upsert.rule;
}

/// The one writer of a file, or a reader of it.
class SqliteConnection final : public Connection {
  public:
    SqliteConnection(sqlite3* db, Mode mode) : db_(db), mode_(mode) {}
    ~SqliteConnection() override { sqlite3_close_v2(db_); }

    Dialect dialect() const override { return Dialect::Sqlite; }
    Result<void> execute(const std::string& statements) override {
        const int code = sqlite3_exec(db_, statements.c_str(), nullptr, nullptr, nullptr);
        if (code != SQLITE_OK) return sqlite_error(db_, code);
        return {};
    }
    Result<Statement> prepare(std::string_view text, Touches) override {
        sqlite3_stmt* prepared = nullptr;
        const int code = sqlite3_prepare_v3(db_, text.data(), static_cast<int>(text.size()),
                                            SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
        if (code != SQLITE_OK) return sqlite_error(db_, code);
        return Statement(std::make_unique<SqliteStatement>(db_, prepared));
    }
    Result<Statement> prepare(const Upsert& upsert) override {
        return prepare(text_of(upsert), {});
    }

    Result<void> begin() override {
        return execute(mode_ == Mode::Write ? "BEGIN IMMEDIATE" : "BEGIN");
    }
    Result<void> commit() override { return execute("COMMIT"); }
    void rollback() override { (void)execute("ROLLBACK"); }
    Result<void> sync() override {
        // With synchronous=FULL a commit fsyncs the write-ahead log, and with it every commit
        // before.
        VITALOG_CHECK(
            execute("PRAGMA synchronous=FULL; BEGIN IMMEDIATE; UPDATE position SET "
                    "generation=generation; COMMIT;"));
        return execute("PRAGMA synchronous=NORMAL");
    }
    bool remote() const override { return false; }
    Result<void> take_turn(bool) override { return {}; }
    Result<void> hold(const std::vector<std::int64_t>&) override { return {}; }
    Result<std::int64_t> link_changes() override { return 0; }
    Result<std::int64_t> count_link_change() override { return 0; }

    Result<std::optional<std::int64_t>> tables_version() override {
        VITALOG_TRY(const auto application, number("PRAGMA application_id"));
        VITALOG_TRY(const auto version, number("PRAGMA user_version"));
        if (application == 0 && version == 0) return std::nullopt;
        if (application != kApplicationId)
            return fail(Errc::Damaged, "views.path is not a database of Vitalog's views");
        return version;
    }
    Result<void> create_tables() override {
        return execute("BEGIN IMMEDIATE;" + views::schema_for(Dialect::Sqlite) +
                       "PRAGMA application_id=" + std::to_string(kApplicationId) +
                       ";PRAGMA user_version=" + std::to_string(views::kSchemaVersion) +
                       ";COMMIT;");
    }
    bool broken() const override { return false; }

  private:
    sqlite3* db_;
    const Mode mode_;
};

Result<std::unique_ptr<Connection>> open_file(const std::string& name, Mode mode, int flags) {
    sqlite3* db = nullptr;
    const int code =
        sqlite3_open_v2(name.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, checked_file_system());
    auto connection = std::make_unique<SqliteConnection>(db, mode);
    if (code != SQLITE_OK) return sqlite_error(db, code);
    int reserved = kPageSumBytes;  // of the pages of a new file
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    sqlite3_busy_timeout(db, kBusyTimeoutMs);
    return connection;
}

/// The file was made before pages had checksums: none of its pages would pass. Byte 20 of SQLite's
/// header is what each page reserves.
bool of_before_page_sums(const std::string& path) {
    constexpr std::string_view kMagic = "SQLite format 3";
    std::array<char, 21> header{};
    std::ifstream file(path, std::ios::binary);
    file.read(header.data(), header.size());
    return file && std::string_view(header.data(), kMagic.size()) == kMagic && header.back() == 0;
}

using Positions = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;

Result<Positions> positions_of(Connection& connection) {
    VITALOG_TRY(Statement all,
                connection.prepare("SELECT topic,partition,next_offset FROM position"));
    Positions positions;
    for (;;) {
        VITALOG_TRY(const bool more, all.next());
        if (!more) return positions;
        positions[{all.string(0), all.integer(1)}] = all.integer(2);
    }
}

/// Positions in the file alone, as if it had no write-ahead log. What a process that was killed
/// left of a checkpoint may be no database: then nothing.
Positions positions_in_the_file(const std::string& path) {
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#')
            uri += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
        else
            uri += c;
    }
    const auto alone = open_file(uri + "?immutable=1", Mode::Read,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    Positions positions;
    if (alone) positions = positions_of(**alone).value_or(Positions());
    (void)take_failed_page();
    return positions;
}

/// A changed byte in the write-ahead log of a killed process takes all behind it away, also what
/// was copied into the file already; then the file is ahead of it, and pages of both would be mixed.
Result<void> check_left_behind(const std::string& path, const Positions& alone,
                               Connection& connection) {
    const auto both = positions_of(connection);
    if (!both) return alone.empty() ? Result<void>() : tl::unexpected(both.error());
    for (const auto& [tp, next] : alone) {
        const auto known = both->find(tp);
        if (known == both->end() || known->second < next)
            return damaged("views database " + path + "-wal: it ends before what the file holds");
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, Mode mode) {
    if (mode == Mode::Read) {
        VITALOG_TRY(auto reader, open_file(path, mode, SQLITE_OPEN_READONLY));
        VITALOG_CHECK(reader->execute(kReaderSettings));
        return reader;
    }
    std::error_code none;
    if (of_before_page_sums(path))
        return fail(Errc::Conflict, "the views in " + path +
                                        " were written by an older version; rebuild them with "
                                        "'vitalog views rebuild --data-dir D'");
    const bool left = std::filesystem::file_size(path + "-wal", none) > 0 && !none;
    if (!write_ahead_log_begins_whole(path))
        return damaged("views database " + path + "-wal: its header fails its checksum");
    const Positions alone = left ? positions_in_the_file(path) : Positions();
    VITALOG_TRY(auto writer,
                open_file(path, mode, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    VITALOG_CHECK(writer->execute(kWriterSettings));
    if (left) VITALOG_CHECK(check_left_behind(path, alone, *writer));
    return writer;
}

Result<void> drop_sqlite(const std::string& path) {
    for (const char* suffix : {"-wal", "-shm", ""}) {
        const std::string file = path + suffix;
        if (std::remove(file.c_str()) != 0 && errno != ENOENT)
            return fail(Errc::Io, "can't delete " + file);
    }
    return {};
}

Result<void> move_sqlite(const std::string& from, const std::string& to) {
    // The last connection to `from` has copied its write-ahead log into the file when it closed.
    VITALOG_CHECK(drop_sqlite(to));
    if (std::rename(from.c_str(), to.c_str()) != 0)
        return fail(Errc::Io, "can't rename " + from + " to " + to);
    return {};
}

std::int64_t sqlite_memory_bytes() {
    return sqlite3_memory_used();
}

}  // namespace vitalog::sinks::sql
