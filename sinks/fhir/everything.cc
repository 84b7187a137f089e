#include <algorithm>

#include "sinks/fhir/fhir_api.h"
#include "sinks/fhir/outcome.h"

// Patient/{id}/$everything: one search after the other, each type in pages of its own.

namespace vitalog::sinks::fhir {
namespace {

/// What $everything may be asked for (R4: start, end, _since, _type, _count).
struct Wish {
    QueryParams narrowed;  ///< for every type
    QueryParams dates;     ///< for those that happened at some time
    std::string types;
    std::int64_t limit = kCountMax;
    std::string from_type;  ///< where the page begins; empty: at the first type
    views::Cursor after;    ///< and where in it

    bool wants(std::string_view type) const {
        return types.empty() ||
               ("," + types + ",").find("," + std::string(type) + ",") != std::string::npos;
    }
};

/// _page: a type, a full stop, and where in it the page before ended.
Result<void> parse_page(const std::string& value, Wish& wish) {
    const std::size_t stop = value.find('.');
    wish.from_type = value.substr(0, stop);
    if (stop == std::string::npos || find_spec(wish.from_type) == nullptr)
        return fail(Errc::Malformed,
                    "_page is not of this search; follow the link 'next' of a page as it is");
    if (stop + 1 == value.size()) return {};
    VITALOG_TRY(wish.after, views::Cursor::parse(std::string_view(value).substr(stop + 1)));
    return {};
}

Result<Wish> parse_wish(const HttpRequest& request) {
    Wish wish;
    for (const auto& [name, value] : request.query) {
        if (name == "start")
            wish.dates.emplace_back("date", "ge" + value);
        else if (name == "end")
            wish.dates.emplace_back("date", "le" + value);
        else if (name == "_since")
            wish.narrowed.emplace_back("_lastUpdated", "ge" + value);
        else if (name == "_type")
            wish.types = value;
        else if (name == "_count") {
            VITALOG_TRY(wish.limit, parse_number(name, value, kCountMax));
        } else if (name == "_page") {
            VITALOG_CHECK(parse_page(value, wish));
        } else if (name != "_format" && name != "_pretty") {
            return fail(Errc::Unsupported, "unknown parameter '" + name + "' for $everything");
        }
    }
    return wish;
}

/// The parameter by which a type is searched by when it happened; empty where there is none.
std::string_view date_param(const ResourceSpec& spec) {
    for (const std::string_view name : {"date", "identified"})
        for (const auto& param : spec.params)
            if (param.name == name) return name;
    return {};
}

QueryParams params_for(const ResourceSpec& spec, const Wish& wish, const std::string& person) {
    QueryParams params = wish.narrowed;
    params.emplace_back(spec.table == views::Table::Patient ? "_id" : "patient", person);
    const std::string_view date = date_param(spec);
    for (const auto& [name, value] : wish.dates)
        if (!date.empty()) params.emplace_back(date, value);
    return params;
}

}  // namespace

void FhirApi::answer_everything(const HttpRequest& request, const Respond& respond) const {
    auto found = everything(request);
    if (!found) return respond(outcome(found.error()));
    Audit::Read read{"Patient",
                     {request.path_params.at("id")},
                     static_cast<std::int64_t>(found->entries.size())};
    for (const auto& entry : found->entries) read.persons.push_back(entry.person);
    audit_.answer(request, std::move(read), resource(to_searchset(request, *found)), respond);
}

Result<Found> FhirApi::everything(const HttpRequest& request) const {
    const auto& person = request.path_params.at("id");
    VITALOG_CHECK(read("Patient", person));
    VITALOG_TRY(const Wish wish, parse_wish(request));
    Found all;
    all.total = 0;
    bool begun = wish.from_type.empty();
    for (const auto& spec : resource_specs()) {
        if (!wish.wants(spec.type)) continue;
        const bool here = spec.type == wish.from_type;
        begun = begun || here;
        VITALOG_TRY(auto search,
                    parse_search(spec, params_for(spec, wish, person), {reader_, options_.zone}));
        const auto room = wish.limit - static_cast<std::int64_t>(all.entries.size());
        search.query.limit = begun && all.next.empty() ? room : 0;
        if (here) search.query.after = wish.after;
        VITALOG_TRY(auto found, run(spec, search));
        // What is only counted needs no place in the page; what does not fit begins the next one.
        const bool waits = search.query.limit == 0 && found.total.value_or(1) > 0;
        if (begun && all.next.empty() && (!found.next.empty() || waits))
            all.next = std::string(spec.type) + "." + (waits ? "" : found.next);
        if (!found.total) all.total.reset();
        if (all.total) *all.total += *found.total;
        std::move(found.entries.begin(), found.entries.end(), std::back_inserter(all.entries));
    }
    return all;
}

}  // namespace vitalog::sinks::fhir
