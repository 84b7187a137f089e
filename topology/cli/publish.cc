#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "schemas/json_decode.h"
#include "topology/cli/site_client.h"

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
  --rollback       the version before the one in force, or the one that --to names, once more

examples:
  vitalog publish /etc/vitalog/rules --url http://127.0.0.1:8080
  vitalog publish --rollback rules/acute-core.yaml --url http://127.0.0.1:8080
)";

struct Line {
    std::string_view kind;
    std::string_view name;
    std::string_view version;
    std::string_view since;
    std::string_view by;
    std::string_view state;
    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v.required("version", version);
        v("since", since);
        v("by", by);
        v("state", state);
    }
};
struct ListShape {
    std::vector<Line> publications;
    template <class V>
    void members(V& v) {
        v.required("publications", publications);
    }
};
struct DoneLine {
    std::string_view kind;
    std::string_view name;
    std::string_view version;
    bool retired = false;
    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v.required("version", version);
        v("retired", retired);
    }
};
struct DoneShape {
    std::vector<DoneLine> published;
    template <class V>
    void members(V& v) {
        v.required("published", published);
    }
};

Result<std::string> kind_of(const fs::path& path, const std::string& said) {
    if (!said.empty()) return said;
    const std::string name = path.filename().string();
    if (name == "units.yaml" || name == "measures.yaml") return path.stem().string();
    const std::string folder = fs::absolute(path).parent_path().filename().string();
    if (folder == "codes" || folder == "rules" || folder == "templates") return folder;
    return fail(Errc::Configuration,
                path.string() + ": neither its name nor its folder says what it is; say --kind");
}

Result<std::vector<fs::path>> files_below(const std::string& word) {
    std::error_code error;
    if (!fs::exists(word, error))
        return fail(Errc::NotFound, word + ": there is no such file or folder");
    if (!fs::is_directory(word)) return std::vector<fs::path>{word};
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(word, error))
        if (entry.is_regular_file() && entry.path().extension() == ".yaml")
            files.push_back(entry.path());
    if (error) return fail(Errc::Io, word + ": " + error.message());
    if (files.empty()) return fail(Errc::NotFound, word + ": holds no *.yaml");
    std::sort(files.begin(), files.end());
    return files;
}

Result<std::string> request_of(const Arguments& arguments) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.key("files");
    json.begin_array();
    for (const std::string& word : arguments.words()) {
        VITALOG_TRY(const auto files, files_below(word));
        for (const auto& path : files) {
            VITALOG_TRY(const std::string kind, kind_of(path, arguments.value_or("--kind", "")));
            std::ifstream file(path, std::ios::binary);
            if (!file) return fail(Errc::Io, path.string() + ": can't be read");
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            json.begin_object();
            json.field("kind", kind);
            json.field("name", path.filename().string());
            json.field("body", text);
            json.end_object();
        }
    }
    json.end_array();
    json.end_object();
    return body;
}

Result<void> print_done(const std::string& body) {
    schemas::Decoder decoder;
    VITALOG_TRY(const auto done, schemas::decode<DoneShape>(body, decoder));
    for (const auto& line : done.published)
        fmt::print("{}/{} {} {}\n", line.kind, line.name, line.version,
                   line.retired ? "retired" : "in force");
    if (done.published.empty()) fmt::print("nothing to do: these versions are in force\n");
    return {};
}

Result<void> list(SiteClient& site, bool all) {
    VITALOG_TRY(const std::string body, site.get("/admin/publications"));
    schemas::Decoder decoder;
    VITALOG_TRY(const auto shape, schemas::decode<ListShape>(body, decoder));
    for (const auto& line : shape.publications)
        if (all || line.state == "in force")
            fmt::print("{}/{} {} since {} by {}{}\n", line.kind, line.name, line.version,
                       line.since, line.by,
                       line.state == "in force" ? "" : fmt::format(" ({})", line.state));
    return {};
}

Result<void> roll_back(SiteClient& site, const Arguments& arguments) {
    const std::string what = arguments.value_or("--rollback", "");
    const std::size_t slash = what.find('/');
    if (slash == std::string::npos)
        return fail(Errc::Configuration,
                    "--rollback '" + what + "': write KIND/NAME as --list prints it");
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("kind", std::string_view(what).substr(0, slash));
    json.field("name", std::string_view(what).substr(slash + 1));
    json.field("to", arguments.value_or("--to", ""));
    json.end_object();
    VITALOG_TRY(const std::string done, site.post("/admin/rollback", body));
    return print_done(done);
}

Result<void> act(const Arguments& arguments) {
    VITALOG_TRY(SiteClient site, open_site(arguments));
    if (arguments.has("--list")) return list(site, arguments.has("--all"));
    if (arguments.has("--rollback")) return roll_back(site, arguments);
    VITALOG_TRY(const std::string body, request_of(arguments));
    VITALOG_TRY(const std::string done, site.post("/admin/publish", body));
    return print_done(done);
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
