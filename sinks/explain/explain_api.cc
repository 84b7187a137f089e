#include "sinks/explain/explain_api.h"

#include "sinks/fhir/fhir_api.h"
#include "sinks/fhir/outcome.h"

namespace vitalog::sinks::explain {

void ExplainApi::register_routes(Router& router) {
    router.route(
        "GET", "/alerts/{id}/explain",
        [this](const HttpRequest& request, const Respond& respond) { answer(request, respond); });
}

void ExplainApi::answer(const HttpRequest& request, const Respond& respond) const {
    if (!fhir::may_read(request.caller))
        return respond(
            fhir::outcome(403, "role '" + request.caller.role + "' may not read persons' data"));
    auto explanation = explainer_.explain(request.path_params.at("id"));
    if (!explanation) return respond(fhir::outcome(explanation.error()));
    HttpResponse response;
    response.body = std::move(explanation->json);
    audit_.answer(request, {"Explanation", std::move(explanation->persons), 1}, std::move(response),
                  respond);
}

}  // namespace vitalog::sinks::explain
