#include "sinks/views/person_table.h"

#include <algorithm>
#include <vector>

namespace vitalog::sinks::views {
namespace {

using sql::Blob;

/// Members of a Patient that the row has, as they are named in Patient::cleared.
constexpr std::array<std::string_view, 9> kSaid{"family",   "given",       "birth_date",
                                                "sex",      "phone",       "address",
                                                "deceased", "deceased_at", "deleted"};
constexpr std::size_t kDeceased = 6;
constexpr std::size_t kDeleted = 8;  // holds until somebody says something newer

std::array<std::string, kSaid.size()> said_by(const schemas::Patient& patient) {
    return {{std::string(patient.family), std::string(patient.given),
             patient.birth_date ? to_string(*patient.birth_date) : "", std::string(patient.sex),
             std::string(patient.phone), std::string(patient.address),
             patient.deceased || patient.deceased_at ? "1" : "",
             patient.deceased_at ? to_string(*patient.deceased_at) : "",
             patient.deleted ? "1" : ""}};
}

std::optional<std::int64_t> flag(const std::string& said) {
    return said.empty() ? std::nullopt : std::optional<std::int64_t>(1);
}

}  // namespace

Result<PersonTable> PersonTable::open(sql::Connection& connection) {
    PersonTable table;
    VITALOG_TRY(table.load_,
                connection.prepare("SELECT family,given,birth_date,sex,phone,address,deceased,"
                                   "deceased_at,deleted,team,said_us,updated_us,record FROM person "
                                   "WHERE person=?1",
                                   {"person", 1}));
    if (connection.remote()) {
        VITALOG_TRY(table.load_many_,
                    connection.prepare("SELECT person,family,given,birth_date,sex,phone,address,"
                                       "deceased,deceased_at,deleted,team,said_us,updated_us,"
                                       "record FROM person WHERE person=ANY(?1::bytea[])",
                                       {"person"}));
    }
    VITALOG_TRY(
        table.save_,
        connection.prepare(sql::Upsert{
            "person",
            "person,family,given,birth_date,sex,phone,address,deceased,deceased_at,deleted,team,"
            "said_us,updated_us,record",
            "person",
            "UPDATE SET family=excluded.family,given=excluded.given,birth_date=excluded.birth_date,"
            "sex=excluded.sex,phone=excluded.phone,address=excluded.address,deceased=excluded."
            "deceased,deceased_at=excluded.deceased_at,deleted=excluded.deleted,team=excluded.team,"
            "said_us=excluded.said_us,updated_us=excluded.updated_us,record=excluded.record"}));
    return table;
}

Result<PersonTable::Row*> PersonTable::row(const std::string& person) {
    const auto found = rows_.find(person);
    if (found != rows_.end()) return &found->second;
    Row row;
    load_.bind(Blob{person});
    VITALOG_TRY(const bool known, load_.next());
    if (known) row = read(load_, 0);
    load_.reset();
    return &rows_.emplace(person, std::move(row)).first->second;
}

PersonTable::Row PersonTable::read(const sql::Statement& statement, int column) {
    Row row;
    row.known = true;
    for (auto& said : row.said) said = statement.string(column++);
    row.team = statement.string(column++);
    row.said_us = statement.maybe_integer(column++);
    row.updated_us = statement.integer(column++);
    row.record = statement.integer(column);
    return row;
}

Result<void> PersonTable::fetch() {
    if (expected_.empty()) return {};
    const std::vector<std::string> persons(expected_.begin(), expected_.end());
    for (const auto& person : persons) rows_.try_emplace(person);
    expected_.clear();
    const std::string all = sql::array_of(persons);
    load_many_.bind(all);
    for (;;) {
        VITALOG_TRY(const bool more, load_many_.next());
        if (!more) return {};
        rows_[std::string(load_many_.blob(0))] = read(load_many_, 1);
    }
}

void PersonTable::forget() {
    rows_.clear();
    expected_.clear();
}

void PersonTable::see(Row& row, const Source& source) {
    row.updated_us = row.known ? std::max(row.updated_us, source.at_us) : source.at_us;
    if (!row.known) row.record = source.record();
    if (!row.said_us) row.record = std::min(row.record, source.record());
    row.known = row.changed = true;
}

Result<void> PersonTable::seen(const std::string& person, const Source& source) {
    VITALOG_TRY(Row* const known, row(person));
    see(*known, source);
    return {};
}

Result<void> PersonTable::assign(const std::string& person, std::string_view team,
                                 const Source& source) {
    VITALOG_TRY(Row* const known, row(person));
    see(*known, source);
    known->team = team;
    return {};
}

Result<void> PersonTable::describe(const std::string& person, const schemas::Patient& patient,
                                   std::int64_t said_us, const Source& source) {
    VITALOG_TRY(Row* const found, row(person));
    Row& row = *found;
    const std::int64_t known_us = row.said_us.value_or(INT64_MIN);
    const bool newer = said_us >= known_us;
    const auto says = said_by(patient);
    auto now = row.said;
    if (newer) now[kDeleted].clear();
    for (std::size_t i = 0; i < now.size(); ++i) {
        const bool cleared = std::find(patient.cleared.begin(), patient.cleared.end(), kSaid[i]) !=
                             patient.cleared.end();
        if (cleared && newer) now[i].clear();
        if (!says[i].empty() && (newer || now[i].empty())) now[i] = says[i];
    }
    if (row.known && now == row.said && said_us <= known_us) return {};
    row.said = std::move(now);
    row.said_us = std::max(said_us, known_us);
    row.updated_us = source.at_us;
    row.record = source.record();
    row.known = row.changed = true;
    return {};
}

Result<void> PersonTable::finish() {
    for (const auto& [person, row] : rows_) {
        if (!row.changed) continue;
        const auto& s = row.said;
        VITALOG_CHECK(save_.run(Blob{person}, s[0], s[1], s[2], s[3], s[4], s[5],
                                flag(s[kDeceased]), s[7], flag(s[kDeleted]), row.team, row.said_us,
                                row.updated_us, row.record));
    }
    rows_.clear();
    return {};
}

}  // namespace vitalog::sinks::views
