#include "sinks/views/postgres.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <pqxx/pqxx>

#include "sinks/views/postgres_session.h"
#include "sinks/views/postgres_stage.h"
#include "sinks/views/schema.h"

namespace vitalog::sinks::sql {

/// Rows for COPY as they are. pqxx::stream_to writes a line of what separated_list() makes of a
/// tuple, whose size is known when it is compiled; this overload, found by its argument, makes it
/// of text.
struct CopyRows {
    const std::string& text;
};
std::string separated_list(const char*, const CopyRows& rows,
                           const pqxx::internal::TypedCopyEscaper&) {
    return rows.text;
}

namespace {

constexpr int kServerVersion = 150'000;
constexpr const char* kSchema = "vitalog";
constexpr const char* kNextSchema = "vitalog_next";
constexpr const char* kOldSchema = "vitalog_old";

/// First numbers of pg_advisory_xact_lock(int, int); the second says which tables.
constexpr int kTurnLock = 0x76746c67;
constexpr int kCreateLock = 0x76746c68;

// Types as the server numbers them (pg_type.oid).
constexpr pqxx::oid kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700, kFloat8 = 701,
                    kNumeric = 1700;

const char* schema_of(Tables tables) {
    return tables == Tables::Live ? kSchema : kNextSchema;
}

/// What the SQLSTATE says about the statement's values or about its luck.
Errc code_of(const std::string& state) {
    if (state.starts_with("40")) return Errc::Busy;  // deadlock, serialization
    if (state.starts_with("22") || state.starts_with("23") || state.starts_with("54"))
        return Errc::Unsupported;
    if (state.starts_with("XX")) return Errc::Damaged;
    return Errc::Io;
}

/// No call waits for ever for a server that has gone: what the URL does not say of time.
std::string with_timeouts(std::string url) {
    for (const char* parameter :
         {"connect_timeout=10", "tcp_user_timeout=30000", "keepalives_idle=30",
          "keepalives_interval=10", "keepalives_count=3"}) {
        const std::string_view name =
            std::string_view(parameter).substr(0, std::string_view(parameter).find('=') + 1);
        if (url.find(name) != std::string::npos) continue;
        url += (url.find('?') == std::string::npos ? "?" : "&") + std::string(parameter);
    }
    return url;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

/// Calls `use`, and makes an Error of what it throws.
template <class Use>
auto caught(Use use) -> decltype(use()) {
    const auto failed = [](Errc code, const std::exception& e) {
        return fail(code, "views database: " + first_line(e.what()));
    };
    try {
        return use();
    } catch (const pqxx::deadlock_detected& e) {
        return failed(Errc::Busy, e);
    } catch (const pqxx::transaction_rollback& e) {
        return failed(Errc::Busy, e);
    } catch (const pqxx::sql_error& e) {
        return failed(code_of(e.sqlstate()), e);
    } catch (const std::exception& e) {
        return failed(Errc::Io, e);
    }
}

/// ?1 as $1; `count` becomes the highest number.
std::string with_dollars(std::string_view text, std::size_t& count) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '?') {
            out += text[i];
            continue;
        }
        std::size_t number = 0;
        std::from_chars(text.data() + i + 1, text.data() + text.size(), number);
        count = std::max(count, number);
        out += '$';
    }
    return out;
}

/// A session: the connection with its transaction.
class Session final : public PostgresSession {
  public:
    static Result<std::unique_ptr<Session>> open(const std::string& url) {
        return caught([&]() -> Result<std::unique_ptr<Session>> {
            auto session = std::unique_ptr<Session>(new Session(with_timeouts(url)));
            if (session->link_.server_version() < kServerVersion)
                return fail(Errc::Unsupported,
                            "views.store is a PostgreSQL server of version " +
                                std::to_string(session->link_.server_version() / 10'000) +
                                "; Vitalog needs 15 or newer");
            VITALOG_CHECK(
                session->run("SET client_min_messages=warning;"
                             "SET client_encoding TO UTF8;"
                             "SET application_name=vitalog;"
                             "SET jit=off"));
            return session;
        });
    }

    Result<void> run(const std::string& statements) override {
        VITALOG_CHECK(query([&](pqxx::transaction_base& tx) { return tx.exec(statements); }));
        return {};
    }
    Result<std::int64_t> ask(const std::string& text) override {
        VITALOG_TRY(const pqxx::result rows,
                    query([&](pqxx::transaction_base& tx) { return tx.exec(text); }));
        return rows.empty() || rows[0][0].is_null() ? 0 : rows[0][0].as<std::int64_t>();
    }
    Result<void> copy(const std::string& table, const std::string& columns,
                      const std::string& rows) override {
        const std::vector<std::string> names{columns};  // the list is quoted by nobody
        return seen(caught([&]() -> Result<void> {
            pqxx::stream_to stream(*transaction_, table, names);
            stream << CopyRows{rows};
            stream.complete();
            return {};
        }));
    }

    Result<pqxx::result> run_prepared(const std::string& name,
                                      const std::vector<const char*>& values) {
        return query([&](pqxx::transaction_base& tx) {
            return tx.exec_prepared(name, pqxx::prepare::make_dynamic_params(values));
        });
    }
    Result<void> prepare(const std::string& name, const std::string& text) {
        return seen(caught([&]() -> Result<void> {
            link_.prepare(name, text);
            return {};
        }));
    }
    void unprepare(const std::string& name) {
        (void)seen(caught([&]() -> Result<void> {
            link_.unprepare(name);
            return {};
        }));
    }

    template <class Transaction>
    Result<void> begin() {
        return seen(caught([&]() -> Result<void> {
            transaction_.reset();
            transaction_ = std::make_unique<Transaction>(link_);
            return {};
        }));
    }
    Result<void> commit() {
        const auto done = seen(caught([&]() -> Result<void> {
            transaction_->commit();
            return {};
        }));
        transaction_.reset();
        return done;
    }
    void rollback() {
        (void)seen(caught([&]() -> Result<void> {
            if (transaction_) transaction_->abort();
            return {};
        }));
        transaction_.reset();
    }
    bool broken() const { return broken_ || !link_.is_open(); }

  private:
    explicit Session(const std::string& url) : link_(url), quiet_(link_) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        // A connection that comes back by itself has lost its settings and temporary tables.
        link_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    }

    template <class Use>
    Result<pqxx::result> query(Use use) {
        return seen(caught([&]() -> Result<pqxx::result> {
            if (transaction_) return use(*transaction_);
            pqxx::nontransaction alone(link_);
            return use(alone);
        }));
    }
    /// After Io nothing is known of the session: another one is opened.
    template <class T>
    Result<T> seen(Result<T> done) {
        if (!done && done.error().code() == Errc::Io) broken_ = true;
        return done;
    }

    pqxx::connection link_;
    pqxx::quiet_errorhandler quiet_;
    std::unique_ptr<pqxx::dbtransaction> transaction_;
    bool broken_ = false;
};

using StagedTables = std::map<std::string, PostgresStagedTable>;

/// A statement that gives rows or changes some at once.
class PreparedStatement final : public StatementDriver {
  public:
    PreparedStatement(Session& session, StagedTables& staged, std::string name,
                      std::size_t parameters, Touches touches)
        : session_(session),
          staged_(staged),
          name_(std::move(name)),
          touches_(std::move(touches)),
          values_(parameters),
          null_(parameters, true) {}
    ~PreparedStatement() override { session_.unprepare(name_); }

    void bind(int index, std::string_view text) override { set(index, postgres_text(text)); }
    void bind(int index, Blob blob) override { set(index, postgres_bytes(blob.bytes)); }
    void bind(int index, std::int64_t number) override { set(index, std::to_string(number)); }
    void bind(int index, double number) override { set(index, fmt::format("{}", number)); }
    void bind(int index, Null) override { null_[at(index)] = true; }

    Result<bool> next() override {
        if (!ran_) {
            VITALOG_CHECK(settle());
            std::vector<const char*> values;
            for (std::size_t i = 0; i < values_.size(); ++i)
                values.push_back(null_[i] ? nullptr : values_[i].c_str());
            VITALOG_TRY(rows_, session_.run_prepared(name_, values));
            ran_ = true;
            row_ = 0;
        } else {
            ++row_;
        }
        if (row_ < rows_.size()) return true;
        reset();
        return false;
    }
    void reset() override {
        ran_ = false;
        rows_.clear();
    }

    int columns() const override { return static_cast<int>(rows_.columns()); }
    std::string_view text(int column) const override {
        const pqxx::field field = cell(column);
        return {field.c_str(), field.size()};
    }
    std::string_view blob(int column) const override {
        std::string_view hex = text(column);
        const auto slot = static_cast<std::size_t>(column);
        if (blobs_.size() <= slot) blobs_.resize(slot + 1);
        std::string& bytes = blobs_[slot];
        bytes.clear();
        if (!hex.starts_with("\\x")) return bytes;
        for (hex.remove_prefix(2); hex.size() >= 2; hex.remove_prefix(2)) {
            unsigned byte = 0;
            std::from_chars(hex.data(), hex.data() + 2, byte, 16);
            bytes += static_cast<char>(byte);
        }
        return bytes;
    }
    std::int64_t integer(int column) const override { return number<std::int64_t>(column); }
    double real(int column) const override { return number<double>(column); }
    Kind kind(int column) const override {
        if (cell(column).is_null()) return Kind::Nothing;
        switch (rows_.column_type(column)) {
            case kBytea:
                return Kind::Blob;
            case kInt8:
            case kInt2:
            case kInt4:
            case kFloat4:
            case kFloat8:
            case kNumeric:
                return Kind::Number;
            default:
                return Kind::Text;
        }
    }

  private:
    static std::size_t at(int index) { return static_cast<std::size_t>(index) - 1; }
    void set(int index, std::string value) {
        values_[at(index)] = std::move(value);
        null_[at(index)] = false;
    }
    pqxx::field cell(int column) const { return rows_[row_][column]; }
    template <class Number>
    Number number(int column) const {
        const std::string_view digits = text(column);
        Number value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return value;
    }
    /// Rows that it may see are written first.
    Result<void> settle() {
        const auto found = staged_.find(touches_.table);
        if (found == staged_.end()) return {};
        const auto keys = static_cast<std::ptrdiff_t>(touches_.keys);
        return found->second.settle({values_.begin(), values_.begin() + keys}, session_);
    }

    Session& session_;
    StagedTables& staged_;
    const std::string name_;
    const Touches touches_;
    std::vector<std::string> values_;
    std::vector<bool> null_;
    pqxx::result rows_;
    pqxx::result::size_type row_ = 0;
    bool ran_ = false;
    mutable std::vector<std::string> blobs_;  ///< of the row, by column
};

/// An upsert: its rows wait in a stage.
class StagedStatement final : public StatementDriver {
  public:
    StagedStatement(Session& session, PostgresStagedTable& table, PostgresStage& stage)
        : session_(session), table_(table), stage_(stage) {}

    void bind(int index, std::string_view text) override { set(index, postgres_text(text)); }
    void bind(int index, Blob blob) override { set(index, postgres_bytes(blob.bytes)); }
    void bind(int index, std::int64_t number) override {
        set(index, fmt::format_int(number).str());
    }
    void bind(int index, double number) override { set(index, fmt::format("{}", number)); }
    void bind(int index, Null) override { set(index, std::nullopt); }
    Result<bool> next() override {
        VITALOG_CHECK(table_.take(stage_, session_));
        return false;
    }
    void reset() override {}

    // It gives no rows.
    int columns() const override { return 0; }
    std::string_view text(int) const override { return {}; }
    std::string_view blob(int) const override { return {}; }
    std::int64_t integer(int) const override { return 0; }
    double real(int) const override { return 0; }
    Kind kind(int) const override { return Kind::Nothing; }

  private:
    void set(int index, std::optional<std::string_view> value) {
        stage_.set(static_cast<std::size_t>(index) - 1, value);
    }

    Session& session_;
    PostgresStagedTable& table_;
    PostgresStage& stage_;
};

class PostgresConnection final : public Connection {
  public:
    PostgresConnection(std::unique_ptr<Session> session, Mode mode, Tables tables)
        : session_(std::move(session)), mode_(mode), tables_(tables) {}

    /// Settings, and the schema where it is to be written.
    Result<void> prepare_session() {
        const std::string schema = schema_of(tables_);
        if (mode_ == Mode::Write) {
            VITALOG_TRY(
                const auto there,
                session_->ask("SELECT count(*) FROM pg_namespace WHERE nspname='" + schema + "'"));
            if (there == 0) VITALOG_CHECK(session_->run("CREATE SCHEMA IF NOT EXISTS " + schema));
            VITALOG_CHECK(session_->run("SET synchronous_commit=off"));
        }
        return session_->run("SET search_path TO " + schema);
    }

    Dialect dialect() const override { return Dialect::Postgres; }
    Result<void> execute(const std::string& statements) override {
        return session_->run(statements);
    }
    Result<Statement> prepare(std::string_view text, Touches touches) override {
        std::size_t parameters = 0;
        const std::string dollars = with_dollars(text, parameters);
        std::string name = "s" + std::to_string(++prepared_);
        VITALOG_CHECK(session_->prepare(name, dollars));
        return Statement(std::make_unique<PreparedStatement>(*session_, staged_, std::move(name),
                                                             parameters, std::move(touches)));
    }
    Result<Statement> prepare(const Upsert& upsert) override {
        auto& table = staged_.try_emplace(upsert.table, upsert.table).first->second;
        PostgresStage& stage = table.add_stage(upsert);
        if (mode_ == Mode::Write) VITALOG_CHECK(stage.create(*session_));
        return Statement(std::make_unique<StagedStatement>(*session_, table, stage));
    }

    Result<void> begin() override {
        using Snapshot = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;
        return mode_ == Mode::Write ? session_->begin<pqxx::work>() : session_->begin<Snapshot>();
    }
    Result<void> commit() override {
        for (auto& [name, table] : staged_) VITALOG_CHECK(table.write(*session_));
        return session_->commit();
    }
    void rollback() override {
        for (auto& [name, table] : staged_) table.forget();
        session_->rollback();
    }
    Result<void> sync() override {
        // The commit of a record in the server's log waits for the disk, and with it every commit
        // before.
        VITALOG_CHECK(session_->begin<pqxx::work>());
        VITALOG_CHECK(session_->run("SET LOCAL synchronous_commit=on"));
        VITALOG_CHECK(session_->run("SELECT pg_logical_emit_message(true,'vitalog','')"));
        return session_->commit();
    }

    bool remote() const override { return true; }
    Result<void> take_turn(bool alone) override {
        return session_->run(fmt::format("SELECT pg_advisory_xact_lock{}({},{})",
                                         alone ? "" : "_shared", kTurnLock, number_of_tables()));
    }
    Result<void> hold(const std::vector<std::int64_t>& numbers) override {
        if (numbers.empty()) return {};
        return session_->run(fmt::format(
            "SELECT pg_advisory_xact_lock(number) FROM unnest(ARRAY[{}]::bigint[]) AS number",
            fmt::join(numbers, ",")));
    }
    Result<std::int64_t> link_changes() override {
        return session_->ask(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM link_changes");
    }
    Result<std::int64_t> count_link_change() override {
        return session_->ask("SELECT nextval('link_changes')");
    }

    Result<std::optional<std::int64_t>> tables_version() override {
        VITALOG_TRY(const auto there,
                    session_->ask("SELECT count(*) FROM pg_class WHERE relname='about' AND "
                                  "relnamespace=to_regnamespace(current_schema())"));
        if (there == 0) return std::nullopt;
        VITALOG_TRY(const std::int64_t version, session_->ask("SELECT version FROM about"));
        return version;
    }
    Result<void> create_tables() override {
        VITALOG_CHECK(session_->begin<pqxx::work>());
        auto done = create_inside();
        if (done) return session_->commit();
        session_->rollback();
        return done;
    }
    bool broken() const override { return session_->broken(); }

  private:
    int number_of_tables() const { return static_cast<int>(tables_); }

    /// Another writer may have begun as well.
    Result<void> create_inside() {
        VITALOG_CHECK(session_->run(
            fmt::format("SELECT pg_advisory_xact_lock({},{})", kCreateLock, number_of_tables())));
        VITALOG_TRY(const auto version, tables_version());
        if (version) return {};
        VITALOG_CHECK(session_->run(views::schema_for(Dialect::Postgres)));
        for (const std::string table : {"observation", "sample_hour"})
            VITALOG_CHECK(session_->run(
                PostgresMonths(table, PostgresMonths::column_of(table)->unit_us).ends()));
        return session_->run(
            fmt::format("CREATE SEQUENCE link_changes; CREATE TABLE about(version BIGINT);"
                        "INSERT INTO about VALUES({})",
                        views::kSchemaVersion));
    }

    std::unique_ptr<Session> session_;
    const Mode mode_;
    const Tables tables_;
    StagedTables staged_;
    std::uint64_t prepared_ = 0;
};

Result<void> drop_schema(Session& session, const std::string& name) {
    return session.run("DROP SCHEMA IF EXISTS " + name + " CASCADE");
}

}  // namespace

Result<std::unique_ptr<Connection>> open_postgres(const std::string& url, Mode mode,
                                                  Tables tables) {
    VITALOG_TRY(auto session, Session::open(url));
    VITALOG_TRY(const auto utf8,
                session->ask("SELECT (pg_encoding_to_char(encoding)='UTF8')::int FROM pg_database "
                             "WHERE datname=current_database()"));
    if (utf8 == 0)
        return fail(Errc::Unsupported,
                    "the database of views.store is not in UTF-8; create one with ENCODING 'UTF8'");
    auto connection = std::make_unique<PostgresConnection>(std::move(session), mode, tables);
    VITALOG_CHECK(connection->prepare_session());
    return connection;
}

Result<void> drop_postgres_next(const std::string& url) {
    VITALOG_TRY(const auto session, Session::open(url));
    VITALOG_CHECK(drop_schema(*session, kOldSchema));
    return drop_schema(*session, kNextSchema);
}

Result<void> switch_postgres(const std::string& url) {
    VITALOG_TRY(const auto session, Session::open(url));
    VITALOG_TRY(const auto live, session->ask("SELECT count(*) FROM pg_namespace WHERE nspname='" +
                                              std::string(kSchema) + "'"));
    VITALOG_CHECK(session->begin<pqxx::work>());
    if (live != 0)
        VITALOG_CHECK(
            session->run(fmt::format("ALTER SCHEMA {} RENAME TO {}", kSchema, kOldSchema)));
    VITALOG_CHECK(session->run(fmt::format("ALTER SCHEMA {} RENAME TO {}", kNextSchema, kSchema)));
    VITALOG_CHECK(session->commit());
    return drop_schema(*session, kOldSchema);
}

}  // namespace vitalog::sinks::sql
