#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "sinks/fhir/fhir_api.h"
#include "sinks/views/judgement_board.h"

namespace vitalog::sinks::fhir {

/// POST /fhir/Task/{id}/$accept, $confirm, $modify, $reject, $hand-over: writes the decision to
/// `feed.decision`, waits until the desk has judged it and the views show it, and answers with the
/// Task as of the version that the judgement names: a repeat gets the bytes of the first answer.
/// Handlers don't block.
class TaskOperations {
  public:
    /// ViewWorker::wait_for_judgement, or a test's.
    using Wait = std::function<void(const std::string& root, std::chrono::milliseconds timeout,
                                    views::JudgementBoard::Done done)>;

    TaskOperations(const FhirApi& api, FeedAppender& log, const Clock& clock, Wait wait,
                   std::chrono::milliseconds patience = std::chrono::seconds(10));

    void register_routes(Router& router);

  private:
    void decide(HttpRequest request, const std::string& action, Respond respond) const;
    void answer(const HttpRequest& request, const std::string& id,
                const std::optional<views::Judged>& judged, const Respond& respond) const;

    const FhirApi& api_;
    FeedAppender& log_;
    const Clock& clock_;
    const std::string topic_;
    const Audit audit_;
    const Wait wait_;
    const std::chrono::milliseconds patience_;
};

/// What a decision's body says: FHIR Parameters or {"text","reason","to","request_id"}; an empty
/// body says nothing.
struct DecisionBody {
    std::string text;
    std::string reason;
    std::string to;
    std::string request_id;
};
/// Malformed.
Result<DecisionBody> parse_decision_body(std::string_view body);

}  // namespace vitalog::sinks::fhir
