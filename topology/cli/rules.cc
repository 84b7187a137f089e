#include "topology/cli/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "schemas/rules.h"
#include "topology/cli/load_config.h"
#include "topology/cli/publications.h"
#include "topology/operator/rule_diff.h"
#include "topology/publication.h"
#include "topology/rule_terms.h"

// rules: rule packs, checked, published, listed, compared, taken back.

namespace vitalog::topology::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHelp =
    R"(usage: vitalog rules check FILE|DIR... [--config F] [--set tables.dir=DIR]
       vitalog rules publish FILE|DIR... [--after-backtest RECORD] (--url U | --data-dir D)
       vitalog rules list [PACK] [--all] (--url U | --data-dir D)
       vitalog rules diff FILE|PACK[@DIGEST] [FILE|PACK[@DIGEST]] [--url U | --data-dir D]
       vitalog rules roll-back PACK [--to DIGEST] (--url U | --data-dir D)
       vitalog rules backtest --pack DRAFT... --from T --to T (--data-dir D | --set log.brokers=...)
                              [--html FILE] [--csv FILE] [--record FILE] [--threads N]

Rule packs: what raises an alert, for whom, how urgently; docs/rules.md tells how they are written. A publication is a
record in the log of every shard: the version in force at an event is the last one before it. Open episodes stay with the
version that raised them, unless the pack says open_episodes: follow.

  check        whether the packs can be published together; a fault is named with file, line and what to write instead.
               Codes and units are held against the tables that the configuration names, else the built-in ones
  publish      put them in force at a running site. --after-backtest: only if RECORD, as backtest wrote it, is of these very
               texts, tried beside what is in force, and of no more load than rules.load_max
  list         versions: digest, version and number of rules, since when, by whom, what a back-test said; --all: those
               before, too
  diff         what changed from the first to the second; one alone is compared with what is in force under its name.
               A PACK is the name of its file, at the site; with @DIGEST an earlier version of it
  roll-back    the version before the one in force, or the one that --to names, published once more; a pack that has none
               before it is taken out of force
  --url U      a running site; --data-dir D: the one that runs on that directory

  backtest     runs the draft beside the rules in force over what the log holds from --from to --to (when the log took the
               records), with this very program: episodes won and lost, tasks by doctor and shift, how alerts gather on few
               persons, time to alert. A draft stands in for the file of its name. Of a site that is stopped, of a copy
               (vitalog backup), or of a cluster, with the site's configuration (--config F); nothing is written there
  --pack F     the draft; again for further files
  --html FILE  the report as a page with plots; --csv FILE: every episode won and lost
  --record F   what publish --after-backtest asks for
  --threads N  as many partitions at once; default: one for each processor

examples:
  vitalog rules check /etc/vitalog/rules
  vitalog rules diff draft/acute-core.yaml --url http://127.0.0.1:8080
  vitalog rules backtest --pack draft/acute-core.yaml --from 2026-10-01 --to 2026-11-01 --data-dir /backup/vitalog \
                         --html draft.html --record draft.json
  vitalog rules publish draft/acute-core.yaml --after-backtest draft.json --url http://127.0.0.1:8080
  vitalog rules roll-back acute-core.yaml --url http://127.0.0.1:8080
)";

constexpr std::size_t kFilesMax = 1'000;
constexpr std::string_view kKind = "rules";

Result<std::vector<fs::path>> paths_of(const Arguments& arguments) {
    std::vector<fs::path> paths;
    for (const std::string& word : arguments.words()) {
        VITALOG_TRY(const auto below, yaml_files(word));
        paths.insert(paths.end(), below.begin(), below.end());
    }
    return paths;
}

/// One pack by itself, beside the code tables; adds it to the publications.
Result<void> check_pack(const fs::path& path, const std::vector<Publication>& tables,
                        std::vector<Publication>& publications) {
    VITALOG_TRY(std::string text, read_text(path));
    VITALOG_TRY(const auto pack, schemas::parse_rule_pack(path.string(), text));
    std::vector<Publication> alone = tables;
    alone.push_back(make_publication(std::string(kKind), path.filename().string(), std::move(text),
                                     path.string()));
    VITALOG_CHECK(check_bands(alone));
    VITALOG_CHECK(check_terms(alone));
    fmt::print("{}: pack {}, version {}, {} rules\n", path.string(), pack.id, pack.version,
               pack.rules.size());
    publications.push_back(std::move(alone.back()));
    return {};
}

/// Faults of single packs are told all; what the packs are to one another once each is good.
int check(const Arguments& arguments) {
    const auto paths = paths_of(arguments);
    if (!paths) return report("rules check", paths.error());
    const auto config = load_config(arguments);
    if (!config) return report("rules check", config.error());
    const auto tables = configured_tables(*config);
    if (!tables) return report("rules check", tables.error());
    int code = kStopped;
    std::vector<Publication> publications;
    for (const auto& path : *paths)
        if (const auto good = check_pack(path, *tables, publications); !good)
            code = report("rules check", good.error());
    if (code != kStopped) return code;
    publications.insert(publications.begin(), tables->begin(), tables->end());
    const auto together = check_publications(publications);
    return together ? kStopped : report("rules check", together.error());
}

Result<void> publish(SiteClient& site, const Arguments& arguments) {
    VITALOG_TRY(const auto paths, paths_of(arguments));
    std::vector<PublishFile> files;
    for (const auto& path : paths) {
        VITALOG_TRY(PublishFile file, file_to_publish(std::string(kKind), path));
        VITALOG_CHECK(schemas::parse_rule_pack(path.string(), file.body));
        files.push_back(std::move(file));
    }
    std::string record;
    if (const auto path = arguments.value("--after-backtest")) {
        VITALOG_TRY(record, read_text(*path));
    }
    return publish_files(site, files, record);
}

std::string described(const PublishedFile& file) {
    if (file.state == "retired") return "retired";
    const auto pack = schemas::parse_rule_pack(file.name, file.body);
    if (!pack) return "unreadable";
    return fmt::format("version {}, {} rules", pack->version, pack->rules.size());
}

Result<void> list(SiteClient& site, const Arguments& arguments) {
    VITALOG_TRY(const auto files, published_files(site, kKind, true));
    const std::string only = arguments.words().empty() ? "" : arguments.words()[0];
    std::size_t shown = 0;
    for (const auto& file : files) {
        if (!only.empty() && file.name != only) continue;
        if (!arguments.has("--all") && file.state != "in force") continue;
        ++shown;
        fmt::print("{} {} {}, {} since {} by {}\n", file.name, file.version, described(file),
                   file.state, file.since, file.by);
        if (!file.backtest.empty()) fmt::print("    back-tested: {}\n", file.backtest);
    }
    if (shown == 0 && !only.empty())
        return fail(
            Errc::NotFound,
            fmt::format("no pack {} is in force; vitalog rules list --all names all", only));
    return {};
}

/// One side of a comparison: what it is called, and its text; an empty text has no rules.
struct Side {
    std::string name;
    std::string file;
    std::string text;
};

Result<Side> side_at_site(SiteClient& site, const std::string& word) {
    const std::size_t at = word.find('@');
    const std::string name = word.substr(0, at);
    const std::string digest = at == std::string::npos ? "" : word.substr(at + 1);
    VITALOG_TRY(const auto files, published_files(site, kKind, true));
    const PublishedFile* found = nullptr;
    for (const auto& file : files)
        if (file.name == name &&
            (digest.empty() ? file.state == "in force" : file.version == digest))
            found = &file;
    if (found == nullptr)
        return fail(Errc::NotFound,
                    fmt::format("{}: no such version; vitalog rules list --all names all", word));
    return Side{
        fmt::format("{} ({}, {} since {})", name, found->version, found->state, found->since), name,
        found->body};
}

Result<Side> side_of(std::optional<SiteClient>& site, const std::string& word) {
    std::error_code ignored;
    if (fs::is_regular_file(word, ignored)) {
        VITALOG_TRY(std::string text, read_text(word));
        return Side{word, fs::path(word).filename().string(), std::move(text)};
    }
    if (!site)
        return fail(Errc::Configuration,
                    word + ": there is no such file; for a pack of a site say --url or --data-dir");
    return side_at_site(*site, word);
}

Result<schemas::RulePack> pack_of(const Side& side) {
    if (side.text.empty()) return schemas::RulePack{};
    return schemas::parse_rule_pack(side.name, side.text);
}

Result<void> print_diff(const Side& before, const Side& after) {
    VITALOG_TRY(const auto was, pack_of(before));
    VITALOG_TRY(const auto is, pack_of(after));
    fmt::print("from {}\nto   {}\n", before.name, after.name);
    if (was.version != is.version)
        fmt::print("pack {}, version {} -> {}\n", is.id, was.version, is.version);
    const RuleDiff diff = diff_packs(was, is);
    for (const auto& line : diff.lines) fmt::print("{}\n", line);
    fmt::print("{} added, {} taken out, {} changed, {} unchanged\n", diff.added, diff.removed,
               diff.changed, diff.unchanged);
    for (const auto& id : diff.same_version)
        fmt::print(
            "rule {} changed under its old version: give it another, alerts name the version they "
            "were raised by\n",
            id);
    return {};
}

Result<void> diff(const Arguments& arguments) {
    std::optional<SiteClient> site;
    if (arguments.has("--url") || arguments.has("--data-dir")) {
        VITALOG_TRY(site, open_site(arguments));
    }
    VITALOG_TRY(const Side last, side_of(site, arguments.words().back()));
    if (arguments.words().size() == 2) {
        VITALOG_TRY(const Side first, side_of(site, arguments.words().front()));
        return print_diff(first, last);
    }
    if (!site)
        return fail(Errc::Configuration,
                    "say a second file, or --url or --data-dir for what is in force");
    VITALOG_TRY(const Side in_force, side_at_site(*site, last.file));
    return print_diff(in_force, last);
}

int finish(std::string_view action, const Result<void>& done) {
    return done ? kStopped : report(fmt::format("rules {}", action), done.error());
}

int at_site(const std::string& action, const Arguments& arguments) {
    auto site = open_site(arguments);
    if (!site) return report("rules " + action, site.error());
    if (action == "publish") return finish(action, publish(*site, arguments));
    if (action == "list") return finish(action, list(*site, arguments));
    return finish(action,
                  roll_back(*site, kKind, arguments.words()[0], arguments.value_or("--to", "")));
}

int run(const std::vector<std::string>& words) {
    struct Action {
        std::size_t least, most;  // plain words
        std::vector<std::string_view> flags;
    };
    static const std::map<std::string, Action> kActions{
        {"check", {1, kFilesMax, {}}},
        {"publish", {1, kFilesMax, {"--after-backtest"}}},
        {"list", {0, 1, {}}},
        {"diff", {1, 2, {}}},
        {"roll-back", {1, 1, {"--to"}}},
    };
    if (!words.empty() && words[0] == "backtest")
        return run_backtest({words.begin() + 1, words.end()});
    const auto found = words.empty() ? kActions.end() : kActions.find(words[0]);
    if (found == kActions.end())
        return report_usage(
            "rules",
            Error(Errc::Configuration, "say check, publish, list, diff, roll-back or backtest"));
    const auto& [action, known] = *found;
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    const auto arguments = Arguments::parse(
        rest, {action == "check" ? config_flags(known.flags) : site_flags(known.flags),
               action == "list" ? std::vector<std::string_view>{"--all"}
                                : std::vector<std::string_view>{},
               known.most});
    if (!arguments) return report_usage("rules", arguments.error());
    if (arguments->words().size() < known.least)
        return report_usage(
            "rules",
            Error(Errc::Configuration, fmt::format("{} needs the name of a pack or file", action)));
    if (action == "check") return check(*arguments);
    if (action == "diff") return finish(action, diff(*arguments));
    return at_site(action, *arguments);
}

}  // namespace

const Command kRules{"rules", "check, publish, compare and back-test rule packs", kHelp, run};

}  // namespace vitalog::topology::cli
