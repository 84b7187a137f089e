#include "sinks/fhir/binary_api.h"

#include "schemas/base/base64.h"
#include "schemas/json_decode.h"
#include "sinks/fhir/fhir_api.h"
#include "sinks/fhir/outcome.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/search.h"
#include "sinks/views/details.h"

namespace vitalog::sinks::fhir {
namespace {

/// What is found of a document before its bytes are.
struct Found {
    views::ObservationRow row;
    std::string sha256;
    std::string content_type;
};

Result<Found> find(const views::ViewReader& reader, const std::string& id) {
    const auto unknown = [&] { return fail(Errc::NotFound, "Binary/" + id + " does not exist"); };
    if (!parse_located(id)) return unknown();
    VITALOG_TRY(const auto search,
                parse_search(*find_spec("Observation"), {{"_id", id}}, {reader, "UTC"}));
    if (search.nothing) return unknown();
    VITALOG_TRY(auto page, reader.observations(search.query));
    schemas::Decoder decoder;
    for (auto& row : page.rows) {
        if (row.details.empty()) continue;
        VITALOG_TRY(const auto details,
                    schemas::decode<views::ObservationDetails>(row.details, decoder));
        if (!details.attachment) continue;
        return Found{std::move(row), std::string(details.attachment->sha256),
                     std::string(details.attachment->content_type)};
    }
    return unknown();
}

bool wants_resource(const HttpRequest& request) {
    const auto accept = request.headers.find("accept");
    return accept != request.headers.end() && accept->second.find("json") != std::string::npos;
}

std::string to_binary(const std::string& id, const Found& found, std::string_view bytes) {
    std::string out;
    JsonWriter json(out);
    begin_resource(json, "Binary", id, found.row.revision, found.row.updated_us);
    json.field("contentType", found.content_type);
    json.key("securityContext");
    write_reference_item(json, "Patient", found.row.person);
    json.field("data", base64_encode(bytes));
    json.end_object();
    return out;
}

HttpResponse as_it_is(const Found& found, std::string bytes) {
    HttpResponse response;
    response.content_type = found.content_type;
    response.body = std::move(bytes);
    // A document that a browser opens must not act in the name of this server.
    response.headers = {{"X-Content-Type-Options", "nosniff"},
                        {"Content-Disposition", "attachment"},
                        {"Content-Security-Policy", "sandbox"}};
    return response;
}

}  // namespace

BinaryApi::BinaryApi(const views::ViewReader& reader, ReadBlob read, FeedAppender& log,
                     const Clock& clock, const schemas::TopicNames& topics)
    : reader_(reader), read_(std::move(read)), audit_(log, clock, topics) {}

void BinaryApi::register_routes(Router& router) {
    router.route("GET", "/fhir/Binary/{id}", [this](HttpRequest request, Respond respond) {
        if (!may_read(request.caller))
            return respond(
                outcome(403, "role '" + request.caller.role + "' may not read persons' data"));
        answer(request, respond);
    });
}

void BinaryApi::answer(const HttpRequest& request, const Respond& respond) const {
    const auto& id = request.path_params.at("id");
    const auto found = find(reader_, id);
    if (!found) return respond(outcome(found.error()));
    auto bytes = read_(found->sha256);
    if (!bytes) return respond(outcome(bytes.error()));
    if (!*bytes)
        return respond(outcome(
            Error(Errc::Busy, "the document of Binary/" + id + " is not stored yet, ask again")));
    HttpResponse response = wants_resource(request) ? resource(to_binary(id, *found, **bytes))
                                                    : as_it_is(*found, **std::move(bytes));
    audit_.answer(request, {"Binary", {found->row.person}, 1}, std::move(response), respond);
}

}  // namespace vitalog::sinks::fhir
