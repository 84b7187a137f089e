#include "sinks/fhir/outcome.h"

#include "schemas/operation_outcome.h"

namespace vitalog::sinks::fhir {

HttpResponse outcome(int status, std::string_view diagnostics) {
    HttpResponse response = resource(schemas::operation_outcome(status, diagnostics));
    response.status = status;
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
    response.content_type = schemas::kFhirJson;
    response.body = std::move(body);
    return response;
}

}  // namespace vitalog::sinks::fhir
