#pragma once

#include "sinks/views/database.h"
#include "sinks/views/query.h"
#include "sinks/views/rows.h"

namespace vitalog::sinks::views {

/// An hour of samples, as the view `telemetry` has it.
struct TelemetryRow {
    ObservationRow row;
};
ObservationRow observation_of(TelemetryRow hour);

// Each reads the columns of its table (TableInfo::columns) and gives the number of the next one.
Result<int> read_row(const sql::Statement& statement, PatientRow& row);
Result<int> read_row(const sql::Statement& statement, EncounterRow& row);
Result<int> read_row(const sql::Statement& statement, ReportRow& row);
Result<int> read_row(const sql::Statement& statement, ObservationRow& row);
Result<int> read_row(const sql::Statement& statement, RiskRow& row);
Result<int> read_row(const sql::Statement& statement, BodyRow& row);
/// Damaged where the packed samples can't be read.
Result<int> read_row(const sql::Statement& statement, TelemetryRow& row);

/// A column of the order.
Cursor::Mark mark_of(const sql::Statement& statement, int column);

}  // namespace vitalog::sinks::views
