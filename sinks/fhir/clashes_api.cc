#include "sinks/fhir/clashes_api.h"

#include "schemas/base/time.h"
#include "schemas/json.h"
#include "sinks/fhir/outcome.h"
#include "sinks/fhir/search.h"

namespace vitalog::sinks::fhir {
namespace {

using schemas::JsonWriter;

struct Wish {
    std::int64_t limit = kCountDefault;
    views::Cursor after;
};

Result<Wish> parse_wish(const HttpRequest& request) {
    Wish wish;
    for (const auto& [name, value] : request.query) {
        if (name == "max") {
            VITALOG_TRY(wish.limit, parse_number(name, value, kCountMax));
        } else if (name == "from") {
            VITALOG_TRY(wish.after, views::Cursor::parse(value));
        } else {
            return fail(Errc::Unsupported, "unknown parameter '" + name + "' for /clashes");
        }
    }
    if (wish.limit == 0) return fail(Errc::Malformed, "'max' must be 1 or more");
    return wish;
}

std::string to_json(const views::Page<views::ClashRow>& page) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.key("items");
    json.begin_array();
    for (const auto& row : page.rows) {
        json.begin_object();
        json.field("person", row.person);
        json.field("other", row.other);
        json.field("identifier", row.authority + "|" + row.value);
        json.field("named_by", row.named_by);
        json.field("at", to_rfc3339(row.updated_us));
        json.end_object();
    }
    json.end_array();
    if (page.more) json.field("next", page.next.to_string());
    json.end_object();
    return out;
}

}  // namespace

void ClashesApi::register_routes(Router& router) {
    router.route("GET", "/clashes",
                 [this](HttpRequest request, Respond respond) { answer(request, respond); });
}

void ClashesApi::answer(const HttpRequest& request, const Respond& respond) const {
    const std::string& role = request.caller.role;
    if (!role.empty() && role != "operator" && role != "hospital")
        return respond(
            outcome(403, "role '" + role + "' may not; an operator or a hospital system may"));
    const auto wish = parse_wish(request);
    if (!wish) return respond(outcome(wish.error()));
    const auto page = reader_.clashes(wish->after, wish->limit);
    if (!page) return respond(outcome(page.error()));
    Audit::Read read{"clashes", {}, static_cast<std::int64_t>(page->rows.size())};
    for (const auto& row : page->rows) {
        read.persons.push_back(row.person);
        read.persons.push_back(row.other);
    }
    HttpResponse response;
    response.body = to_json(*page);
    audit_.answer(request, std::move(read), std::move(response), respond);
}

}  // namespace vitalog::sinks::fhir
