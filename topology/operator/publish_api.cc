#include "topology/operator/publish_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ingest/http/access.h"
#include "schemas/json_decode.h"
#include "topology/backtest/backtest_record.h"
#include "topology/rule_terms.h"

namespace vitalog::topology {
namespace {

/// Kinds that an operator may publish. Settings come from the configuration.
constexpr std::array<std::string_view, 5> kKinds{"units", "codes", "measures", "rules",
                                                 "templates"};

struct FileShape {
    std::string_view kind;
    std::string_view name;
    std::string_view body;
    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v.required("body", body);
    }
};

struct PublishShape {
    std::vector<FileShape> files;
    std::optional<BacktestRecord> backtest;
    template <class V>
    void members(V& v) {
        v.required("files", files);
        v("backtest", backtest);
    }
};

struct RollbackShape {
    std::string_view kind;
    std::string_view name;
    std::string_view to;
    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v("to", to);
    }
};

HttpResponse refused(int status, const Error& error) {
    return ingest::error_response(status, to_string(error.code()), error.message());
}

void write_publication(schemas::JsonWriter& json, const Publication& publication) {
    json.field("kind", publication.kind);
    json.field("name", publication.name);
    json.field("version", publication.version);
}

Result<std::vector<Publication>> read_files(const HttpRequest& request) {
    schemas::Decoder decoder;
    VITALOG_TRY(const auto shape, schemas::decode<PublishShape>(request.body, decoder));
    std::vector<Publication> files;
    for (const auto& file : shape.files) {
        if (std::find(kKinds.begin(), kKinds.end(), file.kind) == kKinds.end())
            return fail(
                Errc::Unsupported,
                fmt::format("kind '{}' must be one of units, codes, measures, rules, templates",
                            file.kind));
        if (file.name.empty() || file.body.empty())
            return fail(Errc::Missing, "each file needs 'name' and a 'body' that is not empty");
        files.push_back(make_publication(std::string(file.kind), std::string(file.name),
                                         std::string(file.body),
                                         fmt::format("{}/{}", file.kind, file.name)));
    }
    if (files.empty()) return fail(Errc::Missing, "member 'files' must not be empty");
    // Units before the codes that use them, and so on.
    std::stable_sort(files.begin(), files.end(), [](const Publication& a, const Publication& b) {
        return std::find(kKinds.begin(), kKinds.end(), a.kind) <
               std::find(kKinds.begin(), kKinds.end(), b.kind);
    });
    return files;
}

}  // namespace

Result<Publication> earlier_publication(const std::vector<Published>& history,
                                        std::string_view kind, std::string_view name,
                                        std::string_view version) {
    std::vector<const Publication*> ever;
    for (const Published& entry : history)
        if (entry.publication.kind == kind && entry.publication.name == name)
            ever.push_back(&entry.publication);
    if (ever.empty())
        return fail(Errc::NotFound, fmt::format("{}/{} was never published", kind, name));
    const Publication& current = *ever.back();
    for (auto at = ever.rbegin(); at != ever.rend(); ++at) {
        const Publication& candidate = **at;
        if (candidate.body.empty()) continue;
        const bool differs = current.body.empty() || candidate.version != current.version;
        if (version.empty() ? differs : candidate.version == version) return candidate;
    }
    if (!version.empty())
        return fail(Errc::NotFound,
                    fmt::format("{}/{} never had the version {}; GET /admin/publications lists all",
                                kind, name, version));
    return Publication{current.kind, current.name, current.version, "",
                       fmt::format("{}/{}", kind, name)};
}

void PublishApi::register_routes(Router& router) {
    router.route("GET", "/admin/publications",
                 [this](const HttpRequest& request, const Respond& respond) {
                     const auto no = ports_.guard(request);
                     respond(no ? *no : list(request));
                 });
    router.route("POST", "/admin/publish",
                 [this](const HttpRequest& request, const Respond& respond) {
                     if (const auto no = ports_.guard(request)) return respond(*no);
                     publish(request, respond);
                 });
    router.route("POST", "/admin/rollback",
                 [this](const HttpRequest& request, const Respond& respond) {
                     if (const auto no = ports_.guard(request)) return respond(*no);
                     roll_back(request, respond);
                 });
}

HttpResponse PublishApi::list(const HttpRequest& request) const {
    const auto kind = request.query_value("kind");
    const bool bodies = request.query_value("bodies") == "yes";
    const auto history = publication_history(ports_.log, ports_.topics);
    if (!history) return refused(503, history.error());
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("publications");
    json.begin_array();
    for (std::size_t i = 0; i < history->size(); ++i) {
        const Published& entry = (*history)[i];
        if (kind && entry.publication.kind != *kind) continue;
        const bool last =
            std::none_of(history->begin() + static_cast<std::ptrdiff_t>(i) + 1, history->end(),
                         [&](const Published& later) {
                             return later.publication.kind == entry.publication.kind &&
                                    later.publication.name == entry.publication.name;
                         });
        json.begin_object();
        write_publication(json, entry.publication);
        json.field("since", to_rfc3339(entry.since));
        json.field("by", entry.by);
        json.field("state", entry.publication.body.empty() ? "retired"
                            : last                         ? "in force"
                                                           : "superseded");
        if (!entry.publication.backtest.empty())
            json.field("backtest", entry.publication.backtest);
        if (bodies) json.field("body", entry.publication.body);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return response;
}

void PublishApi::publish(const HttpRequest& request, const Respond& respond) {
    auto files = read_files(request);
    if (!files)
        return respond(refused(files.error().code() == Errc::Malformed ? 400 : 422, files.error()));
    const std::lock_guard lock(mutex_);
    const auto history = publication_history(ports_.log, ports_.topics);
    if (!history) return respond(refused(503, history.error()));
    const auto standing = in_force(*history);
    std::erase_if(*files, [&](const Publication& file) {
        return std::any_of(standing.begin(), standing.end(), [&](const Published& known) {
            return known.publication.kind == file.kind && known.publication.name == file.name &&
                   known.publication.version == file.version;
        });
    });
    if (const auto good = check_rules(request, *files, *history); !good)
        return respond(refused(422, good.error()));
    // Of what is new alone: what is in force, or comes back, was taken as it is.
    if (const auto good = check_bands(*files); !good) return respond(refused(422, good.error()));
    put_in_force(request, *history, *std::move(files), respond);
}

/// Rule packs may have to be tried first. What was tried says so.
Result<void> PublishApi::check_rules(const HttpRequest& request, std::vector<Publication>& files,
                                     const std::vector<Published>& history) const {
    schemas::Decoder decoder;
    VITALOG_TRY(const auto shape, schemas::decode<PublishShape>(request.body, decoder));
    const auto is_rules = [](const Publication& file) { return file.kind == "rules"; };
    if (!shape.backtest) {
        if (!policy_.backtest_required || std::none_of(files.begin(), files.end(), is_rules))
            return {};
        return fail(Errc::Conflict,
                    "rules.backtest = required: this site takes rule packs after a back-test only; "
                    "run vitalog rules backtest, then vitalog rules publish --after-backtest RECORD");
    }
    if (shape.backtest->format != kBacktestFormat)
        return fail(Errc::Malformed, fmt::format("the back-test's format must be {}; make its "
                                                 "record anew with vitalog rules backtest",
                                                 kBacktestFormat));
    VITALOG_CHECK(check_backtest(*shape.backtest, files, in_force(history), policy_.load_max));
    for (Publication& file : files)
        if (is_rules(file)) file.backtest = shape.backtest->summary();
    return {};
}

void PublishApi::roll_back(const HttpRequest& request, const Respond& respond) {
    schemas::Decoder decoder;
    const auto wanted = schemas::decode<RollbackShape>(request.body, decoder);
    if (!wanted) return respond(refused(400, wanted.error()));
    if (std::find(kKinds.begin(), kKinds.end(), wanted->kind) == kKinds.end())
        return respond(
            refused(422, Error(Errc::Unsupported,
                               "kind must be one of units, codes, measures, rules, templates")));
    const std::lock_guard lock(mutex_);
    const auto history = publication_history(ports_.log, ports_.topics);
    if (!history) return respond(refused(503, history.error()));
    auto earlier = earlier_publication(*history, wanted->kind, wanted->name, wanted->to);
    if (!earlier) return respond(refused(404, earlier.error()));
    put_in_force(request, *history, {*std::move(earlier)}, respond);
}

void PublishApi::put_in_force(const HttpRequest& request, const std::vector<Published>& history,
                              std::vector<Publication> changes, const Respond& respond) {
    std::vector<Publication> all;
    for (const Published& entry : in_force(history)) all.push_back(entry.publication);
    all.insert(all.end(), changes.begin(), changes.end());
    if (const auto good = check_publications(all); !good)
        return respond(refused(422, good.error()));
    HttpResponse response;
    schemas::JsonWriter json(response.body);
    json.begin_object();
    json.key("published");
    json.begin_array();
    for (const Publication& change : changes) {
        const auto logged =
            publish_one(ports_.log, ports_.topics, ports_.clock.now(), change, request.caller.user);
        if (!logged) return respond(refused(503, logged.error()));
        log_line("info", "published",
                 {{"kind", change.kind},
                  {"name", change.name},
                  {"version", change.version},
                  {"by", request.caller.user}});
        json.begin_object();
        write_publication(json, change);
        json.field("retired", change.body.empty());
        json.end_object();
    }
    json.end_array();
    json.end_object();
    ports_.flow.when_applied([this, request, respond, response, count = changes.size()] {
        audit_.answer(request,
                      {.resource = "control",
                       .persons = {},
                       .count = static_cast<std::int64_t>(count),
                       .whole = request.path},
                      response, respond);
    });
}

}  // namespace vitalog::topology
