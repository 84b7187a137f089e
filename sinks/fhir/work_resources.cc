#include "schemas/events/care.h"
#include "schemas/events/message.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"
#include "sinks/fhir/work_parts.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::Priority;

constexpr std::string_view kMethod = "urn:vitalog:method";
constexpr std::string_view kUserPrefix = "user:";

std::string_view severity(Priority priority) {
    switch (priority) {
        case Priority::High:
            return "high";
        case Priority::Medium:
            return "moderate";
        case Priority::Low:
            return "low";
    }
    return "low";
}

struct List {
    std::vector<std::string> items;
    template <class V>
    void members(V& v) {
        v("items", items);
    }
};

/// The strings of a JSON array that the views wrote.
std::vector<std::string> strings_of(const std::string& array, schemas::Decoder& decoder) {
    const auto list =
        schemas::decode<List>("{\"items\":" + (array.empty() ? "[]" : array) + "}", decoder);
    return list ? list->items : std::vector<std::string>();
}

void write_recipients(JsonWriter& json, const schemas::Delivery& delivery) {
    json.key("recipient");
    json.begin_array();
    if (delivery.recipient.starts_with(kUserPrefix))
        write_party(json, "Practitioner", kUserSystem,
                    delivery.recipient.substr(kUserPrefix.size()));
    else
        write_reference_item(json, "Patient", delivery.recipient);
    json.end_array();
}

void write_about(JsonWriter& json, const schemas::Delivery& delivery) {
    if (delivery.task.empty() && delivery.episode.empty()) return;
    json.key("about");
    json.begin_array();
    if (!delivery.task.empty()) write_reference_item(json, "Task", delivery.task);
    if (!delivery.episode.empty()) write_reference_item(json, "DetectedIssue", delivery.episode);
    json.end_array();
}

void write_delivery_extensions(JsonWriter& json, const schemas::Delivery& delivery) {
    json.key("extension");
    json.begin_array();
    write_extension(json, "urn:vitalog:state", "valueCode", schemas::name_of_enum(delivery.state));
    write_extension(json, "urn:vitalog:attempts", "valueInteger", delivery.attempts);
    write_extension(json, "urn:vitalog:decided", "valueInstant", to_rfc3339(delivery.created));
    if (!delivery.template_name.empty())
        write_extension(json, "urn:vitalog:template", "valueString", delivery.template_name);
    if (!delivery.code.empty())
        write_extension(json, "urn:vitalog:provider-code", "valueString", delivery.code);
    json.end_array();
}

}  // namespace

std::string to_risk_assessment(const views::RiskRow& row) {
    schemas::Decoder decoder;
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "RiskAssessment", located_id(row.person, row.id), row.revision,
                   row.updated_us);
    json.key("extension");
    json.begin_array();
    if (row.value) {
        json.begin_object();
        json.field("url", "urn:vitalog:value");
        write_quantity(json, "valueQuantity", {row.value, {}, row.unit});
        json.end_object();
    }
    write_extension(json, "urn:vitalog:status", "valueCode", row.status);
    for (const auto& missing : strings_of(row.missing, decoder))
        write_extension(json, "urn:vitalog:missing", "valueString", missing);
    write_extension(json, "urn:vitalog:version", "valueString", row.version);
    if (!row.reason.empty()) write_extension(json, "urn:vitalog:reason", "valueString", row.reason);
    if (!row.detail.empty()) write_extension(json, "urn:vitalog:detail", "valueString", row.detail);
    if (row.composite) write_extension(json, "urn:vitalog:composite", "valueBoolean", true);
    json.end_array();
    json.key("identifier");
    json.begin_array();
    json.begin_object();
    json.field("system", "urn:vitalog:risk");
    json.field("value", row.id);
    json.end_object();
    json.end_array();
    json.field("status", row.hidden ? "entered-in-error" : "final");
    write_concept(json, "method", kMethod, row.method);
    write_reference(json, "subject", "Patient", row.person);
    json.field("occurrenceDateTime", row.occurred);
    const auto basis = strings_of(row.basis, decoder);
    if (!basis.empty()) {
        json.key("basis");
        json.begin_array();
        for (const auto& id : basis)
            write_reference_item(json, "Observation", located_id(row.person, id));
        json.end_array();
    }
    if (!row.band.empty()) {
        json.key("prediction");
        json.begin_array();
        json.begin_object();
        write_concept(json, "qualitativeRisk", "urn:vitalog:band:" + row.method, row.band);
        json.end_object();
        json.end_array();
    }
    json.end_object();
    return out;
}

Result<std::string> to_detected_issue(const views::BodyRow& row, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto alert, schemas::decode<schemas::AlertEvent>(row.body, decoder));
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "DetectedIssue", row.id, row.revision, row.updated_us);
    json.key("extension");
    json.begin_array();
    write_extension(json, kRule, "valueString", rule_at_version(alert.rule, alert.rule_version));
    write_extension(json, "urn:vitalog:retrospective", "valueBoolean", alert.retrospective);
    write_extension(json, "urn:vitalog:state", "valueCode", schemas::name_of_enum(alert.state));
    write_extension(json, "urn:vitalog:pack", "valueString", alert.pack_version);
    if (!alert.method.empty())
        write_extension(json, kMethod, "valueString",
                        rule_at_version(alert.method, alert.coefficients));
    if (!alert.band.empty()) write_extension(json, "urn:vitalog:band", "valueCode", alert.band);
    if (!alert.reason.empty())
        write_extension(json, "urn:vitalog:reason", "valueString", alert.reason);
    if (!alert.task.empty()) {
        json.begin_object();
        json.field("url", "urn:vitalog:task");
        write_reference(json, "valueReference", "Task", alert.task);
        json.end_object();
    }
    json.end_array();
    json.field("status", "final");
    json.key("code");
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, kRule, alert.rule, alert.problem);
    json.end_array();
    json.field("text", alert.problem.empty() ? alert.rule : alert.problem);
    json.end_object();
    json.field("severity", severity(alert.priority));
    write_reference(json, "patient", "Patient", alert.person);
    json.field("identifiedDateTime", alert.since);
    if (!alert.evidence.empty()) {
        json.key("evidence");
        json.begin_array();
        for (const auto& evidence : alert.evidence) {
            json.begin_object();
            if (evidence.source.empty()) {
                json.key("detail");
                json.begin_array();
                write_reference_item(json, "Observation",
                                     located_id(alert.person, evidence.observation));
                json.end_array();
            } else {  // samples of a device are no observations
                json.key("code");
                json.begin_array();
                json.begin_object();
                json.field("text", evidence.text.empty() ? evidence.display : evidence.text);
                json.end_object();
                json.end_array();
            }
            json.end_object();
        }
        json.end_array();
    }
    if (!alert.problem.empty()) json.field("detail", alert.problem);
    json.end_object();
    return out;
}

Result<std::string> to_communication(const views::BodyRow& row, schemas::Decoder& decoder) {
    VITALOG_TRY(const auto delivery, schemas::decode<schemas::Delivery>(row.body, decoder));
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Communication", row.id, row.revision, row.updated_us);
    write_delivery_extensions(json, delivery);
    json.field("status", row.status);
    if (!delivery.reason.empty()) write_concept_text(json, "statusReason", delivery.reason);
    json.key("category");
    json.begin_array();
    json.begin_object();
    json.key("coding");
    json.begin_array();
    write_coding(json, "urn:vitalog:purpose", delivery.purpose);
    json.end_array();
    json.end_object();
    json.end_array();
    json.field("priority", request_priority(delivery.priority));
    if (!delivery.channel.empty()) {
        json.key("medium");
        json.begin_array();
        json.begin_object();
        json.key("coding");
        json.begin_array();
        write_coding(json, "urn:vitalog:channel", delivery.channel);
        json.end_array();
        json.end_object();
        json.end_array();
    }
    if (!delivery.person.empty()) write_reference(json, "subject", "Patient", delivery.person);
    write_about(json, delivery);
    if (row.sent_us) json.field("sent", to_rfc3339(*row.sent_us));
    if (row.received_us) json.field("received", to_rfc3339(*row.received_us));
    write_recipients(json, delivery);
    if (!delivery.text.empty()) {
        json.key("payload");
        json.begin_array();
        json.begin_object();
        json.field("contentString", delivery.text);
        json.end_object();
        json.end_array();
    }
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
