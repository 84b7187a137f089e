#include "sinks/views/schema.h"

// In the words of SQLite; for_postgres() says them in PostgreSQL's.
//
// Person, observation, report, risk and encounter ids are 16 bytes; task, alert and intent ids are
// text. *_us columns are microseconds since the epoch. `said_us` is the time of the message,
// `updated_us` the log's time of the record.
//
// What exists in great number lies clustered by person (WITHOUT ROWID): the results of one message
// share a page, a search for one patient reads consecutive pages, and no second index is written to
// at random. The index by `updated_us` only ever grows at its end.
//
// `record` says which record a row comes from (Source::record()); Provenance starts there.
//
// Samples: a series is one measure from one source at one person, an hour of it one row, packed as
// in sinks/views/sample_chunk.h. `telemetry` shows the hours with the columns by which observations
// are searched; the id of an hour is its series and hour in digits (sinks/views/telemetry_id.h).
// The CROSS JOIN lets a search for a code pick the series before it reads their hours. `vital`: 0
// laboratory, 1 vital signs, 2 activity.
//
// `details` of reports and observations is JSON as in sinks/views/details.h.
//
// `hidden` keeps a row out of searches: 1 withdrawn, or told by another row, unless a search asks
// for it; 2 a result that never had a value, always. `revision` of alerts, tasks and messages is
// the event's own count.

namespace vitalog::sinks::views {
namespace {

constexpr std::string_view kTables = R"sql(
CREATE TABLE position(topic TEXT, partition INTEGER, generation INTEGER, next_offset INTEGER,
    PRIMARY KEY(topic, partition)) WITHOUT ROWID;

CREATE TABLE person(person BLOB PRIMARY KEY, family TEXT, given TEXT, birth_date TEXT, sex TEXT, phone TEXT,
    address TEXT, deceased INTEGER, deceased_at TEXT, deleted INTEGER, team TEXT, said_us INTEGER, updated_us INTEGER,
    record INTEGER) WITHOUT ROWID;
CREATE INDEX person_updated ON person(updated_us);
CREATE INDEX person_family ON person(family COLLATE NOCASE);

CREATE TABLE identifier(value TEXT, authority TEXT, type TEXT, person BLOB, partition INTEGER, updated_us INTEGER,
    PRIMARY KEY(value, authority)) WITHOUT ROWID;
CREATE INDEX identifier_person ON identifier(person);

CREATE TABLE link(loser BLOB PRIMARY KEY, survivor BLOB, reason TEXT, updated_us INTEGER) WITHOUT ROWID;
CREATE INDEX link_survivor ON link(survivor);

CREATE TABLE encounter(person BLOB, id BLOB, visit TEXT, status TEXT, class TEXT, start_us INTEGER, end_us INTEGER,
    history TEXT, merged TEXT, hidden INTEGER, updated_us INTEGER, record INTEGER,
    PRIMARY KEY(person, id)) WITHOUT ROWID;
CREATE INDEX encounter_updated ON encounter(updated_us);
CREATE INDEX encounter_status ON encounter(status, start_us);

CREATE TABLE report(person BLOB, id BLOB, placer TEXT, filler TEXT, code TEXT, code_system TEXT, display TEXT,
    status TEXT, effective TEXT, effective_us INTEGER, section TEXT, orderer_id TEXT, orderer_name TEXT,
    results BLOB, encounter BLOB, said_us INTEGER, revision INTEGER, updated_us INTEGER, details TEXT,
    record INTEGER, PRIMARY KEY(person, id)) WITHOUT ROWID;
CREATE INDEX report_updated ON report(updated_us);

CREATE TABLE observation(person BLOB, effective_us INTEGER, id BLOB, series BLOB, report BLOB, encounter BLOB,
    status TEXT, vital INTEGER, loinc TEXT, code TEXT, code_system TEXT, display TEXT, effective TEXT, kind TEXT,
    value REAL, unit TEXT, comparator TEXT, text TEXT, raw_value TEXT, raw_unit TEXT, low REAL, high REAL,
    range TEXT, flags TEXT, said_us INTEGER, revision INTEGER, corrects INTEGER, replaced_by BLOB, hidden INTEGER,
    updated_us INTEGER, details TEXT, record INTEGER, PRIMARY KEY(person, effective_us, id)) WITHOUT ROWID;
CREATE INDEX observation_updated ON observation(updated_us);

CREATE TABLE risk(person BLOB, id BLOB, method TEXT, version TEXT, status TEXT, value REAL, unit TEXT, band TEXT,
    missing TEXT, reason TEXT, occurred TEXT, occurred_us INTEGER, basis TEXT, hidden INTEGER, merged_into BLOB,
    detail TEXT, composite INTEGER, revision INTEGER, updated_us INTEGER, record INTEGER,
    PRIMARY KEY(person, id)) WITHOUT ROWID;
CREATE INDEX risk_updated ON risk(updated_us);

CREATE TABLE alert(id TEXT PRIMARY KEY, person BLOB, rule TEXT, priority TEXT, state TEXT, since_us INTEGER,
    body TEXT, revision INTEGER, updated_us INTEGER, record INTEGER) WITHOUT ROWID;
CREATE INDEX alert_person ON alert(person, since_us);
CREATE INDEX alert_updated ON alert(updated_us);

CREATE TABLE task(id TEXT PRIMARY KEY, person BLOB, alert TEXT, team TEXT, owner TEXT, status TEXT, priority INTEGER,
    opened_us INTEGER, deadline_us INTEGER, body TEXT, revision INTEGER, updated_us INTEGER,
    record INTEGER) WITHOUT ROWID;
CREATE INDEX task_person ON task(person);
CREATE INDEX task_team ON task(team, status, deadline_us);
CREATE INDEX task_owner ON task(owner, status, deadline_us);
CREATE INDEX task_status ON task(status, deadline_us);
CREATE INDEX task_updated ON task(updated_us);

CREATE TABLE task_version(task TEXT, version INTEGER, person BLOB, body TEXT, updated_us INTEGER,
    PRIMARY KEY(task, version)) WITHOUT ROWID;

CREATE TABLE delivery(id TEXT PRIMARY KEY, person BLOB, recipient TEXT, task TEXT, episode TEXT, state TEXT,
    fhir_status TEXT, purpose TEXT, created_us INTEGER, sent_us INTEGER, received_us INTEGER, body TEXT,
    revision INTEGER, updated_us INTEGER, record INTEGER) WITHOUT ROWID;
CREATE INDEX delivery_person ON delivery(person, created_us);
CREATE INDEX delivery_recipient ON delivery(recipient, created_us);
CREATE INDEX delivery_task ON delivery(task);
CREATE INDEX delivery_updated ON delivery(updated_us);

CREATE TABLE sample_series(person BLOB, n INTEGER, loinc TEXT, unit TEXT, display TEXT, source TEXT, rank INTEGER,
    statistic TEXT, self_reported INTEGER, summary INTEGER, provider TEXT, vital INTEGER, PRIMARY KEY(person, n))
    WITHOUT ROWID;
CREATE TABLE sample_hour(person BLOB, n INTEGER, hour INTEGER, packed BLOB, offset_minutes INTEGER,
    clock_shift INTEGER, revision INTEGER, updated_us INTEGER, record INTEGER, PRIMARY KEY(person, n, hour))
    WITHOUT ROWID;

CREATE TABLE clash(person BLOB, other BLOB, authority TEXT, value TEXT, named_by TEXT, updated_us INTEGER,
    PRIMARY KEY(person, other)) WITHOUT ROWID;
)sql";

constexpr std::string_view kTelemetryView = R"sql(
CREATE VIEW telemetry AS SELECT h.person AS person, @id AS id, h.n AS n, h.hour AS hour,
    h.hour*3600000000 AS effective_us, s.loinc AS loinc, s.loinc AS code, 'LN' AS code_system, 'final' AS status,
    s.vital AS vital, 0 AS hidden, @none AS encounter, s.unit AS unit, s.display AS display, s.source AS source,
    s.statistic AS statistic, s.self_reported AS self_reported, s.provider AS provider, h.packed AS packed,
    h.offset_minutes AS offset_minutes, h.clock_shift AS clock_shift, h.revision AS revision,
    h.updated_us AS updated_us, h.record AS record
    FROM sample_series s @join JOIN sample_hour h ON h.person=s.person AND h.n=s.n;
)sql";

void replace(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
}

/// Texts compare by their bytes, as in SQLite. What is most is partitioned by time; the months of
/// it are made when their first row comes (sinks/views/postgres_months.h).
std::string for_postgres(std::string text) {
    replace(text, " BLOB", " BYTEA");
    replace(text, " INTEGER", " BIGINT");
    replace(text, " REAL", " DOUBLE PRECISION");
    replace(text, " TEXT", " TEXT COLLATE \"C\"");
    replace(text, "(family COLLATE NOCASE)", "(lower(family) text_pattern_ops)");
    replace(text, "PRIMARY KEY(person, effective_us, id)) WITHOUT ROWID",
            "PRIMARY KEY(person, effective_us, id)) PARTITION BY RANGE(effective_us)");
    replace(text, "PRIMARY KEY(person, n, hour))\n    WITHOUT ROWID",
            "PRIMARY KEY(person, n, hour)) PARTITION BY RANGE(hour)");
    replace(text, "WITHOUT ROWID", "");
    return text;
}

}  // namespace

std::string schema_for(sql::Dialect dialect) {
    std::string view(kTelemetryView);
    const bool sqlite = dialect == sql::Dialect::Sqlite;
    replace(view, "@id",
            sqlite ? "CAST(printf('tele%05d%07d', h.n, h.hour) AS BLOB)"
                   : "convert_to('tele'||lpad(h.n::text,5,'0')||lpad(h.hour::text,7,'0'),'UTF8')");
    replace(view, "@none", sqlite ? "NULL" : "NULL::bytea");
    replace(view, "@join", sqlite ? "CROSS" : "");
    return (sqlite ? std::string(kTables) : for_postgres(std::string(kTables))) + view;
}

}  // namespace vitalog::sinks::views
