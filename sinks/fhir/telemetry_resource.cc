#include "sinks/fhir/telemetry_resource.h"

#include "sinks/fhir/parts.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kCategory = "http://terminology.hl7.org/CodeSystem/observation-category";
/// The codes of the R4 operation Observation/$stats.
constexpr std::string_view kStatistics =
    "http://terminology.hl7.org/CodeSystem/observation-statistics";
/// What those codes lack.
constexpr std::string_view kOwnStatistics = "urn:vitalog:statistics";
constexpr std::string_view kUnity = "1";

struct Component {
    std::string_view system, code, display;
    double value;
    std::string_view unit;
};

void write_component(JsonWriter& json, const Component& component) {
    json.begin_object();
    write_concept(json, "code", component.system, component.code, component.display);
    write_quantity(json, "valueQuantity", {component.value, {}, component.unit});
    json.end_object();
}

void write_components(JsonWriter& json, const views::ObservationRow& row) {
    const auto& s = row.telemetry->statistics;
    const auto count = static_cast<double>(s.count);
    json.key("component");
    json.begin_array();
    write_component(json, {kStatistics, "count", "Count", count, kUnity});
    write_component(json, {kStatistics, "minimum", "Minimum", s.min, row.unit});
    write_component(json, {kStatistics, "maximum", "Maximum", s.max, row.unit});
    write_component(json, {kStatistics, "average", "Average", s.sum / count, row.unit});
    write_component(json, {kOwnStatistics, "first", "First", s.first, row.unit});
    write_component(json, {kOwnStatistics, "last", "Last", s.last, row.unit});
    if (s.spans) write_component(json, {kStatistics, "sum", "Sum", s.sum, row.unit});
    json.end_array();
}

void write_extensions(JsonWriter& json, const views::Telemetry& telemetry) {
    json.key("extension");
    json.begin_array();
    if (!telemetry.statistic.empty())
        write_extension(json, "urn:vitalog:statistic", "valueCode", telemetry.statistic);
    write_extension(json, "urn:vitalog:self-reported", "valueBoolean", telemetry.self_reported);
    if (!telemetry.provider.empty())
        write_extension(json, "urn:vitalog:provider", "valueString", telemetry.provider);
    if (telemetry.clock_shift != 0)
        write_extension(json, "urn:vitalog:clock-shift-ms", "valueDecimal", telemetry.clock_shift);
    json.end_array();
}

void write_period(JsonWriter& json, const views::Telemetry& telemetry) {
    const auto said = [&](std::int64_t millis) {
        ZonedTime time;
        time.at = EventTime::from_millis(millis);
        time.offset_minutes = static_cast<std::int16_t>(telemetry.offset_minutes);
        time.precision = millis % 1'000 == 0 ? Precision::Second : Precision::Fraction;
        return time;
    };
    json.key("effectivePeriod");
    json.begin_object();
    json.field("start", said(telemetry.statistics.from));
    json.field("end", said(telemetry.statistics.to));
    json.end_object();
}

}  // namespace

std::string to_telemetry(const views::ObservationRow& row) {
    const auto& telemetry = *row.telemetry;
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Observation", located_id(row.person, row.id), row.revision,
                   row.updated_us);
    write_extensions(json, telemetry);
    json.key("identifier");
    json.begin_array();
    write_identifier(json, "urn:vitalog:telemetry", row.id);
    json.end_array();
    json.field("status", row.status);
    json.key("category");
    json.begin_array();
    json.begin_object();
    json.key("coding");
    json.begin_array();
    if (telemetry.activity)
        write_coding(json, kCategory, "activity", "Activity");
    else
        write_coding(json, kCategory, "vital-signs", "Vital Signs");
    json.end_array();
    json.end_object();
    json.end_array();
    json.key("code");
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, kLoinc, row.loinc, row.display);
    json.end_array();
    if (!row.display.empty()) json.field("text", row.display);
    json.end_object();
    write_reference(json, "subject", "Patient", row.person);
    write_period(json, telemetry);
    if (!telemetry.source.empty()) {
        json.key("device");
        json.begin_object();
        json.field("display", telemetry.source);
        json.end_object();
    }
    write_components(json, row);
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
