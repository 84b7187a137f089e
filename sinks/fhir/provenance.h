#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"
#include "sinks/fhir/bundle.h"
#include "sinks/trace/feed_trace.h"

namespace vitalog::sinks::fhir {

/// Where Provenance looks: the log as it is kept.
struct RecordTrace {
    const RecordSource* records = nullptr;  ///< null: Provenance is not served
    Generation generation;                  ///< of the log
};

/// Says of a resource which stage wrote it, from which record, and which feed record is at the root
/// of that. Thread-safe.
class Provenances {
  public:
    Provenances(RecordTrace options, const schemas::TopicNames& topics)
        : options_(options), topics_(topics) {}

    bool served() const { return options_.records != nullptr; }
    /// For one request. Provenance is served.
    FeedTrace trace() const { return {*options_.records, topics_, options_.generation}; }
    /// The Provenance of a resource in hand. Io, Damaged.
    Result<Entry> of(const Entry& target, FeedTrace& trace) const;

    /// "Observation-ab12..." names the Provenance of Observation/ab12...
    static std::string id_of(const Entry& target) { return target.type + "-" + target.id; }
    struct Target {
        std::string type;
        std::string id;
    };
    static std::optional<Target> target_of(std::string_view id);

  private:
    const RecordTrace options_;
    const schemas::TopicNames& topics_;
};

}  // namespace vitalog::sinks::fhir
