#include "sinks/views/query_sql.h"

#include <algorithm>
#include <array>

#include "schemas/base/ids.h"
#include "sinks/views/sample_chunk.h"
#include "sinks/views/telemetry_id.h"

namespace vitalog::sinks::views {
namespace {

using sql::Blob;
using sql::Statement;

constexpr std::array<TableInfo, 8> kTables{{
    {"person", "person",
     "person,family,given,birth_date,sex,phone,address,deceased,deceased_at,deleted,team,"
     "updated_us,record",
     true},
    {"encounter", "id", "person,id,visit,coalesce(merged,history),updated_us,record", true},
    {"report", "id",
     "person,id,placer,filler,code,code_system,display,status,effective,section,orderer_id,orderer_"
     "name,"
     "encounter,results,revision,updated_us,record,details",
     true},
    {"observation", "id",
     "person,id,report,encounter,status,vital,loinc,code,code_system,display,effective,kind,value,"
     "unit,"
     "comparator,text,raw_value,raw_unit,low,high,range,flags,replaced_by,revision,"
     "updated_us,record,details",
     true, true},
    {"risk", "id",
     "person,id,method,version,status,value,unit,band,missing,reason,occurred,basis,detail,"
     "composite,hidden,revision,updated_us,record",
     true},
    {"alert", "id", "person,id,body,NULL,NULL,NULL,revision,updated_us,record"},
    {"task", "id", "person,id,body,NULL,NULL,NULL,revision,updated_us,record"},
    {"delivery", "id", "person,id,body,fhir_status,sent_us,received_us,revision,updated_us,record"},
}};
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

/// Letters of ASCII match in either case: SQLite's LIKE does so by itself, and lower() of a column
/// in the collation "C" knows no others.
void append_like(Sql& sql, std::string_view column, const std::string& pattern) {
    const bool sqlite = sql.dialect == sql::Dialect::Sqlite;
    sql.text +=
        (sqlite ? "" : "lower(") + std::string(column) + (sqlite ? " LIKE " : ") LIKE lower(");
    sql.placeholder(pattern);
    sql.text += sqlite ? " ESCAPE '\\'" : "::text COLLATE \"C\") ESCAPE '\\'";
}

void append_term(Sql& sql, const Term& term) {
    VITALOG_ASSERT(!term.values.empty(), "a search term without a value");
    if (term.op == Op::In || term.op == Op::NotIn) {
        sql.text += term.column;
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
        append_like(sql, term.column, pattern + "%");
        return;
    }
    sql.text += term.column;
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

/// Columns that every row fills, so that a range of them can be read from an index.
bool always_there(std::string_view column) {
    static constexpr std::array<std::string_view, 5> kFilled{
        "updated_us", "occurred_us", "since_us", "deadline_us", "created_us"};
    return std::find(kFilled.begin(), kFilled.end(), column) != kFilled.end();
}

/// Rows without a value come first where it ascends, last where it descends: SQLite's order, said
/// where a column may be empty.
std::string by(const TableInfo& table, const Order& order) {
    const bool filled = always_there(order.column) || order.column == table.id ||
                        (table.by_time && order.column == "effective_us") ||
                        (table.of_a_person && order.column == "person");
    std::string text(order.column);
    if (order.descending) text += " DESC";
    if (!filled) text += order.descending ? " NULLS LAST" : " NULLS FIRST";
    return text;
}

Value value_of(const Cursor::Mark& mark) {
    if (const auto* number = std::get_if<std::int64_t>(&mark)) return *number;
    if (const auto* text = std::get_if<std::string>(&mark)) return *text;
    return std::get<Id>(mark);
}

/// "column lies behind the mark": NULL is smaller than everything.
void append_behind(Sql& sql, const Order& order, const Cursor::Mark& mark) {
    const bool null = mark.index() == 0;
    const std::string column(order.column);
    if (null) {
        sql.text += order.descending ? "1=0" : column + " IS NOT NULL";
        return;
    }
    sql.text += "(" + column + (order.descending ? "<" : ">");
    sql.placeholder(value_of(mark));
    if (order.descending) sql.text += " OR " + column + " IS NULL";
    sql.text += ")";
}

/// The rows behind a cursor: behind it in the first column, or as it there and behind it in the
/// second, and so on.
void append_after(Sql& sql, const std::vector<Order>& order,
                  const std::vector<Cursor::Mark>& marks) {
    if (always_there(order.front().column) && marks.front().index() != 0) {
        sql.text +=
            " AND " + std::string(order.front().column) + (order.front().descending ? "<=" : ">=");
        sql.placeholder(value_of(marks.front()));
    }
    sql.text += " AND (";
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i > 0) sql.text += " OR ";
        sql.text += "(";
        for (std::size_t k = 0; k < i; ++k) {
            sql.text += order[k].column;
            sql.text += marks[k].index() == 0 ? " IS NULL" : "=";
            if (marks[k].index() != 0) sql.placeholder(value_of(marks[k]));
            sql.text += " AND ";
        }
        append_behind(sql, order[i], marks[i]);
        sql.text += ")";
    }
    sql.text += ")";
}

/// The same term of an hour of samples.
Term telemetry_term(const Term& term) {
    if (term.column == "effective_us") {
        // An hour is found by any moment in it.
        constexpr std::int64_t kHourMicros = kHourMillis * 1'000;
        const std::int64_t at = std::get<std::int64_t>(term.values.front());
        const std::int64_t hour = at / kHourMicros - (at % kHourMicros < 0 ? 1 : 0);
        const bool up_to = term.op == Op::Less && at % kHourMicros != 0;
        return {"hour", term.op, {hour + (up_to ? 1 : 0)}};
    }
    return term;
}

/// Alternatives of one condition; ids are looked up by what they say.
Condition telemetry_condition(const Condition& condition) {
    Condition out;
    for (const auto& alternative : condition) {
        if (alternative.size() == 1 && alternative.front().column == "id") {
            for (const auto& value : alternative.front().values)
                if (const auto id = TelemetryId::parse(std::get<Id>(value).hex))
                    out.push_back({{"n", Op::In, {id->n}}, {"hour", Op::In, {id->hour}}});
            continue;
        }
        std::vector<Term> terms;
        for (const auto& term : alternative) terms.push_back(telemetry_term(term));
        out.push_back(std::move(terms));
    }
    return out;
}

}  // namespace

const TableInfo& info(Table table) {
    return kTables[static_cast<std::size_t>(table)];
}

const TableInfo kTelemetry{
    "telemetry", "id",
    "person,n,hour,status,vital,loinc,display,unit,source,statistic,self_reported,provider,packed,"
    "offset_minutes,clock_shift,revision,updated_us,record",
    true, true};

Sql where(sql::Dialect dialect, const TableInfo& table, const Query& query) {
    Sql sql(dialect);
    sql.text = " FROM " + std::string(table.name) + " WHERE ";
    if (query.persons) {
        std::vector<Value> ids;
        for (const auto& person : *query.persons) ids.emplace_back(Id{person});
        append_term(sql, {"person", Op::In, std::move(ids)});
    } else {
        sql.text += "1=1";
    }
    for (const auto& condition : query.conditions) append_condition(sql, condition);
    if (query.survivors_only)
        sql.text += " AND NOT EXISTS(SELECT 1 FROM link WHERE link.loser=person.person)";
    return sql;
}

std::vector<Order> order_of(const TableInfo& table, const Query& query) {
    std::vector<Order> order = query.order;
    order.push_back({table.id});
    if (table.id != "person") order.push_back({"person"});
    return order;
}

Result<Sql> page_of(sql::Dialect dialect, const TableInfo& table, const Query& query) {
    const auto order = order_of(table, query);
    Sql sql = where(dialect, table, query);
    if (!query.after.empty()) {
        if (query.after.marks.size() != order.size())
            return fail(Errc::Malformed,
                        "_page is not of this search; follow the link 'next' of a page as it is");
        append_after(sql, order, query.after.marks);
    }
    std::string columns = "SELECT " + std::string(table.columns);
    std::string ordered;
    for (const auto& one : order) {
        columns += "," + std::string(one.column);
        ordered += (ordered.empty() ? " ORDER BY " : ",") + by(table, one);
    }
    sql.text = columns + sql.text + ordered + " LIMIT ";
    sql.placeholder(query.limit + 1);
    return sql;
}

std::optional<Query> telemetry_query(const Query& query) {
    if (!query.persons) return std::nullopt;
    Query telemetry = query;
    for (auto& condition : telemetry.conditions) {
        condition = telemetry_condition(condition);
        if (condition.empty()) return std::nullopt;
    }
    return telemetry;
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

}  // namespace vitalog::sinks::views
