#pragma once

#include <string>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"

namespace vitalog::sinks::fhir {

/// Writes who read whose data to `audit`, one record for each person or for the topic read whole, and
/// lets the answer go only when all of them are on disk. Thread-safe; borrows the log and the clock.
class Audit {
  public:
    Audit(FeedAppender& log, const Clock& clock, const schemas::TopicNames& topics)
        : log_(log), clock_(clock), topic_(topics.name(schemas::Topic::Audit)) {}

    struct Read {
        std::string resource;  ///< type
        std::vector<std::string> persons;
        std::int64_t count = 0;  ///< resources in the answer
        std::string whole = {};  ///< read without regard to persons: the key of its one record
    };
    /// Answers 503 instead when the audit can't be written. Where nobody's data was read it answers
    /// at once.
    void answer(const HttpRequest& request, Read read, HttpResponse response,
                Respond respond) const;

  private:
    std::string line(const HttpRequest& request, const Read& read, const std::string& key,
                     int status, LogTime at) const;

    FeedAppender& log_;
    const Clock& clock_;
    const std::string topic_;
};

}  // namespace vitalog::sinks::fhir
