#include "sinks/views/view_reader.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>

#include "schemas/base/ids.h"
#include "sinks/views/link_table.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;
using sql::Statement;

struct TableInfo {
    std::string_view name;
    std::string_view id;       ///< column
    std::string_view columns;  ///< in the order in which the rows are read
};

constexpr std::array<TableInfo, 8> kTables{{
    {"person", "person",
     "person,family,given,birth_date,sex,phone,address,deceased,deceased_at,deleted,team,"
     "updated_us"},
    {"encounter", "id", "person,id,visit,coalesce(merged,history),updated_us"},
    {"report", "id",
     "person,id,placer,filler,code,code_system,display,status,effective,section,orderer_id,orderer_"
     "name,"
     "encounter,results,revision,updated_us,details"},
    {"observation", "id",
     "person,id,report,encounter,status,vital,loinc,code,code_system,display,effective,kind,value,"
     "unit,"
     "comparator,text,raw_value,raw_unit,low,high,range,flags,replaced_by,revision,"
     "updated_us,details"},
    {"risk", "id",
     "person,id,method,version,status,value,unit,band,missing,reason,occurred,basis,detail,"
     "composite,hidden,revision,updated_us"},
    {"alert", "id", "person,id,body,NULL,NULL,NULL,revision,updated_us"},
    {"task", "id", "person,id,body,NULL,NULL,NULL,revision,updated_us"},
    {"delivery", "id", "person,id,body,fhir_status,sent_us,received_us,revision,updated_us"},
}};
const TableInfo& info(Table table) {
    return kTables[static_cast<std::size_t>(table)];
}

/// A statement's text with its values.
class Sql {
  public:
    std::string text;
    std::vector<Value> values;

    void placeholder(const Value& value) {
        values.push_back(value);
        text += "?" + std::to_string(values.size());
    }
};

std::string_view comparison(Op op) {
    switch (op) {
        case Op::Less:
            return "<";
        case Op::AtLeast:
            return ">=";
        default:
            return "=";
    }
}

void append_term(Sql& sql, const Term& term) {
    VITALOG_ASSERT(!term.values.empty(), "a search term without a value");
    sql.text += term.column;
    if (term.op == Op::In || term.op == Op::NotIn) {
        sql.text += term.op == Op::In ? " IN (" : " NOT IN (";
        for (std::size_t i = 0; i < term.values.size(); ++i) {
            if (i > 0) sql.text += ',';
            sql.placeholder(term.values[i]);
        }
        sql.text += ')';
        return;
    }
    if (term.op == Op::StartsWith) {
        std::string pattern;
        for (const char c : std::get<std::string>(term.values.front())) {
            if (c == '%' || c == '_' || c == '\\') pattern += '\\';
            pattern += c;
        }
        sql.text += " LIKE ";
        sql.placeholder(pattern + "%");
        sql.text += " ESCAPE '\\'";
        return;
    }
    sql.text += comparison(term.op);
    sql.placeholder(term.values.front());
}

void append_condition(Sql& sql, const Condition& condition) {
    sql.text += " AND (";
    for (std::size_t a = 0; a < condition.size(); ++a) {
        if (a > 0) sql.text += " OR ";
        sql.text += '(';
        for (std::size_t t = 0; t < condition[a].size(); ++t) {
            if (t > 0) sql.text += " AND ";
            append_term(sql, condition[a][t]);
        }
        sql.text += ')';
    }
    sql.text += ')';
}

Sql where(Table table, const Query& query) {
    Sql sql;
    sql.text = " FROM " + std::string(info(table).name) + " WHERE ";
    if (query.persons) {
        std::vector<Value> ids;
        for (const auto& person : *query.persons) ids.emplace_back(Id{person});
        append_term(sql, {"person", Op::In, std::move(ids)});
    } else {
        sql.text += "1";
    }
    for (const auto& condition : query.conditions) append_condition(sql, condition);
    if (query.survivors_only)
        sql.text += " AND NOT EXISTS(SELECT 1 FROM link WHERE link.loser=person.person)";
    return sql;
}

Result<void> bind_all(Statement& statement, const std::vector<Value>& values,
                      std::vector<std::string>& held) {
    held.reserve(values.size());
    statement.reset();
    for (std::size_t i = 0; i < values.size(); ++i) {
        const int index = static_cast<int>(i) + 1;
        if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
            statement.bind_one(index, *number);
        } else if (const auto* text = std::get_if<std::string>(&values[i])) {
            statement.bind_one(index, std::string_view(*text));
        } else {
            VITALOG_TRY(std::string bytes, sql::id_bytes(std::get<Id>(values[i]).hex, "id"));
            held.push_back(std::move(bytes));
            statement.bind_one(index, Blob{held.back()});
        }
    }
    return {};
}

std::vector<std::string> ids_of(std::string_view bytes) {
    std::vector<std::string> ids;
    for (; bytes.size() >= 16; bytes.remove_prefix(16))
        ids.push_back(sql::id_text(bytes.substr(0, 16)));
    return ids;
}

/// Reads the columns of a row one after the other.
class Columns {
  public:
    explicit Columns(const Statement& row) : row_(row) {}
    std::string id() { return sql::id_text(row_.blob(next_++)); }
    std::string text() { return row_.string(next_++); }
    std::string_view blob() { return row_.blob(next_++); }
    std::int64_t integer() { return row_.integer(next_++); }
    std::optional<std::int64_t> maybe_integer() { return row_.maybe_integer(next_++); }
    std::optional<double> real() { return row_.maybe_real(next_++); }

  private:
    const Statement& row_;
    int next_ = 0;
};

void read_row(const Statement& statement, PatientRow& row) {
    Columns c(statement);
    row.person = c.id();
    for (auto* text :
         {&row.family, &row.given, &row.birth_date, &row.sex, &row.phone, &row.address})
        *text = c.text();
    row.deceased = c.integer() != 0;
    row.deceased_at = c.text();
    row.deleted = c.integer() != 0;
    row.team = c.text();
    row.updated_us = c.integer();
}

void read_row(const Statement& statement, EncounterRow& row) {
    Columns c(statement);
    row.person = c.id();
    row.id = c.id();
    row.visit = c.text();
    row.history = c.text();
    row.updated_us = c.integer();
}

void read_row(const Statement& statement, ReportRow& row) {
    Columns c(statement);
    row.person = c.id();
    row.id = c.id();
    for (auto* text :
         {&row.placer, &row.filler, &row.code, &row.code_system, &row.display, &row.status,
          &row.effective, &row.section, &row.orderer_id, &row.orderer_name})
        *text = c.text();
    row.encounter = c.id();
    row.results = ids_of(c.blob());
    row.revision = c.integer();
    row.updated_us = c.integer();
    row.details = c.text();
}

void read_row(const Statement& statement, ObservationRow& row) {
    Columns c(statement);
    row.person = c.id();
    row.id = c.id();
    row.report = c.id();
    row.encounter = c.id();
    row.status = c.text();
    row.vital = c.integer() != 0;
    for (auto* text :
         {&row.loinc, &row.code, &row.code_system, &row.display, &row.effective, &row.kind})
        *text = c.text();
    row.value = c.real();
    for (auto* text : {&row.unit, &row.comparator, &row.text, &row.raw_value, &row.raw_unit})
        *text = c.text();
    row.low = c.real();
    row.high = c.real();
    row.range = c.text();
    row.flags = c.text();
    row.replaced_by = c.id();
    row.revision = c.integer();
    row.updated_us = c.integer();
    row.details = c.text();
}

void read_row(const Statement& statement, RiskRow& row) {
    Columns c(statement);
    row.person = c.id();
    row.id = c.id();
    row.method = c.text();
    row.version = c.text();
    row.status = c.text();
    row.value = c.real();
    for (auto* text :
         {&row.unit, &row.band, &row.missing, &row.reason, &row.occurred, &row.basis, &row.detail})
        *text = c.text();
    row.composite = c.integer() != 0;
    row.hidden = c.integer() != 0;
    row.revision = c.integer();
    row.updated_us = c.integer();
}

void read_row(const Statement& statement, BodyRow& row) {
    Columns c(statement);
    row.person = c.id();
    row.id = c.text();
    row.body = c.text();
    row.status = c.text();
    row.sent_us = c.maybe_integer();
    row.received_us = c.maybe_integer();
    row.revision = c.integer();
    row.updated_us = c.integer();
}

/// One connection with the statements it prepared so far.
struct Reader {
    sql::Connection connection;
    LinkTable links;
    std::map<std::string, Statement> statements;

    static constexpr std::size_t kStatementsMax = 256;

    Result<Statement*> prepared(const std::string& text) {
        const auto found = statements.find(text);
        if (found != statements.end()) return &found->second;
        if (statements.size() >= kStatementsMax) statements.clear();
        VITALOG_TRY(Statement statement, connection.prepare(text));
        return &statements.emplace(text, std::move(statement)).first->second;
    }

    Result<std::vector<std::string>> group(const std::string& hex) {
        VITALOG_TRY(const std::string bytes, sql::id_bytes(hex, "person"));
        VITALOG_TRY(const auto ids, links.group_of(bytes));
        std::vector<std::string> persons;
        for (const auto& id : ids) persons.push_back(sql::id_text(id));
        return persons;
    }
};

Result<void> count_rows(Reader& reader, Table table, const Query& query,
                        std::optional<std::int64_t>& total) {
    const Sql sql = where(table, query);
    VITALOG_TRY(Statement* const statement,
                reader.prepared("SELECT count(*) FROM (SELECT 1" + sql.text + " LIMIT " +
                                std::to_string(ViewReader::kCountMax + 1) + ")"));
    std::vector<std::string> held;
    VITALOG_CHECK(bind_all(*statement, sql.values, held));
    VITALOG_TRY(const bool found, statement->next());
    if (found && statement->integer(0) <= ViewReader::kCountMax) total = statement->integer(0);
    statement->reset();
    return {};
}

template <class Row>
Result<void> fetch(Reader& reader, Table table, const Query& query, Page<Row>& page) {
    Sql sql = where(table, query);
    sql.text = "SELECT " + std::string(info(table).columns) + sql.text + " ORDER BY ";
    for (const auto& order : query.order)
        sql.text += std::string(order.column) + (order.descending ? " DESC," : ",");
    sql.text += std::string(info(table).id) + " LIMIT ";
    sql.placeholder(query.limit + 1);
    sql.text += " OFFSET ";
    sql.placeholder(query.offset);
    VITALOG_TRY(Statement* const statement, reader.prepared(sql.text));
    std::vector<std::string> held;
    VITALOG_CHECK(bind_all(*statement, sql.values, held));
    for (;;) {
        VITALOG_TRY(const bool more, statement->next());
        if (!more) break;
        if (static_cast<std::int64_t>(page.rows.size()) == query.limit) {
            page.more = true;
            statement->reset();
            break;
        }
        read_row(*statement, page.rows.emplace_back());
    }
    return {};
}

template <class Row>
Result<Page<Row>> search(Reader& reader, Table table, const Query& query) {
    Page<Row> page;
    VITALOG_CHECK(fetch(reader, table, query, page));
    if (query.count) {
        // The rows in hand say it when they are the last ones.
        const auto seen = query.offset + static_cast<std::int64_t>(page.rows.size());
        if (!page.more && (query.offset == 0 || !page.rows.empty()))
            page.total = seen;
        else
            VITALOG_CHECK(count_rows(reader, table, query, page.total));
    }
    return page;
}

/// A survivor who was never described takes the description of those merged into them.
void describe_from(PatientRow& row, const PatientRow& other) {
    for (auto member :
         {&PatientRow::family, &PatientRow::given, &PatientRow::birth_date, &PatientRow::sex,
          &PatientRow::phone, &PatientRow::address, &PatientRow::team, &PatientRow::deceased_at})
        if ((row.*member).empty()) row.*member = other.*member;
    row.deceased = row.deceased || other.deceased;
    row.updated_us = std::max(row.updated_us, other.updated_us);
}

Result<void> add_identifiers(Reader& reader, const std::string& person, PatientRow& row) {
    VITALOG_TRY(Statement* const statement,
                reader.prepared("SELECT authority,value,type FROM identifier WHERE person=?1 "
                                "ORDER BY authority,value"));
    VITALOG_TRY(const std::string bytes, sql::id_bytes(person, "person"));
    statement->bind(Blob{bytes});
    for (;;) {
        VITALOG_TRY(const bool more, statement->next());
        if (!more) return {};
        row.identifiers.push_back(
            {statement->string(0), statement->string(1), statement->string(2)});
    }
}

Result<void> complete(Reader& reader, PatientRow& row) {
    VITALOG_TRY(const auto group, reader.group(row.person));
    VITALOG_CHECK(add_identifiers(reader, row.person, row));
    if (group.front() != row.person) {
        row.survivor = group.front();
        return {};
    }
    row.merged.assign(group.begin() + 1, group.end());
    for (const auto& loser : row.merged) {
        VITALOG_CHECK(add_identifiers(reader, loser, row));
        Query query;
        query.persons = std::vector<std::string>{loser};
        Page<PatientRow> page;
        VITALOG_CHECK(fetch(reader, Table::Patient, query, page));
        if (!page.rows.empty()) describe_from(row, page.rows.front());
    }
    return {};
}

}  // namespace

struct ViewReader::Impl {
    std::mutex mutex;
    std::condition_variable freed;
    std::vector<std::unique_ptr<Reader>> free;

    /// Runs `use` with a connection of its own, inside one read transaction.
    template <class Use>
    auto with(Use use) -> decltype(use(std::declval<Reader&>())) {
        std::unique_ptr<Reader> reader;
        {
            std::unique_lock lock(mutex);
            freed.wait(lock, [this] { return !free.empty(); });
            reader = std::move(free.back());
            free.pop_back();
        }
        auto answer = in_transaction(*reader, use);
        {
            const std::lock_guard lock(mutex);
            free.push_back(std::move(reader));
        }
        freed.notify_one();
        return answer;
    }

    template <class Use>
    auto in_transaction(Reader& reader, Use& use) -> decltype(use(reader)) {
        VITALOG_CHECK(reader.connection.execute("BEGIN"));
        auto answer = use(reader);
        const auto ended = reader.connection.execute("COMMIT");
        if (answer && !ended) return tl::unexpected(ended.error());
        return answer;
    }
};

ViewReader::ViewReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ViewReader::ViewReader(ViewReader&&) noexcept = default;
ViewReader& ViewReader::operator=(ViewReader&&) noexcept = default;
ViewReader::~ViewReader() = default;

Result<ViewReader> ViewReader::open(const std::string& path, std::size_t connections) {
    auto impl = std::make_unique<Impl>();
    for (std::size_t i = 0; i < std::max<std::size_t>(connections, 1); ++i) {
        VITALOG_TRY(sql::Connection connection, sql::Connection::open(path, sql::Mode::Read));
        VITALOG_CHECK(connection.execute("PRAGMA cache_size=-32768; PRAGMA query_only=1;"));
        VITALOG_TRY(LinkTable links, LinkTable::open(connection));
        impl->free.push_back(
            std::make_unique<Reader>(Reader{std::move(connection), std::move(links), {}}));
    }
    return ViewReader(std::move(impl));
}

Result<Page<PatientRow>> ViewReader::patients(const Query& query) const {
    return impl_->with([&](Reader& reader) -> Result<Page<PatientRow>> {
        VITALOG_TRY(auto page, search<PatientRow>(reader, Table::Patient, query));
        for (auto& row : page.rows) VITALOG_CHECK(complete(reader, row));
        return page;
    });
}
Result<Page<EncounterRow>> ViewReader::encounters(const Query& query) const {
    return impl_->with(
        [&](Reader& reader) { return search<EncounterRow>(reader, Table::Encounter, query); });
}
Result<Page<ReportRow>> ViewReader::reports(const Query& query) const {
    return impl_->with(
        [&](Reader& reader) { return search<ReportRow>(reader, Table::Report, query); });
}
Result<Page<ObservationRow>> ViewReader::observations(const Query& query) const {
    return impl_->with(
        [&](Reader& reader) { return search<ObservationRow>(reader, Table::Observation, query); });
}
Result<Page<RiskRow>> ViewReader::risks(const Query& query) const {
    return impl_->with([&](Reader& reader) { return search<RiskRow>(reader, Table::Risk, query); });
}
Result<Page<BodyRow>> ViewReader::alerts(const Query& query) const {
    return impl_->with(
        [&](Reader& reader) { return search<BodyRow>(reader, Table::Alert, query); });
}
Result<Page<BodyRow>> ViewReader::tasks(const Query& query) const {
    return impl_->with([&](Reader& reader) { return search<BodyRow>(reader, Table::Task, query); });
}
Result<Page<BodyRow>> ViewReader::deliveries(const Query& query) const {
    return impl_->with(
        [&](Reader& reader) { return search<BodyRow>(reader, Table::Delivery, query); });
}

Result<std::vector<MessageCount>> ViewReader::message_counts(std::int64_t from_us,
                                                             std::int64_t to_us) const {
    return impl_->with([&](Reader& reader) -> Result<std::vector<MessageCount>> {
        // What was decided since `from` was also written since then: the index on that is used.
        VITALOG_TRY(Statement* const statement,
                    reader.prepared(
                        "SELECT created_us/900000000,coalesce(json_extract(body,'$.channel'),''),"
                        "state,json_extract(body,'$.attempts')>0,count(*) FROM delivery WHERE "
                        "updated_us>=?1 AND created_us>=?1 AND created_us<?2 GROUP BY 1,2,3,4"));
        statement->bind(from_us, to_us);
        std::vector<MessageCount> counts;
        for (;;) {
            VITALOG_TRY(const bool more, statement->next());
            if (!more) return counts;
            counts.push_back({statement->integer(0) * 900'000'000, statement->string(1),
                              statement->string(2), statement->integer(3) != 0,
                              statement->integer(4)});
        }
    });
}

Result<std::optional<BodyRow>> ViewReader::task_version(const std::string& task,
                                                        std::int64_t version) const {
    return impl_->with([&](Reader& reader) -> Result<std::optional<BodyRow>> {
        VITALOG_TRY(Statement* const statement,
                    reader.prepared("SELECT person,body,updated_us FROM task_version WHERE "
                                    "task=?1 AND version=?2"));
        statement->bind(task, version);
        VITALOG_TRY(const bool found, statement->next());
        if (!found) return std::nullopt;
        BodyRow row;
        row.person = sql::id_text(statement->blob(0));
        row.id = task;
        row.body = statement->string(1);
        row.revision = version;
        row.updated_us = statement->integer(2);
        statement->reset();
        return row;
    });
}

Result<std::vector<std::string>> ViewReader::persons_of(std::string_view authority,
                                                        std::string_view value) const {
    return impl_->with([&](Reader& reader) -> Result<std::vector<std::string>> {
        VITALOG_TRY(Statement* const statement,
                    reader.prepared("SELECT DISTINCT person FROM identifier WHERE value=?1 AND "
                                    "(?2 IS NULL OR authority=?2)"));
        statement->bind(value, authority);
        std::vector<std::string> found;
        for (;;) {
            VITALOG_TRY(const bool more, statement->next());
            if (!more) break;
            found.emplace_back(statement->blob(0));
        }
        std::vector<std::string> persons;
        for (const auto& person : found) {
            VITALOG_TRY(const std::string survivor, reader.links.survivor_of(person));
            persons.push_back(sql::id_text(survivor));
        }
        std::sort(persons.begin(), persons.end());
        persons.erase(std::unique(persons.begin(), persons.end()), persons.end());
        return persons;
    });
}

Result<std::vector<std::string>> ViewReader::group_of(const std::string& person) const {
    return impl_->with([&](Reader& reader) { return reader.group(person); });
}

Result<std::vector<std::string>> ViewReader::persons_with_prefix(std::string_view prefix) const {
    return impl_->with([&](Reader& reader) -> Result<std::vector<std::string>> {
        std::string low(prefix), high(prefix);
        low.resize(32, '0');
        high.resize(32, 'f');
        // The id of all zeroes is no id to RecordId; a prefix of zeroes starts right after it.
        if (low.find_first_not_of('0') == std::string::npos) low.back() = '1';
        VITALOG_TRY(const std::string from, sql::id_bytes(low, "id"));
        VITALOG_TRY(const std::string to, sql::id_bytes(high, "id"));
        VITALOG_TRY(Statement* const statement,
                    reader.prepared("SELECT person FROM person WHERE person BETWEEN ?1 AND ?2"));
        statement->bind(Blob{from}, Blob{to});
        std::vector<std::string> found;
        for (;;) {
            VITALOG_TRY(const bool more, statement->next());
            if (!more) break;
            found.push_back(sql::id_text(statement->blob(0)));
        }
        std::vector<std::string> persons;
        for (const auto& person : found) {
            VITALOG_TRY(auto group, reader.group(person));
            persons.insert(persons.end(), group.begin(), group.end());
        }
        return persons;
    });
}

}  // namespace vitalog::sinks::views
