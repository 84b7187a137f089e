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
    std::int64_t record =
        0;  ///< views::Source::record() of what it comes from; 0 for what has none
    std::int64_t updated_us = 0;
    bool included = false;  ///< beside what was searched for
};

struct Found {
    std::vector<Entry> entries;
    std::optional<std::int64_t> total;
    std::string next;  ///< _page of what follows; empty: nothing does
};

/// "http://host", of the Host header; https behind a proxy that says so.
std::string base_url(const HttpRequest& request);
/// A searchset Bundle with self and, where there is more, next: the same search from there on.
std::string to_searchset(const HttpRequest& request, const Found& found);

}  // namespace vitalog::sinks::fhir
