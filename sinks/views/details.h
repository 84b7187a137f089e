#pragma once

#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"

// What rows of reports and observations say beyond their columns, as JSON: shown with the resource,
// searched by nobody. Views, as events are.

namespace vitalog::sinks::views {

struct ObservationDetails {
    schemas::Practitioner performer;
    std::string_view producer;
    std::vector<std::string_view> notes;
    std::optional<schemas::Attachment> attachment;

    template <class V>
    void members(V& v) {
        v("performer", performer);
        v("producer", producer);
        v("notes", notes);
        v("attachment", attachment);
    }
};

/// A document among a report's results.
struct ReportDocument {
    std::string_view observation;  ///< id
    std::string_view title;
    std::string_view content_type;
    std::int64_t size = 0;

    template <class V>
    void members(V& v) {
        v.required("observation", observation);
        v("title", title);
        v("content_type", content_type);
        v.required("size", size);
    }
};

struct ReportDetails {
    schemas::Practitioner performer;
    schemas::Practitioner interpreter;
    std::string_view producer;  ///< of its first result that names one
    schemas::Order order;
    std::vector<std::string_view> notes;
    bool document = false;
    std::string_view text;  ///< of a document: its lines
    std::vector<ReportDocument> documents;

    template <class V>
    void members(V& v) {
        v("performer", performer);
        v("interpreter", interpreter);
        v("producer", producer);
        v("order", order);
        v("notes", notes);
        v("document", document);
        v("text", text);
        v("documents", documents);
    }
};

}  // namespace vitalog::sinks::views
