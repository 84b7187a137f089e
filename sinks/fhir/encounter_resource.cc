#include <algorithm>
#include <array>

#include "schemas/clinical/encounter_state.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

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

/// Who took part, by HL7 v3 ParticipationType.
struct Part {
    std::string_view code;
    std::string_view display;
    const schemas::EncounterDoctor& doctor;
};

void write_part(JsonWriter& json, const Part& part) {
    if (part.doctor.nobody()) return;
    json.begin_object();
    json.key("type");
    json.begin_array();
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", part.code,
                 part.display);
    json.end_array();
    json.end_object();
    json.end_array();
    json.key("individual");
    write_named(json, "Practitioner", {part.doctor.id, part.doctor.name});
    json.end_object();
}

void write_participants(JsonWriter& json, const schemas::EncounterState& state) {
    const bool anybody = !state.attending.nobody() || !state.admitting.nobody() ||
                         !state.referring.nobody() || !state.consulting.empty();
    if (!anybody) return;
    json.key("participant");
    json.begin_array();
    write_part(json, {"ATND", "attender", state.attending});
    write_part(json, {"ADM", "admitter", state.admitting});
    write_part(json, {"REF", "referrer", state.referring});
    for (const auto& doctor : state.consulting) write_part(json, {"CON", "consultant", doctor});
    json.end_array();
}

}  // namespace

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
    write_participants(json, state);
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
    if (!state.organisation.empty()) {
        json.key("serviceProvider");
        write_named(json, "Organization", {{}, state.organisation});
    }
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
