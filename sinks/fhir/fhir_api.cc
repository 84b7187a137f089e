#include "sinks/fhir/fhir_api.h"

#include <algorithm>

#include "schemas/base/ids.h"
#include "sinks/fhir/capability.h"
#include "sinks/fhir/outcome.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"

namespace vitalog::sinks::fhir {
namespace {

using views::Op;
using views::Table;

/// Turns a page of rows into entries.
template <class Row, class Render>
Result<Found> to_found(std::string_view type, Result<views::Page<Row>> page, bool located,
                       Render render) {
    VITALOG_CHECK(page);
    Found found;
    found.total = page->total;
    found.more = page->more;
    for (const auto& row : page->rows) {
        VITALOG_TRY(std::string json, render(row));
        std::string id;
        if constexpr (requires { row.id; })
            id = located ? located_id(row.person, row.id) : row.id;
        else
            id = row.person;
        found.entries.push_back({std::string(type), std::move(id), row.person, std::move(json)});
    }
    return found;
}

tl::unexpected<Error> not_found(std::string_view type, const std::string& id) {
    return fail(Errc::NotFound, std::string(type) + "/" + id + " does not exist");
}

void add_persons(const Found& found, std::vector<std::string>& persons) {
    for (const auto& entry : found.entries) persons.push_back(entry.person);
}

}  // namespace

bool may_read(const Caller& caller) {
    return caller.role != "gateway";
}

FhirApi::FhirApi(const views::ViewReader& reader, FeedAppender& log, const Clock& clock,
                 FhirOptions options)
    : reader_(reader),
      clock_(clock),
      options_(std::move(options)),
      audit_(log, clock, options_.topics) {}

void FhirApi::register_routes(Router& router) {
    const auto guarded = [](auto handle) {
        return [handle](HttpRequest request, Respond respond) {
            if (!may_read(request.caller))
                return respond(
                    outcome(403, "role '" + request.caller.role + "' may not read persons' data"));
            handle(request, respond);
        };
    };
    router.route("GET", "/fhir/metadata",
                 [this](HttpRequest request, Respond respond) { metadata(request, respond); });
    router.route("GET", "/fhir/{type}", guarded([this](const auto& request, const auto& respond) {
                     answer_search(request, respond);
                 }));
    router.route("GET", "/fhir/{type}/{id}",
                 guarded([this](const auto& request, const auto& respond) {
                     answer_read(request, respond);
                 }));
    router.route("GET", "/fhir/Patient/{id}/$everything",
                 guarded([this](const auto& request, const auto& respond) {
                     answer_everything(request, respond);
                 }));
}

void FhirApi::metadata(const HttpRequest& request, const Respond& respond) const {
    respond(resource(
        capability_statement(options_.version, base_url(request), to_rfc3339(clock_.now()))));
}

Result<Found> FhirApi::run(const ResourceSpec& spec, const SearchRequest& search) const {
    if (search.nothing) {
        Found nothing;
        nothing.total = 0;
        return nothing;
    }
    schemas::Decoder decoder;
    const auto& query = search.query;
    const auto type = spec.type;
    const auto plain = [](auto render) {
        return [render](const auto& row) -> Result<std::string> { return render(row); };
    };
    const auto decoded = [&decoder](auto render) {
        return [render, &decoder](const auto& row) { return render(row, decoder); };
    };
    switch (spec.table) {
        case Table::Patient:
            return to_found(type, reader_.patients(query), false, plain(to_patient));
        case Table::Encounter:
            return to_found(type, reader_.encounters(query), true, decoded(to_encounter));
        case Table::Report:
            return to_found(type, reader_.reports(query), true, decoded(to_report));
        case Table::Observation:
            return to_found(type, reader_.observations(query), true, decoded(to_observation));
        case Table::Risk:
            return to_found(type, reader_.risks(query), true, plain(to_risk_assessment));
        case Table::Alert:
            return to_found(type, reader_.alerts(query), false, decoded(to_detected_issue));
        case Table::Task:
            return to_found(type, reader_.tasks(query), false, decoded(to_task));
        case Table::Delivery:
            return to_found(type, reader_.deliveries(query), false, decoded(to_communication));
    }
    return fail(Errc::Unsupported, "unknown resource type");
}

void FhirApi::answer_search(const HttpRequest& request, const Respond& respond) const {
    const auto& type = request.path_params.at("type");
    if (type == "metadata") return metadata(request, respond);
    const ResourceSpec* spec = find_spec(type);
    if (spec == nullptr) return respond(outcome(404, "resource type '" + type + "' is not served"));
    const auto search = parse_search(*spec, request.query, {reader_, options_.zone});
    if (!search) return respond(outcome(search.error()));
    auto found = run(*spec, *search);
    if (!found) return respond(outcome(found.error()));
    if (search->count_only) {
        found->entries.clear();
        found->more = false;
    }
    const auto next = search->query.offset + static_cast<std::int64_t>(found->entries.size());
    Audit::Read read{type, search->named, static_cast<std::int64_t>(found->entries.size())};
    add_persons(*found, read.persons);
    audit_.answer(request, std::move(read), resource(to_searchset(request, *found, next)), respond);
}

Result<Entry> FhirApi::read(std::string_view type, const std::string& id) const {
    const ResourceSpec* spec = find_spec(type);
    if (spec == nullptr)
        return fail(Errc::NotFound, "resource type '" + std::string(type) + "' is not served");
    const bool possible = spec->located                   ? parse_located(id).has_value()
                          : spec->table == Table::Patient ? !RecordId::parse(id).empty()
                                                          : is_fhir_id(id);
    if (!possible) return not_found(type, id);
    VITALOG_TRY(const auto search, parse_search(*spec, {{"_id", id}}, {reader_, options_.zone}));
    VITALOG_TRY(auto found, run(*spec, search));
    if (found.entries.empty()) return not_found(type, id);
    // One result id under two persons who are one: what stands comes before what was withdrawn.
    for (auto& entry : found.entries)
        if (entry.id == id) return std::move(entry);
    return std::move(found.entries.front());
}

Result<Entry> FhirApi::read_task(const std::string& id, std::int64_t version) const {
    VITALOG_TRY(const auto row, reader_.task_version(id, version));
    if (!row) return not_found("Task", id + "/_history/" + std::to_string(version));
    schemas::Decoder decoder;
    VITALOG_TRY(std::string json, to_task(*row, decoder));
    return Entry{"Task", id, row->person, std::move(json)};
}

void FhirApi::answer_read(const HttpRequest& request, const Respond& respond) const {
    const auto& type = request.path_params.at("type");
    auto entry = read(type, request.path_params.at("id"));
    if (!entry) return respond(outcome(entry.error()));
    audit_.answer(request, {type, {entry->person}, 1}, resource(std::move(entry->json)), respond);
}

void FhirApi::answer_everything(const HttpRequest& request, const Respond& respond) const {
    std::int64_t next = 0;
    auto found = everything(request, next);
    if (!found) return respond(outcome(found.error()));
    Audit::Read read{"Patient",
                     {request.path_params.at("id")},
                     static_cast<std::int64_t>(found->entries.size())};
    add_persons(*found, read.persons);
    audit_.answer(request, std::move(read), resource(to_searchset(request, *found, next)), respond);
}

namespace {

/// What Patient/$everything may be asked for (R4: start, end, _since, _type, _count).
struct Wish {
    QueryParams narrowed;  ///< for every type
    std::vector<std::pair<std::string, std::string>> dates;
    std::string types;
    std::int64_t limit = kCountMax;
    std::int64_t offset = 0;

    bool wants(std::string_view type) const {
        return types.empty() ||
               ("," + types + ",").find("," + std::string(type) + ",") != std::string::npos;
    }
};

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
            VITALOG_TRY(wish.offset, parse_number(name, value, INT64_MAX / 2));
        } else if (name != "_format") {
            return fail(Errc::Unsupported, "unknown parameter '" + name + "' for $everything");
        }
    }
    return wish;
}

bool has_param(const ResourceSpec& spec, std::string_view name) {
    return std::any_of(spec.params.begin(), spec.params.end(),
                       [&](const auto& param) { return param.name == name; });
}

}  // namespace

Result<Found> FhirApi::everything(const HttpRequest& request, std::int64_t& next_offset) const {
    const auto& person = request.path_params.at("id");
    VITALOG_CHECK(read("Patient", person));
    VITALOG_TRY(const Wish wish, parse_wish(request));
    Found all;
    all.total = 0;
    std::int64_t skip = wish.offset;
    for (const auto& spec : resource_specs()) {
        if (!wish.wants(spec.type)) continue;
        QueryParams params = wish.narrowed;
        params.emplace_back(spec.table == Table::Patient ? "_id" : "patient", person);
        if (has_param(spec, "date"))
            params.insert(params.end(), wish.dates.begin(), wish.dates.end());
        VITALOG_TRY(auto search, parse_search(spec, params, {reader_, options_.zone}));
        search.query.offset = skip;
        search.query.limit = wish.limit - static_cast<std::int64_t>(all.entries.size());
        VITALOG_TRY(auto found, run(spec, search));
        const std::int64_t total = found.total.value_or(views::ViewReader::kCountMax);
        *all.total += total;
        skip -= std::min(skip, total);
        all.more = all.more || found.more;
        std::move(found.entries.begin(), found.entries.end(), std::back_inserter(all.entries));
    }
    next_offset = wish.offset + static_cast<std::int64_t>(all.entries.size());
    return all;
}

}  // namespace vitalog::sinks::fhir
