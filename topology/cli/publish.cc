#include <fmt/format.h>

#include <filesystem>

#include "topology/cli/publications.h"

// Tables, rules and templates of a running site.

namespace vitalog::topology::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHelp =
    R"(usage: vitalog publish DIR|FILE... [--kind KIND] (--url U | --data-dir D)
       vitalog publish --list [--all] (--url U | --data-dir D)
       vitalog publish --rollback KIND/NAME [--to VERSION] (--url U | --data-dir D)

Puts code tables, rule packs and templates in force at a running site. They are checked first, together with what is in
force, by the stages that will use them; a fault is named with file and line, and nothing changes. From its place in the
log on, the new version counts; alerts name the version they were raised by. A later start keeps what was published here
until its file in the configured folder (rules.dir, tables.dir, templates.dir) changes.

  DIR              every *.yaml below it: units.yaml, measures.yaml, and what lies in folders named codes, rules, templates
  --kind KIND      units, codes, measures, rules or templates, where neither name nor folder says it
  --list           what is in force, since when and by whom; --all: what was before, too
  --rollback       the version before the one in force, or the one that --to names, once more; what has none before it is
                   taken out of force

examples:
  vitalog publish /etc/vitalog/rules --url http://127.0.0.1:8080
  vitalog publish --rollback rules/acute-core.yaml --url http://127.0.0.1:8080
)";

Result<std::string> kind_of(const fs::path& path, const std::string& said) {
    if (!said.empty()) return said;
    const std::string name = path.filename().string();
    if (name == "units.yaml" || name == "measures.yaml") return path.stem().string();
    const std::string folder = fs::absolute(path).parent_path().filename().string();
    if (folder == "codes" || folder == "rules" || folder == "templates") return folder;
    return fail(Errc::Configuration,
                path.string() + ": neither its name nor its folder says what it is; say --kind");
}

Result<std::vector<PublishFile>> files_of(const Arguments& arguments) {
    std::vector<PublishFile> files;
    for (const std::string& word : arguments.words()) {
        VITALOG_TRY(const auto paths, yaml_files(word));
        for (const auto& path : paths) {
            VITALOG_TRY(std::string kind, kind_of(path, arguments.value_or("--kind", "")));
            VITALOG_TRY(PublishFile file, file_to_publish(std::move(kind), path));
            files.push_back(std::move(file));
        }
    }
    return files;
}

Result<void> list(SiteClient& site, bool all) {
    VITALOG_TRY(const auto files, published_files(site, "", false));
    for (const auto& file : files)
        if (all || file.state == "in force")
            fmt::print("{}/{} {} since {} by {}{}\n", file.kind, file.name, file.version,
                       file.since, file.by,
                       file.state == "in force" ? "" : fmt::format(" ({})", file.state));
    return {};
}

Result<void> roll_back_named(SiteClient& site, const Arguments& arguments) {
    const std::string what = arguments.value_or("--rollback", "");
    const std::size_t slash = what.find('/');
    if (slash == std::string::npos)
        return fail(Errc::Configuration,
                    "--rollback '" + what + "': write KIND/NAME as --list prints it");
    return roll_back(site, what.substr(0, slash), what.substr(slash + 1),
                     arguments.value_or("--to", ""));
}

Result<void> act(const Arguments& arguments) {
    VITALOG_TRY(SiteClient site, open_site(arguments));
    if (arguments.has("--list")) return list(site, arguments.has("--all"));
    if (arguments.has("--rollback")) return roll_back_named(site, arguments);
    VITALOG_TRY(const auto files, files_of(arguments));
    return publish_files(site, files, {});
}

int run(const std::vector<std::string>& words) {
    constexpr std::size_t kFilesMax = 1'000;
    const auto arguments = Arguments::parse(
        words, {site_flags({"--kind", "--rollback", "--to"}), {"--list", "--all"}, kFilesMax});
    if (!arguments) return report_usage("publish", arguments.error());
    const int wishes = (arguments->words().empty() ? 0 : 1) + (arguments->has("--list") ? 1 : 0) +
                       (arguments->has("--rollback") ? 1 : 0);
    if (wishes != 1)
        return report_usage("publish", Error(Errc::Configuration,
                                             "say files or folders, or --list, or --rollback"));
    const auto done = act(*arguments);
    return done ? kStopped : report("publish", done.error());
}

}  // namespace

const Command kPublish{"publish", "put tables, rules and templates in force at a running site",
                       kHelp, run};

}  // namespace vitalog::topology::cli
