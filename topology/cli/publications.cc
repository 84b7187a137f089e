#include "topology/cli/publications.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "schemas/json_decode.h"

namespace vitalog::topology::cli {
namespace {

namespace fs = std::filesystem;

struct FileShape {
    std::string_view kind, name, version, since, by, state, backtest, body;
    template <class V>
    void members(V& v) {
        v.required("kind", kind);
        v.required("name", name);
        v.required("version", version);
        v("since", since);
        v("by", by);
        v("state", state);
        v("backtest", backtest);
        v("body", body);
    }
};
struct ListShape {
    std::vector<FileShape> publications;
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

Result<void> print_done(const std::string& body) {
    schemas::Decoder decoder;
    VITALOG_TRY(const auto done, schemas::decode<DoneShape>(body, decoder));
    for (const auto& line : done.published)
        fmt::print("{}/{} {} {}\n", line.kind, line.name, line.version,
                   line.retired ? "retired" : "in force");
    if (done.published.empty()) fmt::print("nothing to do: these versions are in force\n");
    return {};
}

}  // namespace

Result<std::vector<fs::path>> yaml_files(const std::string& word) {
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

Result<std::string> read_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Errc::Io, path.string() + ": can't be read");
    return std::string{std::istreambuf_iterator<char>(file), {}};
}

Result<PublishFile> file_to_publish(std::string kind, const fs::path& path) {
    VITALOG_TRY(std::string body, read_text(path));
    return PublishFile{std::move(kind), path.filename().string(), std::move(body)};
}

Result<void> publish_files(SiteClient& site, const std::vector<PublishFile>& files,
                           std::string_view backtest) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.key("files");
    json.begin_array();
    for (const auto& file : files) {
        json.begin_object();
        json.field("kind", file.kind);
        json.field("name", file.name);
        json.field("body", file.body);
        json.end_object();
    }
    json.end_array();
    if (!backtest.empty()) {
        json.key("backtest");
        json.raw(backtest);
    }
    json.end_object();
    VITALOG_TRY(const std::string done, site.post("/admin/publish", body));
    return print_done(done);
}

Result<void> roll_back(SiteClient& site, std::string_view kind, std::string_view name,
                       std::string_view to) {
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("kind", kind);
    json.field("name", name);
    json.field("to", to);
    json.end_object();
    VITALOG_TRY(const std::string done, site.post("/admin/rollback", body));
    return print_done(done);
}

Result<std::vector<PublishedFile>> published_files(SiteClient& site, std::string_view kind,
                                                   bool bodies) {
    std::string target = "/admin/publications";
    if (!kind.empty()) target += "?kind=" + std::string(kind);
    if (bodies) target += (kind.empty() ? "?" : "&") + std::string("bodies=yes");
    VITALOG_TRY(const std::string body, site.get(target));
    schemas::Decoder decoder;
    VITALOG_TRY(const auto shape, schemas::decode<ListShape>(body, decoder));
    std::vector<PublishedFile> files;
    for (const auto& file : shape.publications)
        files.push_back({std::string(file.kind), std::string(file.name), std::string(file.version),
                         std::string(file.since), std::string(file.by), std::string(file.state),
                         std::string(file.backtest), std::string(file.body)});
    return files;
}

}  // namespace vitalog::topology::cli
