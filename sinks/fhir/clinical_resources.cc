#include <algorithm>
#include <array>

#include "schemas/json_decode.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"
#include "sinks/fhir/telemetry_resource.h"
#include "sinks/views/details.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kCategory = "http://terminology.hl7.org/CodeSystem/observation-category";
constexpr std::string_view kAbsent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
constexpr std::string_view kIdentifierType = "http://terminology.hl7.org/CodeSystem/v2-0203";
constexpr std::string_view kResultId = "urn:vitalog:result";
constexpr std::string_view kAsSent = "urn:vitalog:as-sent";
constexpr std::string_view kDocument = "urn:vitalog:document";

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

void write_extensions(JsonWriter& json, const views::ObservationRow& row,
                      const views::ObservationDetails& details) {
    const bool as_sent = !row.raw_value.empty() || !row.raw_unit.empty();
    if (!as_sent && !details.attachment) return;
    json.key("extension");
    json.begin_array();
    if (as_sent)
        write_extension(json, kAsSent, "valueString",
                        row.raw_unit.empty() ? row.raw_value : row.raw_value + " " + row.raw_unit);
    if (details.attachment) {
        json.begin_object();
        json.field("url", kDocument);
        json.key("valueAttachment");
        write_attachment(json, located_id(row.person, row.id),
                         {details.attachment->content_type, row.display, details.attachment->size});
        json.end_object();
    }
    json.end_array();
}

}  // namespace

std::string to_patient(const views::PatientRow& row) {
    static constexpr std::array<std::string_view, 4> kGenders{"male", "female", "other", "unknown"};
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Patient", row.person, 0, row.updated_us);
    write_patient_identifiers(json, row);
    json.field("active", row.survivor.empty() && !row.deleted);
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

Result<std::string> to_observation(const views::ObservationRow& row, schemas::Decoder& decoder) {
    if (row.telemetry) return to_telemetry(row);
    views::ObservationDetails details;
    if (!row.details.empty()) {
        VITALOG_TRY(details, schemas::decode<views::ObservationDetails>(row.details, decoder));
    }
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Observation", located_id(row.person, row.id), row.revision,
                   row.updated_us);
    write_extensions(json, row, details);
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
    write_performers(
        json, "performer",
        {{"Practitioner", details.performer}, {"Organization", {{}, details.producer}}});
    write_value(json, row);
    write_interpretation(json, row.flags);
    write_notes(json, details.notes);
    write_reference_range(json, row);
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
