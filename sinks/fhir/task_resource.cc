#include <chrono>

#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"
#include "sinks/fhir/work_parts.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::Evidence;

constexpr std::string_view kDecision = "urn:vitalog:decision";
constexpr std::string_view kInput = "urn:vitalog:input";

void write_evidence_value(JsonWriter& json, const Evidence& evidence) {
    if (evidence.value)
        write_quantity(json, "valueQuantity", {evidence.value, evidence.comparator, evidence.unit});
    else
        json.field("valueString",
                   evidence.text.empty() ? std::string_view("no value") : evidence.text);
}

/// How old the value was when it was shown: the receipt of what showed it, minus its own time.
void write_age(JsonWriter& json, ReceivedTime shown, const ZonedTime& effective) {
    const auto age = std::chrono::floor<std::chrono::minutes>(shown.as<EventTime>() - effective.at);
    json.begin_object();
    json.field("url", "urn:vitalog:age");
    json.key("valueDuration");
    json.begin_object();
    json.field("value", static_cast<std::int64_t>(age.count()));
    json.field("unit", "min");
    json.field("system", kUcum);
    json.field("code", "min");
    json.end_object();
    json.end_object();
}

/// Task.input has room for one value; time, reference range, trend and origin travel as extensions
/// of it.
void write_input(JsonWriter& json, std::string_view person, const Evidence& evidence) {
    json.begin_object();
    json.key("extension");
    json.begin_array();
    write_extension(json, "urn:vitalog:effective", "valueDateTime", evidence.effective);
    if (evidence.low || evidence.high) {
        json.begin_object();
        json.field("url", "urn:vitalog:reference-range");
        json.key("valueRange");
        json.begin_object();
        write_limits(json, evidence.low, evidence.high, evidence.unit);
        json.end_object();
        json.end_object();
    }
    if (evidence.shown) write_age(json, *evidence.shown, evidence.effective);
    if (!evidence.trend.empty())
        write_extension(json, "urn:vitalog:trend", "valueCode", evidence.trend);
    if (!evidence.flags.empty())
        write_extension(json, "urn:vitalog:flags", "valueString", evidence.flags);
    if (evidence.source.empty()) {
        json.begin_object();
        json.field("url", "urn:vitalog:observation");
        write_reference(json, "valueReference", "Observation",
                        located_id(person, evidence.observation));
        json.end_object();
    } else {
        write_extension(json, "urn:vitalog:source", "valueString", evidence.source);
    }
    json.end_array();
    json.key("type");
    json.begin_object();
    if (!evidence.loinc.empty()) {
        json.key("coding");
        json.begin_array();
        write_coding(json, kLoinc, evidence.loinc, evidence.display);
        json.end_array();
    }
    json.field("text", evidence.display.empty()
                           ? evidence.loinc.empty() ? "evidence" : evidence.loinc
                           : evidence.display);
    json.end_object();
    write_evidence_value(json, evidence);
    json.end_object();
}

void write_input_type(JsonWriter& json, std::string_view code, std::string_view text) {
    json.key("type");
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, kInput, code);
    json.end_array();
    json.field("text", text);
    json.end_object();
}

/// The index behind the alert: its band or value, and what it lacked.
void write_index(JsonWriter& json, const schemas::TaskIndex& index) {
    json.begin_object();
    json.key("extension");
    json.begin_array();
    write_extension(json, "urn:vitalog:method", "valueCode", index.method);
    if (!index.version.empty())
        write_extension(json, "urn:vitalog:version", "valueString", index.version);
    write_extension(json, "urn:vitalog:status", "valueCode", schemas::name_of_enum(index.status));
    if (!index.band.empty()) write_extension(json, "urn:vitalog:band", "valueCode", index.band);
    for (const auto missing : index.missing)
        write_extension(json, "urn:vitalog:missing", "valueString", missing);
    json.end_array();
    write_input_type(json, "index", index.method);
    if (index.value)
        write_quantity(json, "valueQuantity", {index.value, {}, index.unit});
    else
        json.field("valueString", index.band.empty() ? std::string_view("no value") : index.band);
    json.end_object();
}

void write_earlier(JsonWriter& json, const schemas::EarlierEpisode& episode) {
    json.begin_object();
    json.key("extension");
    json.begin_array();
    write_extension(json, "urn:vitalog:since", "valueDateTime", episode.since);
    write_extension(json, "urn:vitalog:outcome", "valueCode", episode.outcome);
    if (!episode.user.empty())
        write_extension(json, "urn:vitalog:user", "valueString", episode.user);
    if (episode.decided)
        write_extension(json, "urn:vitalog:decided", "valueInstant", to_rfc3339(*episode.decided));
    json.end_array();
    write_input_type(
        json, "earlier-episode",
        episode.problem.empty() ? std::string_view("earlier episode") : episode.problem);
    write_reference(json, "valueReference", "DetectedIssue", episode.alert);
    json.end_object();
}

void write_proposed(JsonWriter& json, std::string_view text) {
    json.begin_object();
    write_input_type(json, "proposed-message", "what the patient reads after $confirm");
    json.field("valueString", text);
    json.end_object();
}

void write_inputs(JsonWriter& json, const schemas::TaskState& task) {
    if (task.evidence.empty() && !task.index && task.earlier.empty() && task.proposed.empty())
        return;
    json.key("input");
    json.begin_array();
    for (const auto& evidence : task.evidence) write_input(json, task.person, evidence);
    if (task.index) write_index(json, *task.index);
    for (const auto& episode : task.earlier) write_earlier(json, episode);
    if (!task.proposed.empty()) write_proposed(json, task.proposed);
    json.end_array();
}

void write_notes(JsonWriter& json, const schemas::TaskState& task) {
    if (task.notes.empty()) return;
    json.key("note");
    json.begin_array();
    for (const auto& note : task.notes) {
        json.begin_object();
        if (!note.by.empty()) json.field("authorString", note.by);
        json.field("time", to_rfc3339(note.at));
        json.field("text", note.what);
        json.end_object();
    }
    json.end_array();
}

template <class T>
void write_output(JsonWriter& json, std::string_view what, std::string_view value_name,
                  const T& value) {
    json.begin_object();
    json.key("type");
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, kDecision, what);
    json.end_array();
    json.field("text", what);
    json.end_object();
    json.field(value_name, value);
    json.end_object();
}

void write_outcome(JsonWriter& json, const schemas::TaskOutcome& outcome) {
    json.key("output");
    json.begin_array();
    write_output(json, "action", "valueCode", schemas::name_of_enum(outcome.action));
    write_output(json, "user", "valueString", outcome.user);
    if (!outcome.text.empty()) write_output(json, "text", "valueString", outcome.text);
    if (!outcome.reason.empty()) write_output(json, "reason", "valueString", outcome.reason);
    write_output(json, "at", "valueDateTime", outcome.at);
    json.end_array();
}

void write_task_extensions(JsonWriter& json, const schemas::TaskState& task) {
    json.key("extension");
    json.begin_array();
    write_extension(json, kRule, "valueString", rule_at_version(task.rule, task.rule_version));
    if (!task.team.empty()) write_extension(json, kTeamSystem, "valueString", task.team);
    write_extension(json, "urn:vitalog:escalation", "valueInteger", task.escalation);
    write_extension(json, "urn:vitalog:breached", "valueBoolean", task.breached);
    json.end_array();
}

void write_restriction(JsonWriter& json, const schemas::TaskState& task) {
    json.key("restriction");
    json.begin_object();
    json.key("period");
    json.begin_object();
    json.field("start", to_rfc3339(task.opened));
    json.field("end", to_rfc3339(task.deadline));
    json.end_object();
    json.end_object();
}

}  // namespace

Result<std::string> to_task(const views::BodyRow& row, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto task, schemas::decode<schemas::TaskState>(row.body, decoder));
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Task", row.id, row.revision, row.updated_us);
    write_task_extensions(json, task);
    json.field("status", schemas::name_of_enum(task.status));
    if (!task.status_reason.empty()) write_concept_text(json, "statusReason", task.status_reason);
    json.field("intent", "order");
    json.field("priority", request_priority(task.priority));
    write_concept(json, "code", "http://hl7.org/fhir/CodeSystem/task-code", "approve");
    if (!task.problem.empty()) json.field("description", task.problem);
    if (!task.person.empty()) {  // a task of the operators is about no person and rests on no alert
        write_reference(json, "focus", "DetectedIssue", task.alert);
        write_reference(json, "for", "Patient", task.person);
    }
    json.field("authoredOn", to_rfc3339(task.opened));
    json.field("lastModified", to_rfc3339(task.changed));
    if (!task.owner.empty()) {
        json.key("owner");
        write_party(json, "Practitioner", kUserSystem, task.owner);
    } else if (!task.team.empty()) {
        json.key("owner");
        write_party(json, "CareTeam", kTeamSystem, task.team);
    }
    write_restriction(json, task);
    write_notes(json, task);
    write_inputs(json, task);
    if (task.outcome) write_outcome(json, *task.outcome);
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
