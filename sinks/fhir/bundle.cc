#include "sinks/fhir/bundle.h"

#include "schemas/json.h"
#include "sinks/fhir/parts.h"

namespace vitalog::sinks::fhir {
namespace {

/// The request's own URL, or that of another page of it.
std::string url_of(const HttpRequest& request, std::string_view page = {}) {
    std::string url = base_url(request);
    for (const char c : request.path)
        if (c == '/' || c == '$')
            url += c;
        else
            url += percent_encoded(std::string_view(&c, 1));
    char join = '?';
    for (const auto& [name, value] : request.query) {
        if (!page.empty() && name == "_page") continue;
        url += join + percent_encoded(name) + "=" + percent_encoded(value);
        join = '&';
    }
    if (!page.empty()) url += join + std::string("_page=") + percent_encoded(page);
    return url;
}

void write_link(JsonWriter& json, std::string_view relation, const std::string& url) {
    json.begin_object();
    json.field("relation", relation);
    json.field("url", url);
    json.end_object();
}

}  // namespace

std::string base_url(const HttpRequest& request) {
    const auto host = request.headers.find("host");
    const auto scheme = request.headers.find("x-forwarded-proto");
    const bool secure = scheme != request.headers.end() && scheme->second == "https";
    return (secure ? "https://" : "http://") +
           (host == request.headers.end() ? std::string("localhost") : host->second);
}

std::string to_searchset(const HttpRequest& request, const Found& found) {
    const std::string fhir = base_url(request) + "/fhir/";
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("resourceType", "Bundle");
    json.field("type", "searchset");
    if (found.total) json.field("total", *found.total);
    json.key("link");
    json.begin_array();
    write_link(json, "self", url_of(request));
    if (!found.next.empty()) write_link(json, "next", url_of(request, found.next));
    json.end_array();
    if (!found.entries.empty()) {
        json.key("entry");
        json.begin_array();
        for (const auto& entry : found.entries) {
            json.begin_object();
            json.field("fullUrl", fhir + entry.type + "/" + entry.id);
            json.key("resource");
            json.raw(entry.json);
            json.key("search");
            json.begin_object();
            json.field("mode", entry.included ? "include" : "match");
            json.end_object();
            json.end_object();
        }
        json.end_array();
    }
    json.end_object();
    return out;
}

}  // namespace vitalog::sinks::fhir
