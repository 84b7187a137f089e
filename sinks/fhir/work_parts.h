#pragma once

#include <string>
#include <string_view>

#include "schemas/events/care.h"
#include "sinks/fhir/parts.h"

// What alerts, tasks and messages have in common.

namespace vitalog::sinks::fhir {

inline constexpr std::string_view kRule = "urn:vitalog:rule";

/// FHIR R4 request-priority.
inline std::string_view request_priority(schemas::Priority priority) {
    using schemas::Priority;
    switch (priority) {
        case Priority::High:
            return "stat";
        case Priority::Medium:
            return "urgent";
        case Priority::Low:
            return "routine";
    }
    return "routine";
}

inline std::string rule_at_version(std::string_view rule, std::string_view version) {
    return std::string(rule) + "@" + std::string(version);
}

/// A CodeableConcept that is only text.
inline void write_concept_text(JsonWriter& json, std::string_view name, std::string_view text) {
    json.key(name);
    json.begin_object();
    json.field("text", text);
    json.end_object();
}

}  // namespace vitalog::sinks::fhir
