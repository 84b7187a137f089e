#include "schemas/operation_outcome.h"

#include "schemas/json.h"

namespace vitalog::schemas {
namespace {

std::string_view issue_type(int status) {
    switch (status) {
        case 401:
            return "login";
        case 403:
            return "forbidden";
        case 404:
            return "not-found";
        case 405:
        case 415:
            return "not-supported";
        case 409:
            return "conflict";
        case 413:
            return "too-long";
        case 422:
            return "business-rule";
        case 503:
            return "transient";
        case 504:
            return "timeout";
        default:
            return status >= 500 ? "exception" : "invalid";
    }
}

}  // namespace

std::string operation_outcome(int status, std::string_view diagnostics) {
    std::string body;
    JsonWriter json(body);
    json.begin_object();
    json.field("resourceType", "OperationOutcome");
    json.key("issue");
    json.begin_array();
    json.begin_object();
    json.field("severity", "error");
    json.field("code", issue_type(status));
    json.field("diagnostics", diagnostics);
    json.end_object();
    json.end_array();
    json.end_object();
    return body;
}

}  // namespace vitalog::schemas
