#pragma once

#include "schemas/base/ports.h"
#include "sinks/explain/explanation.h"
#include "sinks/fhir/audit.h"

namespace vitalog::sinks::explain {

/// GET /alerts/{id}/explain, audited as every read of a person's data. Borrows what it is given.
class ExplainApi {
  public:
    ExplainApi(Explainer explainer, FeedAppender& log, const Clock& clock,
               const schemas::TopicNames& topics)
        : explainer_(explainer), audit_(log, clock, topics) {}

    void register_routes(Router& router);

  private:
    void answer(const HttpRequest& request, const Respond& respond) const;

    const Explainer explainer_;
    const fhir::Audit audit_;
};

}  // namespace vitalog::sinks::explain
