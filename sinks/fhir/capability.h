#pragma once

#include <string>
#include <string_view>

namespace vitalog::sinks::fhir {

/// The CapabilityStatement: what the resource specs say, nothing beyond.
struct CapabilityOptions {
    std::string_view version;  ///< of the software
    std::string base_url;
    std::string now;
    bool provenance = false;  ///< served
};
std::string capability_statement(const CapabilityOptions& options);

}  // namespace vitalog::sinks::fhir
