#include "sinks/fhir/includes.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <set>

#include "sinks/fhir/search.h"

namespace vitalog::sinks::fhir {
namespace {

// `basis` and `evidence` are no search parameters of R4; they are named as the members are.
constexpr std::array kIncludes{
    IncludeSpec{"Encounter", "patient", "Patient", "subject"},
    IncludeSpec{"Encounter", "subject", "Patient", "subject"},
    IncludeSpec{"DiagnosticReport", "patient", "Patient", "subject"},
    IncludeSpec{"DiagnosticReport", "subject", "Patient", "subject"},
    IncludeSpec{"DiagnosticReport", "encounter", "Encounter", "encounter"},
    IncludeSpec{"DiagnosticReport", "result", "Observation", "result"},
    IncludeSpec{"Observation", "patient", "Patient", "subject"},
    IncludeSpec{"Observation", "subject", "Patient", "subject"},
    IncludeSpec{"Observation", "encounter", "Encounter", "encounter"},
    IncludeSpec{"RiskAssessment", "patient", "Patient", "subject"},
    IncludeSpec{"RiskAssessment", "subject", "Patient", "subject"},
    IncludeSpec{"RiskAssessment", "basis", "Observation", "basis"},
    IncludeSpec{"DetectedIssue", "patient", "Patient", "patient"},
    IncludeSpec{"DetectedIssue", "evidence", "Observation", "evidence"},
    IncludeSpec{"Task", "patient", "Patient", "for"},
    IncludeSpec{"Task", "focus", "DetectedIssue", "focus"},
    IncludeSpec{"Communication", "patient", "Patient", "subject"},
    IncludeSpec{"Communication", "subject", "Patient", "subject"},
};

using Element = simdjson::dom::element;

/// Collects what "reference" members below say, however deep.
void collect(const Element& element, std::vector<std::string_view>& references) {
    simdjson::dom::array array;
    simdjson::dom::object object;
    if (element.get(array) == simdjson::SUCCESS) {
        for (const Element item : array) collect(item, references);
    } else if (element.get(object) == simdjson::SUCCESS) {
        for (const auto& [key, value] : object) {
            std::string_view text;
            if (key == "reference" && value.get(text) == simdjson::SUCCESS)
                references.push_back(text);
            else
                collect(value, references);
        }
    }
}

}  // namespace

std::span<const IncludeSpec> include_specs() {
    return kIncludes;
}

bool followed_back(const IncludeSpec& spec) {
    const auto& params = find_spec(spec.source)->params;
    return std::any_of(params.begin(), params.end(), [&](const auto& param) {
        return param.name == spec.name && param.type == "reference";
    });
}

Result<const IncludeSpec*> parse_include(std::string_view parameter, std::string_view value) {
    for (const auto& spec : kIncludes) {
        const std::string name = std::string(spec.source) + ":" + std::string(spec.name);
        if (value != name && value != name + ":" + std::string(spec.target)) continue;
        if (parameter == "_include" || followed_back(spec)) return &spec;
    }
    return fail(Errc::Unsupported, std::string(parameter) + "=" + std::string(value) +
                                       " is not offered; /fhir/metadata lists what is");
}

std::vector<std::string> targets_of(const IncludeSpec& spec, const std::vector<Entry>& entries) {
    const std::string prefix = std::string(spec.target) + "/";
    std::set<std::string, std::less<>> seen;
    for (const auto& entry : entries)
        if (entry.type == spec.target) seen.insert(entry.id);
    std::vector<std::string> ids;
    simdjson::dom::parser parser;
    for (const auto& entry : entries) {
        if (entry.type != spec.source) continue;
        Element member;
        if (parser.parse(entry.json).at_key(spec.member).get(member) != simdjson::SUCCESS) continue;
        std::vector<std::string_view> references;
        collect(member, references);
        for (auto reference : references) {
            if (!reference.starts_with(prefix)) continue;
            reference.remove_prefix(prefix.size());
            if (seen.emplace(reference).second) ids.emplace_back(reference);
        }
    }
    return ids;
}

}  // namespace vitalog::sinks::fhir
