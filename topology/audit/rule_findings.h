#pragma once

#include <map>
#include <optional>
#include <string>

#include "processors/care/person.h"
#include "processors/care/rule_trace.h"

namespace vitalog::topology {

/// A judgement that outlives the call that told it.
struct Found {
    using Of = processors::care::Judgement::Of;
    Of of = Of::Nothing;
    bool met = false;
    EventTime at;
    processors::Bounds value;
    std::string what;
    processors::rules::Run run;
    double least = 0, most = 0;
    std::int64_t count = 0;
    std::chrono::microseconds covered{};
    EventTime until;
    schemas::Rule rule;                       ///< as it was judged: with the person's own limits
    bool too_old = false;                     ///< a condition's
    std::map<std::size_t, Found> parts = {};  ///< of a combination, by the place of the condition
};

/// Keeps, of what a processor tells of one rule, the newest by event time; and the person as they
/// stand.
class RuleFindings final : public processors::care::RuleTrace {
  public:
    explicit RuleFindings(std::string rule) : id_(std::move(rule)) {}

    void judged(const processors::care::Judgement& judgement) override;
    void combines(const schemas::Rule& rule, EventTime as_of) override;
    void handled(const processors::care::Person& person) override {
        person_ = person;
        combination_ = nullptr;  // a publication may come next, and end the rule
    }

    const std::optional<Found>& newest() const { return newest_; }
    /// Nothing before the first record about the person.
    const std::optional<processors::care::Person>& person() const { return person_; }

  private:
    const std::string id_;
    std::optional<Found> newest_;
    std::optional<processors::care::Person> person_;
    const schemas::Rule* combination_ = nullptr;  // whose conditions are judged
};

}  // namespace vitalog::topology
