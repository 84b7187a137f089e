#include "sinks/fhir/capability.h"

#include <string>
#include <vector>

#include "schemas/json.h"
#include "schemas/operation_outcome.h"
#include "sinks/fhir/includes.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/search.h"

namespace vitalog::sinks::fhir {
namespace {

void write_param(JsonWriter& json, std::string_view name, std::string_view type) {
    json.begin_object();
    json.field("name", name);
    json.field("type", type);
    if (name == "due") {  // R4 has no parameter for restriction.period
        json.field("definition", "urn:vitalog:search:due");
        json.field("documentation", "The task's deadline: restriction.period.end.");
    }
    json.end_object();
}

void write_operation(JsonWriter& json, std::string_view name, std::string_view about) {
    json.begin_object();
    json.field("name", name);
    json.field("definition", "urn:vitalog:operation:" + std::string(name));
    json.field("documentation", about);
    json.end_object();
}

void write_operations(JsonWriter& json, std::string_view type) {
    if (type != "Task" && type != "Patient") return;
    json.key("operation");
    json.begin_array();
    if (type == "Patient") {
        json.begin_object();
        json.field("name", "everything");
        json.field("definition", "http://hl7.org/fhir/OperationDefinition/Patient-everything");
        json.end_object();
    } else {
        write_operation(json, "accept", "A doctor takes the task.");
        write_operation(json, "confirm", "The patient is told.");
        write_operation(json, "modify", "As confirm, with another text for the patient.");
        write_operation(json, "reject", "With a reason; the patient is not told.");
        write_operation(json, "hand-over", "To a doctor or a team.");
    }
    json.end_array();
}

void write_interactions(JsonWriter& json) {
    json.key("interaction");
    json.begin_array();
    for (const std::string_view code : {"read", "search-type"}) {
        json.begin_object();
        json.field("code", code);
        json.end_object();
    }
    json.end_array();
}

void write_list(JsonWriter& json, std::string_view name, const std::vector<std::string>& items) {
    if (items.empty()) return;
    json.key(name);
    json.begin_array();
    for (const auto& item : items) json.value(item);
    json.end_array();
}

void write_includes(JsonWriter& json, std::string_view type, bool provenance) {
    std::vector<std::string> include, revinclude;
    for (const auto& spec : include_specs()) {
        const std::string name = std::string(spec.source) + ":" + std::string(spec.name);
        if (spec.source == type) include.push_back(name);
        if (spec.target == type && followed_back(spec)) revinclude.push_back(name);
    }
    if (provenance) revinclude.emplace_back("Provenance:target");
    write_list(json, "searchInclude", include);
    write_list(json, "searchRevInclude", revinclude);
}

void write_provenance(JsonWriter& json) {
    json.begin_object();
    json.field("type", "Provenance");
    write_interactions(json);
    json.key("searchParam");
    json.begin_array();
    write_param(json, "target", "reference");
    json.end_array();
    json.end_object();
}

void write_resource(JsonWriter& json, const ResourceSpec& spec, bool provenance) {
    json.begin_object();
    json.field("type", spec.type);
    write_interactions(json);
    write_includes(json, spec.type, provenance);
    json.key("searchParam");
    json.begin_array();
    for (const auto& param : spec.params) write_param(json, param.name, param.type);
    write_param(json, "_lastUpdated", "date");
    json.end_array();
    write_operations(json, spec.type);
    json.end_object();
}

/// Documents are read, not searched.
void write_binary(JsonWriter& json) {
    json.begin_object();
    json.field("type", "Binary");
    json.key("interaction");
    json.begin_array();
    json.begin_object();
    json.field("code", "read");
    json.end_object();
    json.end_array();
    json.end_object();
}

}  // namespace

std::string capability_statement(const CapabilityOptions& options) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("resourceType", "CapabilityStatement");
    json.field("status", "active");
    json.field("date", options.now);
    json.field("kind", "instance");
    json.key("software");
    json.begin_object();
    json.field("name", "Vitalog");
    json.field("version", options.version);
    json.end_object();
    json.key("implementation");
    json.begin_object();
    json.field("description", "Vitalog health archive and worklist");
    json.field("url", options.base_url + "/fhir");
    json.end_object();
    json.field("fhirVersion", "4.0.1");
    json.key("format");
    json.begin_array();
    json.value(schemas::kFhirJson);
    json.end_array();
    json.key("rest");
    json.begin_array();
    json.begin_object();
    json.field("mode", "server");
    json.field("documentation",
               "Searches by date compare the start of what happened; a bare date is a day in the "
               "site's zone. Results "
               "entered in error are shown by id and by status=entered-in-error only.");
    json.key("resource");
    json.begin_array();
    for (const auto& spec : resource_specs()) write_resource(json, spec, options.provenance);
    write_binary(json);
    if (options.provenance) write_provenance(json);
    json.end_array();
    json.key("searchParam");
    json.begin_array();
    write_param(json, "_count", "number");
    write_param(json, "_sort", "string");
    write_param(json, "_summary", "token");
    write_param(json, "_total", "token");
    json.end_array();
    json.end_object();
    json.end_array();
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
