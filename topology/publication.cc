#include "topology/publication.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <set>

#include "schemas/embed.h"
#include "schemas/json_decode.h"
#include "topology/stages/stage.h"
#include "topology/zone_files.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

Publication make(std::string kind, std::string name, std::string body, std::string where) {
    std::string version = fmt::format("{:016x}", hash64(body));
    return {std::move(kind), std::move(name), std::move(version), std::move(body), std::move(where)};
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

Result<void> check(const std::vector<Publication>& publications) {
    for (const Stage& stage : all_stages()) {
        if (!stage.make_processor) continue;
        const auto processor = stage.make_processor();
        for (const auto& p : publications) {
            const auto result = processor->on_control({p.kind, p.name, p.version, p.body}, {});
            if (!result) return fail(Errc::Configuration, p.where + ": " + result.error().message());
        }
    }
    return {};
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
            if (const auto control = schemas::decode<schemas::Control>(record.value, decoder)) visit(*control);
    }
}

}  // namespace

Result<std::vector<Publication>> collect_publications(const Config& config) {
    std::vector<Publication> all;
    VITALOG_TRY(auto zones, zones_body());  // first: settings name a zone
    all.push_back(make("zones", "tzdata", std::move(zones), "tzdata"));
    all.push_back(make("settings", "site", config.processor_settings().to_body(), "settings"));
    VITALOG_CHECK(add_kind(config, "tables.dir", {"units", "codes", "measures"}, all));
    VITALOG_CHECK(add_kind(config, "rules.dir", {"rules"}, all));
    VITALOG_CHECK(add_kind(config, "templates.dir", {"templates"}, all));
    VITALOG_CHECK(check(all));
    return all;
}

Result<std::map<std::pair<std::string, std::string>, std::string>> published(const Log& log, const schemas::TopicNames& topics) {
    std::map<std::pair<std::string, std::string>, std::string> last;
    VITALOG_CHECK(for_each_control(log, topics, [&](const schemas::Control& control) {
        const std::pair key(std::string(control.kind), std::string(control.name));
        if (control.body.empty()) last.erase(key);
        else last[key] = control.version;
    }));
    return last;
}

Result<void> publish_one(Log& log, const schemas::TopicNames& topics, LogTime now, const Publication& publication) {
    FeedRecord record;
    record.topic = topics.name(schemas::Topic::FeedControl);
    record.key = publication.kind + "/" + publication.name;
    record.value = schemas::encode(
        schemas::Control{publication.kind, publication.name, publication.version, publication.body});
    Headers::append(record.headers, header::kFormat, "json");
    record.received = now;
    std::promise<Result<AppendReceipt>> done;
    log.append(std::move(record), [&](Result<AppendReceipt> receipt) { done.set_value(std::move(receipt)); });
    VITALOG_CHECK(done.get_future().get());
    return {};
}

Result<std::size_t> publish(Log& log, const schemas::TopicNames& topics, LogTime now, const std::vector<Publication>& wanted) {
    VITALOG_TRY(auto last, published(log, topics));
    std::size_t count = 0;
    std::set<std::string> kinds;
    for (const auto& p : wanted) {
        kinds.insert(p.kind);
        const auto found = last.find({p.kind, p.name});
        const bool same = found != last.end() && found->second == p.version;
        if (found != last.end()) last.erase(found);
        if (same) continue;
        VITALOG_CHECK(publish_one(log, topics, now, p));
        ++count;
    }
    for (const auto& [key, version] : last) {
        if (!kinds.contains(key.first)) continue;  // teams and clocks are not files
        VITALOG_CHECK(publish_one(log, topics, now, {key.first, key.second, version, "", ""}));
        ++count;
    }
    return count;
}

Result<LogTime> published_clock(const Log& log, const schemas::TopicNames& topics) {
    LogTime last;
    VITALOG_CHECK(for_each_control(log, topics, [&](const schemas::Control& control) {
        if (control.kind != "clock") return;
        if (const auto micros = parse_rfc3339(control.body)) last = std::max(last, LogTime(*micros));
    }));
    return last;
}

}  // namespace vitalog::topology
