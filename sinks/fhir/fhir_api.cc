#include "sinks/fhir/fhir_api.h"

#include <algorithm>
#include <set>

#include "schemas/base/ids.h"
#include "sinks/fhir/capability.h"
#include "sinks/fhir/includes.h"
#include "sinks/fhir/outcome.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/resources.h"

namespace vitalog::sinks::fhir {
namespace {

using views::Table;

constexpr std::size_t kIdsAtOnce = 200;

/// Turns a page of rows into entries.
template <class Row, class Render>
Result<Found> to_found(std::string_view type, Result<views::Page<Row>> page, bool located,
                       Render render) {
    VITALOG_CHECK(page);
    Found found;
    found.total = page->total;
    if (page->more) found.next = page->next.to_string();
    for (const auto& row : page->rows) {
        VITALOG_TRY(std::string json, render(row));
        std::string id;
        if constexpr (requires { row.id; })
            id = located ? located_id(row.person, row.id) : row.id;
        else
            id = row.person;
        found.entries.push_back({std::string(type), std::move(id), row.person, std::move(json),
                                 row.record, row.updated_us});
    }
    return found;
}

/// Provenance is searched by what it is about; pages begin at a number among the targets.
struct ProvenanceSearch {
    std::vector<Provenances::Target> targets;
    std::size_t from = 0;
    std::int64_t limit = kCountDefault;
};

Result<ProvenanceSearch> parse_provenance_search(const QueryParams& params) {
    ProvenanceSearch search;
    for (const auto& [name, value] : params) {
        if (name == "_format" || name == "_pretty") continue;
        if (name == "_count") {
            VITALOG_TRY(search.limit, parse_number(name, value, kProvenanceCountMax));
        } else if (name == "_page") {
            VITALOG_TRY(const std::int64_t from, parse_number(name, value, kCountMax));
            search.from = static_cast<std::size_t>(from);
        } else if (name == "target") {
            for (std::string_view rest = value; !rest.empty();) {
                const std::string_view one = rest.substr(0, rest.find(','));
                rest.remove_prefix(std::min(one.size() + 1, rest.size()));
                const std::string_view id = reference_id(one);
                const std::string_view before = one.substr(0, one.size() - id.size());
                const auto type = reference_id(before.substr(0, before.size() - !before.empty()));
                if (find_spec(type) != nullptr)
                    search.targets.push_back({std::string(type), std::string(id)});
            }
        } else {
            return fail(Errc::Unsupported, "unknown search parameter '" + name +
                                               "' for Provenance; it is searched by 'target'");
        }
    }
    if (search.targets.size() > static_cast<std::size_t>(kCountMax))
        return fail(Errc::Malformed, "more than " + std::to_string(kCountMax) + " targets");
    return search;
}

tl::unexpected<Error> not_found(std::string_view type, const std::string& id) {
    return fail(Errc::NotFound, std::string(type) + "/" + id + " does not exist");
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
      provenances_(options_.trace, options_.topics),
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
    respond(resource(capability_statement(
        {options_.version, base_url(request), to_rfc3339(clock_.now()), provenances_.served()})));
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
    std::vector<std::string> named;
    auto found = search(type, request.query, named);
    if (!found) return respond(outcome(found.error()));
    Audit::Read read{type, std::move(named), static_cast<std::int64_t>(found->entries.size())};
    for (const auto& entry : found->entries) read.persons.push_back(entry.person);
    audit_.answer(request, std::move(read), resource(to_searchset(request, *found)), respond);
}

Result<Found> FhirApi::search(const std::string& type, const QueryParams& params,
                              std::vector<std::string>& named) const {
    if (type == "Provenance" && provenances_.served()) return search_provenance(params);
    const ResourceSpec* const spec = find_spec(type);
    if (spec == nullptr) return fail(Errc::NotFound, "resource type '" + type + "' is not served");
    VITALOG_TRY(const auto search, parse_search(*spec, params, {reader_, options_.zone}));
    VITALOG_TRY(auto found, run(*spec, search));
    if (search.count_only) {
        found.entries.clear();
        found.next.clear();
    }
    VITALOG_CHECK(add_included(search, found));
    named = search.named;
    return found;
}

/// Beside what was found: what it names, and what names it.
Result<void> FhirApi::add_included(const SearchRequest& search, Found& found) const {
    std::vector<Entry> included;
    const auto add = [&](const ResourceSpec& spec, std::string_view param,
                         const std::vector<std::string>& ids) -> Result<void> {
        for (std::size_t begin = 0; begin < ids.size(); begin += kIdsAtOnce) {
            std::string list;
            for (std::size_t i = begin; i < std::min(ids.size(), begin + kIdsAtOnce); ++i)
                list += (list.empty() ? "" : ",") + ids[i];
            VITALOG_TRY(auto one,
                        parse_search(spec, {{std::string(param), list}}, {reader_, options_.zone}));
            one.query.limit = kCountMax;
            one.query.count = false;
            VITALOG_TRY(auto more, run(spec, one));
            std::move(more.entries.begin(), more.entries.end(), std::back_inserter(included));
        }
        return {};
    };
    for (const auto* include : search.include)
        VITALOG_CHECK(add(*find_spec(include->target), "_id", targets_of(*include, found.entries)));
    std::vector<std::string> ids;
    for (const auto& entry : found.entries) ids.push_back(entry.id);
    for (const auto* include : search.revinclude)
        VITALOG_CHECK(add(*find_spec(include->source), include->name, ids));
    if (search.provenance && provenances_.served()) {
        FeedTrace trace = provenances_.trace();
        for (const auto& entry : found.entries) {
            VITALOG_TRY(auto one, provenances_.of(entry, trace));
            included.push_back(std::move(one));
        }
    }
    std::set<std::string> seen;
    for (auto& entry : included) {
        entry.included = true;
        if (seen.insert(entry.type + "/" + entry.id).second)
            found.entries.push_back(std::move(entry));
    }
    return {};
}

Result<Found> FhirApi::search_provenance(const QueryParams& params) const {
    VITALOG_TRY(const auto search, parse_provenance_search(params));
    Found found;
    FeedTrace trace = provenances_.trace();
    std::int64_t total = 0;
    for (std::size_t i = search.from; i < search.targets.size(); ++i) {
        const bool full = static_cast<std::int64_t>(found.entries.size()) == search.limit;
        if (full && search.limit > 0) {
            found.next = std::to_string(i);
            return found;
        }
        auto target = read(search.targets[i].type, search.targets[i].id);
        if (!target && target.error().code() == Errc::NotFound) continue;
        VITALOG_CHECK(target);
        ++total;
        if (search.limit == 0) continue;
        VITALOG_TRY(auto entry, provenances_.of(*target, trace));
        found.entries.push_back(std::move(entry));
    }
    if (search.from == 0) found.total = total;
    return found;
}

Result<Entry> FhirApi::read(std::string_view type, const std::string& id) const {
    if (type == "Provenance" && provenances_.served()) {
        const auto target = Provenances::target_of(id);
        if (!target || find_spec(target->type) == nullptr) return not_found(type, id);
        VITALOG_TRY(const auto resource, read(target->type, target->id));
        FeedTrace trace = provenances_.trace();
        return provenances_.of(resource, trace);
    }
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

}  // namespace vitalog::sinks::fhir
