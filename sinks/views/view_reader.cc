#include "sinks/views/view_reader.h"

#include <algorithm>

#include "schemas/base/ids.h"
#include "sinks/views/query_sql.h"
#include "sinks/views/reader_pool.h"
#include "sinks/views/row_reader.h"
#include "sinks/views/sample_reader.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;
using sql::Statement;

/// A row with its place in the order of its search.
template <class Row>
struct Placed {
    Row row;
    std::vector<Cursor::Mark> marks;
};

Result<std::int64_t> count_rows(Reader& reader, const TableInfo& table, const Query& query) {
    const Sql sql = where(reader.connection->dialect(), table, query);
    VITALOG_TRY(Statement* const statement,
                reader.prepared("SELECT count(*) FROM (SELECT 1" + sql.text + " LIMIT " +
                                std::to_string(ViewReader::kCountMax + 1) + ") AS counted"));
    std::vector<std::string> held;
    VITALOG_CHECK(bind_all(*statement, sql.values, held));
    VITALOG_TRY(const bool found, statement->next());
    const std::int64_t count = found ? statement->integer(0) : 0;
    statement->reset();
    return count;
}

/// The rows of a page and, where there is more, one beyond.
template <class Row>
Result<std::vector<Placed<Row>>> fetch(Reader& reader, const TableInfo& table, const Query& query) {
    VITALOG_TRY(const Sql sql, page_of(reader.connection->dialect(), table, query));
    VITALOG_TRY(Statement* const statement, reader.prepared(sql.text));
    std::vector<std::string> held;
    VITALOG_CHECK(bind_all(*statement, sql.values, held));
    const auto order = order_of(table, query);
    std::vector<Placed<Row>> rows;
    for (;;) {
        VITALOG_TRY(const bool more, statement->next());
        if (!more) return rows;
        auto& placed = rows.emplace_back();
        VITALOG_TRY(int column, read_row(*statement, placed.row));
        for (std::size_t i = 0; i < order.size(); ++i)
            placed.marks.push_back(mark_of(*statement, column++));
    }
}

/// True when `a` comes before `b`.
template <class Row>
bool comes_before(const Placed<Row>& a, const Placed<Row>& b, const std::vector<Order>& order) {
    for (std::size_t i = 0; i < a.marks.size(); ++i)
        if (a.marks[i] != b.marks[i])
            return (a.marks[i] < b.marks[i]) != (i < order.size() && order[i].descending);
    return false;
}

/// A page of what several tables hold, each fetched in the same order. The rows in hand say how
/// many there are when they are all.
template <class Row>
Page<Row> page_from(std::vector<Placed<Row>> rows, const Query& query) {
    Page<Row> page;
    const auto limit = static_cast<std::size_t>(query.limit);
    page.more = rows.size() > limit;
    if (page.more) {
        rows.resize(limit);
        if (limit > 0) page.next.marks = rows.back().marks;
    } else if (query.after.empty()) {
        page.total = static_cast<std::int64_t>(rows.size());
    }
    for (auto& placed : rows) page.rows.push_back(std::move(placed.row));
    return page;
}

template <class Row>
Result<Page<Row>> search(Reader& reader, Table table, const Query& query) {
    VITALOG_TRY(auto rows, fetch<Row>(reader, info(table), query));
    auto page = page_from(std::move(rows), query);
    if (!query.count || page.total) return page;
    VITALOG_TRY(const std::int64_t count, count_rows(reader, info(table), query));
    if (count <= ViewReader::kCountMax) page.total = count;
    return page;
}

/// Observations and hours of samples, as one.
Result<Page<ObservationRow>> search_observations(Reader& reader, const Query& query) {
    const auto hours = telemetry_query(query);
    if (!hours) return search<ObservationRow>(reader, Table::Observation, query);
    VITALOG_TRY(auto rows, fetch<ObservationRow>(reader, info(Table::Observation), query));
    VITALOG_TRY(auto telemetry, fetch<TelemetryRow>(reader, kTelemetry, *hours));
    const auto middle = static_cast<std::ptrdiff_t>(rows.size());
    for (auto& one : telemetry)
        rows.push_back({observation_of(std::move(one.row)), std::move(one.marks)});
    std::inplace_merge(
        rows.begin(), rows.begin() + middle, rows.end(),
        [&](const auto& a, const auto& b) { return comes_before(a, b, query.order); });
    auto page = page_from(std::move(rows), query);
    if (!query.count || page.total) return page;
    VITALOG_TRY(const std::int64_t count, count_rows(reader, info(Table::Observation), query));
    VITALOG_TRY(const std::int64_t more, count_rows(reader, kTelemetry, *hours));
    if (count + more <= ViewReader::kCountMax) page.total = count + more;
    return page;
}

/// Where a page of clashes begins: behind this one.
struct ClashPlace {
    std::int64_t at = INT64_MIN;
    std::string person, other;  // bytes
};

Result<ClashPlace> clash_place(const Cursor& cursor) {
    const auto& marks = cursor.marks;
    ClashPlace place;
    const auto* at = marks.size() == 3 ? std::get_if<std::int64_t>(&marks[0]) : nullptr;
    const auto* person = at != nullptr ? std::get_if<Id>(&marks[1]) : nullptr;
    const auto* other = person != nullptr ? std::get_if<Id>(&marks[2]) : nullptr;
    if (other == nullptr)
        return fail(Errc::Malformed, "'from' is not a 'next' of /clashes; take it as it is");
    place.at = *at;
    VITALOG_TRY(place.person, sql::id_bytes(person->hex, "person"));
    VITALOG_TRY(place.other, sql::id_bytes(other->hex, "person"));
    return place;
}

/// The next pair that is still two; false where there is none. `after` is the place of the last.
Result<bool> next_clash(Reader& reader, Statement& statement, ClashRow& row, Cursor& place) {
    for (;;) {
        VITALOG_TRY(const bool more, statement.next());
        if (!more) return false;
        const std::string person(statement.blob(0)), other(statement.blob(1));
        VITALOG_TRY(const std::string survivor, reader.links.survivor_of(person));
        VITALOG_TRY(const std::string of_other, reader.links.survivor_of(other));
        if (survivor == of_other) continue;
        row = {sql::id_text(person), sql::id_text(other), statement.string(2),
               statement.string(3),  statement.string(4), statement.integer(5)};
        place.marks = {row.updated_us, Id{row.person}, Id{row.other}};
        return true;
    }
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
        VITALOG_TRY(const auto rows, fetch<PatientRow>(reader, info(Table::Patient), query));
        if (!rows.empty()) describe_from(row, rows.front().row);
    }
    return {};
}

}  // namespace

struct ViewReader::Impl : ReaderPool {};

ViewReader::ViewReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ViewReader::ViewReader(ViewReader&&) noexcept = default;
ViewReader& ViewReader::operator=(ViewReader&&) noexcept = default;
ViewReader::~ViewReader() = default;

Result<ViewReader> ViewReader::open(const std::string& place, std::size_t connections) {
    VITALOG_TRY(auto pool, ReaderPool::open(place, std::max<std::size_t>(connections, 1)));
    return ViewReader(std::make_unique<Impl>(Impl{std::move(pool)}));
}

std::int64_t ViewReader::memory_bytes() {
    return sql::sqlite_memory_bytes();
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
    return impl_->with([&](Reader& reader) { return search_observations(reader, query); });
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

Result<std::vector<SeriesSource>> ViewReader::samples(const SeriesQuery& query,
                                                      const SeriesVisitor& visit) const {
    return impl_->with_once([&](Reader& reader) { return read_samples(reader, query, visit); });
}

Result<std::vector<MessageCount>> ViewReader::message_counts(std::int64_t from_us,
                                                             std::int64_t to_us) const {
    return impl_->with([&](Reader& reader) -> Result<std::vector<MessageCount>> {
        // What was decided since `from` was also written since then: the index on that is used.
        const bool sqlite = reader.connection->dialect() == sql::Dialect::Sqlite;
        const std::string channel =
            sqlite ? "json_extract(body,'$.channel')" : "body::json->>'channel'";
        const std::string attempts =
            sqlite ? "json_extract(body,'$.attempts')" : "(body::json->>'attempts')::bigint";
        VITALOG_TRY(Statement* const statement,
                    reader.prepared("SELECT created_us/900000000,coalesce(" + channel +
                                    ",''),state,CASE WHEN " + attempts +
                                    ">0 THEN 1 ELSE 0 END,count(*) FROM delivery WHERE "
                                    "updated_us>=?1 AND created_us>=?1 AND created_us<?2 GROUP BY "
                                    "1,2,3,4"));
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

Result<Page<ClashRow>> ViewReader::clashes(const Cursor& after, std::int64_t limit) const {
    return impl_->with([&](Reader& reader) -> Result<Page<ClashRow>> {
        VITALOG_TRY(Statement* const statement,
                    reader.prepared("SELECT person,other,authority,value,named_by,updated_us FROM "
                                    "clash WHERE (updated_us,person,other)>(?1,?2,?3) ORDER BY "
                                    "updated_us,person,other"));
        ClashPlace from;
        if (!after.empty()) {
            VITALOG_TRY(from, clash_place(after));
        }
        statement->bind(from.at, Blob{from.person}, Blob{from.other});
        Page<ClashRow> page;
        ClashRow row;
        Cursor place;
        for (;;) {
            VITALOG_TRY(const bool more, next_clash(reader, *statement, row, place));
            if (!more) return page;
            page.more = static_cast<std::int64_t>(page.rows.size()) == limit;
            if (page.more) break;
            page.next = place;
            page.rows.push_back(row);
        }
        statement->reset();
        return page;
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
                                    "(CAST(?2 AS TEXT) IS NULL OR authority=?2)"));
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
