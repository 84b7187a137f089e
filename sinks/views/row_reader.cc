#include "sinks/views/row_reader.h"

#include "sinks/views/telemetry_id.h"

namespace vitalog::sinks::views {
namespace {

using sql::Statement;

/// Reads the columns of a row one after the other.
class Columns {
  public:
    explicit Columns(const Statement& row) : row_(row) {}

    void ids(auto&... into) { ((into = sql::id_text(row_.blob(next_++))), ...); }
    void texts(auto&... into) { ((into = row_.string(next_++)), ...); }
    void flags(auto&... into) { ((into = row_.integer(next_++) != 0), ...); }
    void reals(auto&... into) { ((into = row_.maybe_real(next_++)), ...); }
    void integers(auto&... into) { ((into = row_.integer(next_++)), ...); }
    void times(auto&... into) { ((into = row_.maybe_integer(next_++)), ...); }
    std::string_view blob() { return row_.blob(next_++); }
    int next() const { return next_; }

  private:
    const Statement& row_;
    int next_ = 0;
};

std::vector<std::string> ids_of(std::string_view bytes) {
    std::vector<std::string> ids;
    for (; bytes.size() >= 16; bytes.remove_prefix(16))
        ids.push_back(sql::id_text(bytes.substr(0, 16)));
    return ids;
}

}  // namespace

Result<int> read_row(const Statement& statement, PatientRow& row) {
    Columns c(statement);
    c.ids(row.person);
    c.texts(row.family, row.given, row.birth_date, row.sex, row.phone, row.address);
    c.flags(row.deceased);
    c.texts(row.deceased_at);
    c.flags(row.deleted);
    c.texts(row.team);
    c.integers(row.updated_us, row.record);
    return c.next();
}

Result<int> read_row(const Statement& statement, EncounterRow& row) {
    Columns c(statement);
    c.ids(row.person, row.id);
    c.texts(row.visit, row.history);
    c.integers(row.updated_us, row.record);
    return c.next();
}

Result<int> read_row(const Statement& statement, ReportRow& row) {
    Columns c(statement);
    c.ids(row.person, row.id);
    c.texts(row.placer, row.filler, row.code, row.code_system, row.display, row.status,
            row.effective, row.section, row.orderer_id, row.orderer_name);
    c.ids(row.encounter);
    row.results = ids_of(c.blob());
    c.integers(row.revision, row.updated_us, row.record);
    c.texts(row.details);
    return c.next();
}

Result<int> read_row(const Statement& statement, ObservationRow& row) {
    Columns c(statement);
    c.ids(row.person, row.id, row.report, row.encounter);
    c.texts(row.status);
    c.flags(row.vital);
    c.texts(row.loinc, row.code, row.code_system, row.display, row.effective, row.kind);
    c.reals(row.value);
    c.texts(row.unit, row.comparator, row.text, row.raw_value, row.raw_unit);
    c.reals(row.low, row.high);
    c.texts(row.range, row.flags);
    c.ids(row.replaced_by);
    c.integers(row.revision, row.updated_us, row.record);
    c.texts(row.details);
    return c.next();
}

Result<int> read_row(const Statement& statement, RiskRow& row) {
    Columns c(statement);
    c.ids(row.person, row.id);
    c.texts(row.method, row.version, row.status);
    c.reals(row.value);
    c.texts(row.unit, row.band, row.missing, row.reason, row.occurred, row.basis, row.detail);
    c.flags(row.composite, row.hidden);
    c.integers(row.revision, row.updated_us, row.record);
    return c.next();
}

Result<int> read_row(const Statement& statement, BodyRow& row) {
    Columns c(statement);
    c.ids(row.person);
    c.texts(row.id, row.body, row.status);
    c.times(row.sent_us, row.received_us);
    c.integers(row.revision, row.updated_us, row.record);
    return c.next();
}

Result<int> read_row(const Statement& statement, TelemetryRow& hour) {
    Columns c(statement);
    auto& row = hour.row;
    auto& telemetry = row.telemetry.emplace();
    TelemetryId id;
    std::int64_t vital = 0, offset = 0;
    c.ids(row.person);
    c.integers(id.n, id.hour);
    c.texts(row.status);
    c.integers(vital);
    c.texts(row.loinc, row.display, row.unit, telemetry.source, telemetry.statistic);
    c.flags(telemetry.self_reported);
    c.texts(telemetry.provider);
    VITALOG_TRY(const auto chunk, SampleChunk::decode(id.hour, c.blob()));
    c.integers(offset, telemetry.clock_shift, row.revision, row.updated_us, row.record);
    telemetry.offset_minutes = static_cast<int>(offset);
    telemetry.activity = vital == 2;
    telemetry.statistics = chunk.statistics();
    row.id = id.hex();
    row.vital = vital == 1;
    row.code = row.loinc;
    row.code_system = "LN";
    row.kind = "telemetry";
    return c.next();
}

ObservationRow observation_of(TelemetryRow hour) {
    return std::move(hour.row);
}

Cursor::Mark mark_of(const Statement& statement, int column) {
    switch (statement.kind(column)) {
        case sql::Kind::Nothing:
            return std::monostate();
        case sql::Kind::Number:
            return statement.integer(column);
        case sql::Kind::Blob:
            return Id{sql::id_text(statement.blob(column))};
        case sql::Kind::Text:
            break;
    }
    return statement.string(column);
}

}  // namespace vitalog::sinks::views
