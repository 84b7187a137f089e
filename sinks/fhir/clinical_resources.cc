#include <algorithm>
#include <array>

#include "schemas/clinical/encounter_state.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"
#include "sinks/views/person_writer.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
constexpr std::string_view kCategory = "http://terminology.hl7.org/CodeSystem/observation-category";
constexpr std::string_view kAbsent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
constexpr std::string_view kSection = "http://terminology.hl7.org/CodeSystem/v2-0074";
constexpr std::string_view kIdentifierType = "http://terminology.hl7.org/CodeSystem/v2-0203";
constexpr std::string_view kResultId = "urn:vitalog:result";
constexpr std::string_view kAsSent = "urn:vitalog:as-sent";

void write_identifier(JsonWriter& json, std::string_view system, std::string_view value) {
    json.begin_object();
    json.field("system", system);
    json.field("value", value);
    json.end_object();
}

void write_patient_identifiers(JsonWriter& json, const views::PatientRow& row) {
    if (row.identifiers.empty()) return;
    json.key("identifier");
    json.begin_array();
    for (const auto& identifier : row.identifiers) {
        json.begin_object();
        if (!identifier.type.empty()) write_concept(json, "type", kIdentifierType, identifier.type);
        if (!identifier.authority.empty())
            json.field("system", authority_uri(identifier.authority));
        json.field("value", identifier.value);
        if (!identifier.authority.empty()) {
            json.key("assigner");
            json.begin_object();
            json.field("display", identifier.authority);
            json.end_object();
        }
        json.end_object();
    }
    json.end_array();
}

void write_links(JsonWriter& json, const views::PatientRow& row) {
    if (row.survivor.empty() && row.merged.empty()) return;
    const auto link = [&json](std::string_view other, std::string_view type) {
        json.begin_object();
        write_reference(json, "other", "Patient", other);
        json.field("type", type);
        json.end_object();
    };
    json.key("link");
    json.begin_array();
    if (!row.survivor.empty()) link(row.survivor, "replaced-by");
    for (const auto& loser : row.merged) link(loser, "replaces");
    json.end_array();
}

void write_name_and_contact(JsonWriter& json, const views::PatientRow& row) {
    if (!row.family.empty() || !row.given.empty()) {
        json.key("name");
        json.begin_array();
        json.begin_object();
        if (!row.family.empty()) json.field("family", row.family);
        if (!row.given.empty()) {
            json.key("given");
            json.begin_array();
            json.value(row.given);
            json.end_array();
        }
        json.end_object();
        json.end_array();
    }
    if (!row.phone.empty()) {
        json.key("telecom");
        json.begin_array();
        json.begin_object();
        json.field("system", "phone");
        json.field("value", row.phone);
        json.end_object();
        json.end_array();
    }
}

void write_period(JsonWriter& json, const std::optional<ZonedTime>& from,
                  const std::optional<ZonedTime>& to) {
    json.key("period");
    json.begin_object();
    if (from) json.field("start", *from);
    if (to) json.field("end", *to);
    json.end_object();
}

void write_status_history(JsonWriter& json, const schemas::EncounterState& state) {
    if (state.statuses.size() < 2) return;
    json.key("statusHistory");
    json.begin_array();
    for (const auto& entry : state.statuses) {
        if (!entry.to) continue;  // the present one is `status`
        json.begin_object();
        json.field("status", entry.status);
        write_period(json, entry.from, entry.to);
        json.end_object();
    }
    json.end_array();
}

void write_locations(JsonWriter& json, const schemas::EncounterState& state) {
    if (state.locations.empty()) return;
    json.key("location");
    json.begin_array();
    for (const auto& stay : state.locations) {
        json.begin_object();
        json.key("location");
        json.begin_object();
        json.field("display", stay.location);
        json.end_object();
        json.field("status", stay.to ? "completed" : "active");
        write_period(json, stay.from, stay.to);
        json.end_object();
    }
    json.end_array();
}

void write_class(JsonWriter& json, std::string_view code) {
    static constexpr std::array<std::string_view, 12> kKnown{
        "AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR", ""};
    json.key("class");
    if (code.empty())
        return write_coding(json, "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK");
    const bool known = std::find(kKnown.begin(), kKnown.end(), code) != kKnown.end();
    write_coding(json, known ? kActCode : std::string_view("urn:vitalog:codes:patient-class"),
                 code);
}

void write_attending(JsonWriter& json, const schemas::EncounterState& state) {
    if (state.attending_id.empty() && state.attending_name.empty()) return;
    json.key("participant");
    json.begin_array();
    json.begin_object();
    json.key("type");
    json.begin_array();
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "ATND",
                 "attender");
    json.end_array();
    json.end_object();
    json.end_array();
    json.key("individual");
    json.begin_object();
    json.field("type", "Practitioner");
    if (!state.attending_id.empty()) {
        json.key("identifier");
        json.begin_object();
        json.field("value", state.attending_id);
        json.end_object();
    }
    json.field("display", state.attending_name.empty() ? state.attending_id : state.attending_name);
    json.end_object();
    json.end_object();
    json.end_array();
}

/// The LOINC coding first, then the code as sent.
void write_observation_code(JsonWriter& json, const views::ObservationRow& row) {
    json.key("code");
    json.begin_object();
    const bool local = !row.code.empty() && !(row.code_system == "LN" && row.code == row.loinc);
    if (!row.loinc.empty() || local) {
        json.key("coding");
        json.begin_array();
        if (!row.loinc.empty()) write_coding(json, kLoinc, row.loinc, local ? "" : row.display);
        if (local) write_coding(json, code_system_uri(row.code_system), row.code, row.display);
        json.end_array();
    }
    if (!row.display.empty())
        json.field("text", row.display);
    else if (row.loinc.empty() && !local)
        json.field("text", "not coded");
    json.end_object();
}

void write_value(JsonWriter& json, const views::ObservationRow& row) {
    if (row.kind == "quantity" && row.value) {
        write_quantity(json, "valueQuantity", {row.value, row.comparator, row.unit});
    } else if (row.kind == "coded" && !row.text.empty()) {
        json.key("valueCodeableConcept");
        json.begin_object();
        json.field("text", row.text);
        json.end_object();
    } else if (row.kind == "text" && !row.text.empty()) {
        json.field("valueString", row.text);
    } else {
        write_concept(json, "dataAbsentReason", kAbsent, "unknown");
    }
}

void write_reference_range(JsonWriter& json, const views::ObservationRow& row) {
    if (!row.low && !row.high && row.range.empty()) return;
    json.key("referenceRange");
    json.begin_array();
    json.begin_object();
    write_limits(json, row.low, row.high, row.unit);
    if (!row.range.empty()) json.field("text", row.range);
    json.end_object();
    json.end_array();
}

void write_as_sent(JsonWriter& json, const views::ObservationRow& row) {
    if (row.raw_value.empty() && row.raw_unit.empty()) return;
    json.key("extension");
    json.begin_array();
    write_extension(json, kAsSent, "valueString",
                    row.raw_unit.empty() ? row.raw_value : row.raw_value + " " + row.raw_unit);
    json.end_array();
}

std::string_view report_status(std::string_view status) {
    static constexpr std::array<std::string_view, 10> kStatuses{
        "registered", "partial",   "preliminary",      "final",  "amended", "corrected",
        "appended",   "cancelled", "entered-in-error", "unknown"};
    const bool known = std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
    return known ? status : "unknown";
}

void write_order(JsonWriter& json, const views::ReportRow& row) {
    if (row.placer.empty() && row.orderer_name.empty() && row.orderer_id.empty()) return;
    json.key("basedOn");
    json.begin_array();
    json.begin_object();
    json.field("type", "ServiceRequest");
    if (!row.placer.empty()) {
        json.key("identifier");
        write_identifier(json, "urn:vitalog:placer", row.placer);
    }
    if (!row.orderer_name.empty() || !row.orderer_id.empty())
        json.field("display", row.orderer_name.empty() ? row.orderer_id : row.orderer_name);
    json.end_object();
    json.end_array();
}

}  // namespace

std::string to_patient(const views::PatientRow& row) {
    static constexpr std::array<std::string_view, 4> kGenders{"male", "female", "other", "unknown"};
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Patient", row.person, 0, row.updated_us);
    write_patient_identifiers(json, row);
    json.field("active", row.survivor.empty());
    write_name_and_contact(json, row);
    if (std::find(kGenders.begin(), kGenders.end(), row.sex) != kGenders.end())
        json.field("gender", row.sex);
    if (!row.birth_date.empty()) json.field("birthDate", row.birth_date);
    if (!row.deceased_at.empty())
        json.field("deceasedDateTime", row.deceased_at);
    else if (row.deceased)
        json.field("deceasedBoolean", true);
    if (!row.address.empty()) {
        json.key("address");
        json.begin_array();
        json.begin_object();
        json.field("text", row.address);
        json.end_object();
        json.end_array();
    }
    write_links(json, row);
    json.end_object();
    return out;
}

Result<std::string> to_encounter(const views::EncounterRow& row, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto history, schemas::EncounterHistory::decode(row.history, decoder));
    const auto state = history.state();
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Encounter", located_id(row.person, row.id), 0, row.updated_us);
    if (!state.visit.empty()) {
        const std::size_t bar = state.visit.find('|');
        json.key("identifier");
        json.begin_array();
        if (bar == std::string::npos)
            write_identifier(json, "urn:vitalog:visit", state.visit);
        else
            write_identifier(json, authority_uri(state.visit.substr(0, bar)),
                             state.visit.substr(bar + 1));
        json.end_array();
    }
    json.field("status", state.status);
    write_status_history(json, state);
    write_class(json, state.class_code);
    if (!state.service.empty()) {
        json.key("serviceType");
        json.begin_object();
        json.field("text", state.service);
        json.end_object();
    }
    write_reference(json, "subject", "Patient", row.person);
    write_attending(json, state);
    if (state.start || state.end) write_period(json, state.start, state.end);
    if (!state.disposition.empty()) {
        json.key("hospitalization");
        json.begin_object();
        json.key("dischargeDisposition");
        json.begin_object();
        json.field("text", state.disposition);
        json.end_object();
        json.end_object();
    }
    write_locations(json, state);
    json.end_object();
    return out;
}

std::string to_report(const views::ReportRow& row) {
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "DiagnosticReport", located_id(row.person, row.id), row.revision,
                   row.updated_us);
    json.key("identifier");
    json.begin_array();
    if (!row.filler.empty()) write_identifier(json, "urn:vitalog:filler", row.filler);
    if (!row.placer.empty()) write_identifier(json, "urn:vitalog:placer", row.placer);
    write_identifier(json, "urn:vitalog:report", row.id);
    json.end_array();
    write_order(json, row);
    json.field("status", report_status(row.status));
    if (!row.section.empty()) {
        json.key("category");
        json.begin_array();
        json.begin_object();
        json.key("coding");
        json.begin_array();
        write_coding(json, kSection, row.section);
        json.end_array();
        json.end_object();
        json.end_array();
    }
    json.key("code");
    json.begin_object();
    if (!row.code.empty()) {
        json.key("coding");
        json.begin_array();
        write_coding(json, code_system_uri(row.code_system), row.code, row.display);
        json.end_array();
    }
    json.field("text", !row.display.empty() ? row.display
                       : row.code.empty()   ? "not coded"
                                            : row.code);
    json.end_object();
    write_reference(json, "subject", "Patient", row.person);
    if (!row.encounter.empty())
        write_reference(json, "encounter", "Encounter", located_id(row.person, row.encounter));
    if (!row.effective.empty()) json.field("effectiveDateTime", row.effective);
    if (!row.results.empty()) {
        json.key("result");
        json.begin_array();
        for (const auto& result : row.results)
            write_reference_item(json, "Observation", located_id(row.person, result));
        json.end_array();
    }
    json.end_object();
    return out;
}

std::string to_observation(const views::ObservationRow& row) {
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Observation", located_id(row.person, row.id), row.revision,
                   row.updated_us);
    write_as_sent(json, row);
    json.key("identifier");
    json.begin_array();
    write_identifier(json, kResultId, row.id);
    json.end_array();
    json.field("status", row.status);
    json.key("category");
    json.begin_array();
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, kCategory, row.vital ? "vital-signs" : "laboratory",
                 row.vital ? "Vital Signs" : "Laboratory");
    json.end_array();
    json.end_object();
    json.end_array();
    write_observation_code(json, row);
    write_reference(json, "subject", "Patient", row.person);
    if (!row.encounter.empty())
        write_reference(json, "encounter", "Encounter", located_id(row.person, row.encounter));
    json.field("effectiveDateTime", row.effective);
    write_value(json, row);
    write_interpretation(json, row.flags);
    write_reference_range(json, row);
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
