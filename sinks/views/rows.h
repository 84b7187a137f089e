#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinks/views/query.h"
#include "sinks/views/sample_chunk.h"

// Rows of the views as readers get them. Ids are text (32 hexadecimal digits), times as in
// sinks/views/schema.cc; `record` is Source::record() of what a row comes from.

namespace vitalog::sinks::views {

struct IdentifierRow {
    std::string authority;
    std::string value;
    std::string type;
};

struct PatientRow {
    std::string person;
    std::string family, given, birth_date, sex, phone, address, deceased_at, team;
    bool deceased = false;
    bool deleted = false;  ///< the hospital deleted what it had said about the person
    std::int64_t updated_us = 0;
    std::vector<IdentifierRow> identifiers;
    std::int64_t record = 0;
    std::string survivor;             ///< of one who was merged away
    std::vector<std::string> merged;  ///< who was merged into this one
};

struct EncounterRow {
    std::string person, id, visit, history;
    std::int64_t updated_us = 0;
    std::int64_t record = 0;
};

struct ReportRow {
    std::string person, id, placer, filler, code, code_system, display, status, effective, section;
    std::string orderer_id, orderer_name, encounter;
    std::vector<std::string> results;  ///< ids of observations
    std::int64_t revision = 1;
    std::int64_t updated_us = 0;
    std::int64_t record = 0;
    std::string details;  ///< ReportDetails; empty: none
};

/// What an hour of samples says beyond an observation.
struct Telemetry {
    std::string source, provider, statistic;
    bool self_reported = false;
    bool activity = false;  ///< no vital sign
    int offset_minutes = 0;
    std::int64_t clock_shift = 0;  ///< milliseconds added to the device's times; 0: none
    SampleStatistics statistics;
};

struct ObservationRow {
    std::string person, id, report, encounter;
    std::string status;  ///< FHIR
    bool vital = false;
    std::string loinc, code, code_system, display, effective, kind;
    std::optional<double> value;
    std::string unit, comparator, text, raw_value, raw_unit;
    std::optional<double> low, high;
    std::string range, flags, replaced_by;
    std::int64_t revision = 1;
    std::int64_t updated_us = 0;
    std::int64_t record = 0;
    std::string details;                 ///< ObservationDetails; empty: none
    std::optional<Telemetry> telemetry;  ///< an hour of samples: no value of its own
};

struct RiskRow {
    std::string person, id, method, version, status;
    std::optional<double> value;
    std::string unit, band, missing, reason, occurred, basis;  ///< missing, basis: JSON arrays
    std::string detail;
    bool composite = false;
    bool hidden = false;
    std::int64_t revision = 1;
    std::int64_t updated_us = 0;
    std::int64_t record = 0;
};

/// An alert, a task or a message: the event as it was written.
struct BodyRow {
    std::string person;  ///< empty for notices to doctors
    std::string id;
    std::string body;
    std::string status;  ///< messages: FHIR event-status
    std::optional<std::int64_t> sent_us, received_us;
    std::int64_t revision = 1;
    std::int64_t updated_us = 0;
    std::int64_t record = 0;
};

/// Two persons who share an identifier and are not one.
struct ClashRow {
    std::string person;  ///< the one that would survive a merge
    std::string other;
    std::string authority, value;  ///< what they share
    std::string named_by;          ///< primary identifier of the record that showed it
    std::int64_t updated_us = 0;
};

/// How many messages of one quarter of an hour, by channel and state.
struct MessageCount {
    std::int64_t created_us = 0;  ///< when the quarter began
    std::string channel;          ///< empty: none could be chosen
    std::string state;
    bool attempted = false;
    std::int64_t count = 0;
};

template <class Row>
struct Page {
    std::vector<Row> rows;
    std::optional<std::int64_t> total;  ///< absent where counting would take too long
    bool more = false;
    Cursor next;  ///< of the last row, where there is more
};

}  // namespace vitalog::sinks::views
