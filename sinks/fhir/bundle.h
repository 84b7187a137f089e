#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schemas/base/ports.h"
#include "sinks/fhir/search.h"

namespace vitalog::sinks::fhir {

/// A resource on its way into a Bundle.
struct Entry {
    std::string type;
    std::string id;
    std::string person;  ///< empty where it is about no patient
    std::string json;
};

struct Found {
    std::vector<Entry> entries;
    std::optional<std::int64_t> total;
    bool more = false;
};

/// "http://host", of the Host header; https behind a proxy that says so.
std::string base_url(const HttpRequest& request);
/// A searchset Bundle with self and, where there is more, next: the same search from `next_offset`.
std::string to_searchset(const HttpRequest& request, const Found& found, std::int64_t next_offset);

}  // namespace vitalog::sinks::fhir
