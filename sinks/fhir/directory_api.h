#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/base/result.h"
#include "schemas/topic_names.h"

namespace vitalog::sinks::fhir {

/// One line of the directory, checked: what it says goes to `feed.directory` as it came.
struct DirectoryLine {
    std::string key;  ///< the patient's identifier, or the team
    std::string json;
};

/// Reads NDJSON or a JSON array. An Error names the line (or item), counted from 1, and what to
/// change.
Result<std::vector<DirectoryLine>> parse_directory(std::string_view body);

/// POST /directory: all lines or none; answers {"accepted":n} once what they say is applied.
class DirectoryApi {
  public:
    /// Calls back once everything that follows from these records stands in every stage.
    using WhenApplied = std::function<void(std::vector<AppendReceipt>, std::function<void()>)>;

    DirectoryApi(FeedAppender& log, const Clock& clock, WhenApplied when_applied,
                 const schemas::TopicNames& topics = {});
    void register_routes(Router& router);

  private:
    void take(const HttpRequest& request, Respond respond) const;

    FeedAppender& log_;
    const Clock& clock_;
    const WhenApplied when_applied_;
    const std::string topic_;
};

}  // namespace vitalog::sinks::fhir
