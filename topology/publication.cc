#include "topology/publication.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <tuple>

#include "schemas/embed.h"
#include "schemas/json_decode.h"
#include "topology/rule_terms.h"
#include "topology/stages/stage.h"
#include "topology/zone_files.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

/// Kinds that come from files, in the order in which they can take force.
constexpr std::array<std::string_view, 7> kFileKinds{"zones", "settings", "units", "codes", "measures", "rules", "templates"};

std::size_t kind_rank(std::string_view kind) {
    return static_cast<std::size_t>(std::find(kFileKinds.begin(), kFileKinds.end(), kind) - kFileKinds.begin());
}

Publication make(std::string kind, std::string name, std::string body, std::string where) {
    std::string version = fmt::format("{:016x}", hash64(body));
    return {std::move(kind), std::move(name), std::move(version), std::move(body), std::move(where), {}};
}

Result<void> add_file(std::string_view kind, const fs::path& path, std::vector<Publication>& out) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Errc::Configuration, path.string() + ": can't be read");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    out.push_back(make(std::string(kind), path.filename().string(), std::move(text), path.string()));
    return {};
}

Result<void> add_folder(std::string_view kind, const fs::path& folder, std::vector<Publication>& out) {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    if (error) return fail(Errc::Configuration, folder.string() + ": can't be read; check the key that names it");
    std::sort(files.begin(), files.end());
    for (const auto& path : files) VITALOG_CHECK(add_file(kind, path, out));
    return {};
}

void add_builtin(std::string_view kind, std::vector<Publication>& out) {
    for (const auto& file : schemas::builtin_files())
        if (file.kind == kind)
            out.push_back(make(std::string(file.kind), std::string(file.name), std::string(file.text),
                               fmt::format("built-in {}/{}", file.kind, file.name)));
}

/// One place for "a folder if configured, else the built-in files of these kinds".
Result<void> add_kind(const Config& config, std::string_view key, const std::vector<std::string_view>& kinds,
                      std::vector<Publication>& out) {
    const std::string_view folder = config.text(key);
    if (folder.empty()) {
        for (const auto kind : kinds) add_builtin(kind, out);
        return {};
    }
    if (key == "tables.dir") {
        const fs::path measures = fs::path(folder) / "measures.yaml";
        VITALOG_CHECK(add_file("units", fs::path(folder) / "units.yaml", out));
        VITALOG_CHECK(add_folder("codes", fs::path(folder) / "codes", out));
        if (fs::exists(measures)) return add_file("measures", measures, out);
        add_builtin("measures", out);
        return {};
    }
    return add_folder(kinds.front(), fs::path(folder), out);
}

/// A message that names the publication, by the file it came from.
std::string at_its_file(const Publication& p, const std::string& message) {
    if (!message.starts_with(p.name + ":")) return p.where + ": " + message;
    return file_of(p) + message.substr(p.name.size());
}

template <class Visit>
Result<void> for_each_control(const Log& log, const schemas::TopicNames& topics, Visit visit) {
    schemas::Decoder decoder;
    const TopicPartition tp{topics.name(schemas::Topic::FeedControl), Partition(0)};
    RecordBatch batch;
    for (Offset at(0);; at = batch.next) {
        VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
        if (batch.records.empty()) return {};
        for (const auto& record : batch.records)
            if (const auto control = schemas::decode<schemas::Control>(record.value, decoder)) visit(*control, record);
    }
}

}  // namespace

Publication make_publication(std::string kind, std::string name, std::string body, std::string where) {
    return make(std::move(kind), std::move(name), std::move(body), std::move(where));
}

std::string file_of(const Publication& publication) {
    return publication.where.ends_with(publication.name) ? publication.where : publication.name;
}

Result<void> check_publications(const std::vector<Publication>& publications) {
    for (const Stage& stage : all_stages()) {
        if (!stage.make_processor) continue;
        const auto processor = stage.make_processor();
        for (const auto& p : publications) {
            const auto result = processor->on_control({p.kind, p.name, p.version, p.body}, {});
            if (!result) return fail(Errc::Configuration, at_its_file(p, result.error().message()));
        }
    }
    VITALOG_CHECK(check_inhibited(publications));
    return check_terms(publications);
}

Result<std::vector<Publication>> configured_tables(const Config& config) {
    std::vector<Publication> tables;
    VITALOG_CHECK(add_kind(config, "tables.dir", {"units", "codes", "measures"}, tables));
    return tables;
}

Result<std::vector<Publication>> collect_publications(const Config& config) {
    std::vector<Publication> all;
    VITALOG_TRY(auto zones, zones_body());  // first: settings name a zone
    all.push_back(make("zones", "tzdata", std::move(zones), "tzdata"));
    all.push_back(make("settings", "site", config.processor_settings().to_body(), "settings"));
    VITALOG_CHECK(add_kind(config, "tables.dir", {"units", "codes", "measures"}, all));
    VITALOG_CHECK(add_kind(config, "rules.dir", {"rules"}, all));
    VITALOG_CHECK(add_kind(config, "templates.dir", {"templates"}, all));
    VITALOG_CHECK(check_publications(all));
    return all;
}

Result<std::vector<Published>> publication_history(const Log& log, const schemas::TopicNames& topics) {
    std::vector<Published> history;
    VITALOG_CHECK(for_each_control(log, topics, [&](const schemas::Control& control, const RecordView& record) {
        if (kind_rank(control.kind) == kFileKinds.size()) return;  // teams and clocks are not files
        const std::string_view by = record.headers.find(kPublishedBy);
        history.push_back({{std::string(control.kind), std::string(control.name), std::string(control.version),
                            std::string(control.body), "feed.control", std::string(record.headers.find(kBacktestHeader))},
                           record.timestamp, std::string(by.empty() ? kPublishedByRun : by)});
    }));
    return history;
}

std::vector<Published> in_force(const std::vector<Published>& history) {
    struct Standing {
        std::size_t rank;
        std::size_t first;  // place of the name's first record: what others build on came before them
        const Published* last;
    };
    std::map<std::pair<std::string, std::string>, Standing> by_name;
    for (std::size_t i = 0; i < history.size(); ++i) {
        const Publication& publication = history[i].publication;
        by_name.try_emplace({publication.kind, publication.name}, Standing{kind_rank(publication.kind), i, nullptr})
            .first->second.last = &history[i];
    }
    std::vector<Standing> order;
    for (const auto& [name, standing] : by_name)
        if (!standing.last->publication.body.empty()) order.push_back(standing);
    std::sort(order.begin(), order.end(), [](const Standing& a, const Standing& b) {
        return std::pair(a.rank, a.first) < std::pair(b.rank, b.first);
    });
    std::vector<Published> standing;
    for (const Standing& entry : order) standing.push_back(*entry.last);
    return standing;
}

Result<void> publish_one(Log& log, const schemas::TopicNames& topics, LogTime now, const Publication& publication,
                         std::string_view by) {
    FeedRecord record;
    record.topic = topics.name(schemas::Topic::FeedControl);
    record.key = publication.kind + "/" + publication.name;
    record.value = schemas::encode(
        schemas::Control{publication.kind, publication.name, publication.version, publication.body});
    Headers::append(record.headers, header::kFormat, "json");
    Headers::append(record.headers, kPublishedBy, by);
    if (!publication.backtest.empty()) Headers::append(record.headers, kBacktestHeader, publication.backtest);
    record.received = now;
    std::promise<Result<AppendReceipt>> done;
    log.append(std::move(record), [&](Result<AppendReceipt> receipt) { done.set_value(std::move(receipt)); });
    VITALOG_CHECK(done.get_future().get());
    return {};
}

Result<std::size_t> publish(Log& log, const schemas::TopicNames& topics, LogTime now, const std::vector<Publication>& wanted) {
    VITALOG_TRY(const auto history, publication_history(log, topics));
    std::map<std::pair<std::string, std::string>, std::string> configured;  // version that a start last published
    std::map<std::pair<std::string, std::string>, const Published*> standing;
    for (const Published& entry : history) {
        const std::pair name(entry.publication.kind, entry.publication.name);
        standing[name] = &entry;
        if (entry.by != kPublishedByRun) continue;
        if (entry.publication.body.empty()) configured.erase(name);
        else configured[name] = entry.publication.version;
    }
    std::vector<Publication> changes;
    for (const auto& p : wanted) {
        const auto found = configured.find({p.kind, p.name});
        if (found == configured.end() || found->second != p.version) changes.push_back(p);
        if (found != configured.end()) configured.erase(found);
    }
    for (const auto& [name, version] : configured) changes.push_back({name.first, name.second, version, "", "", {}});
    VITALOG_CHECK(check_bands(changes));
    for (const auto& p : changes) {
        const auto found = standing.find({p.kind, p.name});
        if (found != standing.end() && found->second->by != kPublishedByRun && found->second->publication.version != p.version)
            log_line("warn", "published_over", {{"kind", p.kind}, {"name", p.name}, {"was", found->second->publication.version},
                                                {"by", found->second->by}, {"why", "the configured file changed"}});
        VITALOG_CHECK(publish_one(log, topics, now, p));
        standing.erase({p.kind, p.name});
    }
    for (const auto& [name, entry] : standing)
        if (entry->by != kPublishedByRun)
            log_line("info", "in_force_by_operator", {{"kind", name.first}, {"name", name.second}, {"by", entry->by},
                                                      {"version", entry->publication.version}, {"since", to_rfc3339(entry->since)}});
    return changes.size();
}

Result<LogTime> published_clock(const Log& log, const schemas::TopicNames& topics) {
    LogTime last;
    VITALOG_CHECK(for_each_control(log, topics, [&](const schemas::Control& control, const RecordView&) {
        if (control.kind != "clock") return;
        if (const auto micros = parse_rfc3339(control.body)) last = std::max(last, LogTime(*micros));
    }));
    return last;
}

}  // namespace vitalog::topology
