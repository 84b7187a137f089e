#include <algorithm>
#include <array>

#include "schemas/base/base64.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"
#include "sinks/views/details.h"

namespace vitalog::sinks::fhir {
namespace {

constexpr std::string_view kSection = "http://terminology.hl7.org/CodeSystem/v2-0074";
constexpr std::string_view kDepartment = "urn:vitalog:ordering-department";
constexpr std::string_view kControl = "urn:vitalog:order-control";

std::string_view report_status(std::string_view status) {
    static constexpr std::array<std::string_view, 10> kStatuses{
        "registered", "partial",   "preliminary",      "final",  "amended", "corrected",
        "appended",   "cancelled", "entered-in-error", "unknown"};
    const bool known = std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
    return known ? status : "unknown";
}

bool has_order(const views::ReportRow& row, const views::ReportDetails& details) {
    return !row.placer.empty() || !row.orderer_name.empty() || !row.orderer_id.empty() ||
           !details.order.status.empty() || !details.order.department.empty() ||
           !details.notes.empty();
}

void write_order_extensions(JsonWriter& json, const schemas::Order& order) {
    if (order.department.empty() && order.control.empty()) return;
    json.key("extension");
    json.begin_array();
    if (!order.department.empty())
        write_extension(json, kDepartment, "valueString", order.department);
    if (!order.control.empty()) write_extension(json, kControl, "valueCode", order.control);
    json.end_array();
}

/// What was ordered, as far as the report tells: orders by themselves are not kept.
void write_order(JsonWriter& json, const views::ReportRow& row,
                 const views::ReportDetails& details) {
    if (!has_order(row, details)) return;
    json.key("contained");
    json.begin_array();
    json.begin_object();
    json.field("resourceType", "ServiceRequest");
    json.field("id", "order");
    write_order_extensions(json, details.order);
    if (!row.placer.empty()) {
        json.key("identifier");
        json.begin_array();
        write_identifier(json, "urn:vitalog:placer", row.placer);
        json.end_array();
    }
    json.field("status", details.order.status.empty() ? "unknown" : details.order.status);
    json.field("intent", "order");
    write_reference(json, "subject", "Patient", row.person);
    if (!row.orderer_id.empty() || !row.orderer_name.empty()) {
        json.key("requester");
        write_named(json, "Practitioner", {row.orderer_id, row.orderer_name});
    }
    write_notes(json, details.notes);
    json.end_object();
    json.end_array();
}

void write_based_on(JsonWriter& json, const views::ReportRow& row,
                    const views::ReportDetails& details) {
    if (!has_order(row, details)) return;
    json.key("basedOn");
    json.begin_array();
    json.begin_object();
    json.field("reference", "#order");
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

/// A document's own lines, and what it came with.
void write_presented(JsonWriter& json, const views::ReportRow& row,
                     const views::ReportDetails& details) {
    if (details.text.empty() && details.documents.empty()) return;
    json.key("presentedForm");
    json.begin_array();
    if (!details.text.empty()) {
        json.begin_object();
        json.field("contentType", "text/plain;charset=utf-8");
        json.field("data", base64_encode(details.text));
        json.end_object();
    }
    for (const auto& document : details.documents)
        write_attachment(json, located_id(row.person, document.observation),
                         {document.content_type, document.title, document.size});
    json.end_array();
}

}  // namespace

Result<std::string> to_report(const views::ReportRow& row, schemas::Decoder& decoder) {
    views::ReportDetails details;
    if (!row.details.empty()) {
        VITALOG_TRY(details, schemas::decode<views::ReportDetails>(row.details, decoder));
    }
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "DiagnosticReport", located_id(row.person, row.id), row.revision,
                   row.updated_us);
    write_order(json, row, details);
    json.key("identifier");
    json.begin_array();
    if (!row.filler.empty()) write_identifier(json, "urn:vitalog:filler", row.filler);
    if (!row.placer.empty()) write_identifier(json, "urn:vitalog:placer", row.placer);
    write_identifier(json, "urn:vitalog:report", row.id);
    json.end_array();
    write_based_on(json, row, details);
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
    write_performers(
        json, "performer",
        {{"Practitioner", details.performer}, {"Organization", {{}, details.producer}}});
    write_performers(json, "resultsInterpreter", {{"Practitioner", details.interpreter}});
    if (!row.results.empty()) {
        json.key("result");
        json.begin_array();
        for (const auto& result : row.results)
            write_reference_item(json, "Observation", located_id(row.person, result));
        json.end_array();
    }
    write_presented(json, row, details);
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
