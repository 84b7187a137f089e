#include "sinks/fhir/outcome.h"

#include "schemas/json.h"

namespace vitalog::sinks::fhir {

std::string_view issue_type(int status) {
    switch (status) {
        case 400:
            return "invalid";
        case 401:
            return "login";
        case 403:
            return "forbidden";
        case 404:
            return "not-found";
        case 409:
            return "conflict";
        case 413:
            return "too-long";
        case 415:
            return "not-supported";
        case 422:
            return "business-rule";
        case 503:
            return "transient";
        default:
            return "exception";
    }
}

HttpResponse outcome(int status, std::string_view diagnostics) {
    HttpResponse response;
    response.status = status;
    response.content_type = kFhirJson;
    schemas::JsonWriter json(response.body);
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
    if (status == 503) response.headers.emplace_back("Retry-After", "2");
    return response;
}

int http_status(const Error& error) {
    switch (error.code()) {
        case Errc::Malformed:
        case Errc::Missing:
        case Errc::OutOfRange:
        case Errc::Unsupported:
            return 400;
        case Errc::NotFound:
            return 404;
        case Errc::Forbidden:
            return 403;
        case Errc::Conflict:
            return 409;
        case Errc::TooLarge:
            return 413;
        case Errc::Busy:
            return 503;
        case Errc::Io:
        case Errc::Damaged:
        case Errc::Configuration:
            return 500;
    }
    return 500;
}

HttpResponse outcome(const Error& error) {
    return outcome(http_status(error), error.message());
}

HttpResponse resource(std::string body) {
    HttpResponse response;
    response.content_type = kFhirJson;
    response.body = std::move(body);
    return response;
}

}  // namespace vitalog::sinks::fhir
