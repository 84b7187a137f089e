#include "topology/operator/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>
#include <set>

#include "schemas/json_decode.h"
#include "sinks/blobs/file_digest.h"
#include "topology/log/data_directory.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

struct TopicShape {
    std::string_view topic;
    std::vector<std::int64_t> ends;
    template <class V>
    void members(V& v) {
        v.required("topic", topic);
        v.required("ends", ends);
    }
};
struct FileShape {
    std::string_view name;
    std::int64_t size = 0;
    std::string_view sha256;
    template <class V>
    void members(V& v) {
        v.required("name", name);
        v.required("size", size);
        v.required("sha256", sha256);
    }
};
struct ManifestShape {
    std::string_view version;
    std::string_view created;
    std::uint32_t generation = 1;
    std::vector<TopicShape> topics;
    std::vector<FileShape> files;
    template <class V>
    void members(V& v) {
        v.required("version", version);
        v.required("created", created);
        v.required("generation", generation);
        v.required("topics", topics);
        v.required("files", files);
    }
};

std::string to_json(const BackupManifest& manifest) {
    ManifestShape shape{manifest.version, manifest.created, manifest.generation, {}, {}};
    for (const auto& topic : manifest.topics) shape.topics.push_back({topic.topic, topic.ends});
    for (const auto& file : manifest.files)
        shape.files.push_back({file.name, static_cast<std::int64_t>(file.size), file.sha256});
    return schemas::encode(shape) + "\n";
}

Result<BackupManifest> read_manifest(const fs::path& from) {
    const fs::path path = from / kManifestFile;
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(
            Errc::Damaged,
            path.string() + " can't be read: this folder holds no backup, or an unfinished one");
    const std::string json{std::istreambuf_iterator<char>(file), {}};
    schemas::Decoder decoder;
    const auto shape = schemas::decode<ManifestShape>(json, decoder);
    if (!shape) return fail(Errc::Damaged, path.string() + ": " + shape.error().message());
    BackupManifest manifest{
        std::string(shape->version), std::string(shape->created), shape->generation, {}, {}};
    for (const auto& topic : shape->topics)
        manifest.topics.push_back({std::string(topic.topic), topic.ends});
    for (const auto& entry : shape->files) {
        const fs::path name(entry.name);
        if (name.is_absolute() || std::find(name.begin(), name.end(), fs::path("..")) != name.end())
            return fail(Errc::Damaged, fmt::format("{} names the file {}, outside of the backup",
                                                   path.string(), entry.name));
        manifest.files.push_back({std::string(entry.name), static_cast<std::uint64_t>(entry.size),
                                  std::string(entry.sha256)});
    }
    return manifest;
}

tl::unexpected<Error> not_as_written(const fs::path& path) {
    return fail(Errc::Damaged, path.string() + " is not what was backed up: take another backup");
}

/// Opens the copy as a log and begins its new generation.
Result<void> begin_generation(const fs::path& folder, const BackupManifest& manifest) {
    EmbeddedLog::Options options;
    options.path = folder;
    for (const auto& topic : manifest.topics) {
        TopicConfig config;
        config.name = topic.topic;
        config.partitions = static_cast<std::uint32_t>(topic.ends.size());
        options.topics.push_back(std::move(config));
    }
    VITALOG_TRY(const auto log, EmbeddedLog::open(std::move(options)));
    for (const auto& topic : manifest.topics)
        for (std::size_t p = 0; p < topic.ends.size(); ++p) {
            const TopicPartition tp{topic.topic, Partition(static_cast<std::uint32_t>(p))};
            VITALOG_TRY(const Offset end, log->end_offset(tp));
            if (end.value() < topic.ends[p])
                return fail(Errc::Damaged,
                            fmt::format("the backup holds {} up to {}, its manifest says {}",
                                        to_string(tp), end.value(), topic.ends[p]));
        }
    return log->begin_generation();
}

}  // namespace

std::uint64_t BackupManifest::bytes() const {
    return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const File& file) { return sum + file.size; });
}

Result<void> copy_documents(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (!fs::exists(from, error)) return {};
    std::set<fs::path> folders{to};
    for (const auto& entry : fs::recursive_directory_iterator(from, error)) {
        const fs::path name = fs::relative(entry.path(), from);
        if (!entry.is_regular_file() || !name.has_parent_path()) continue;  // unfinished
        const fs::path target = to / name;
        std::error_code failed;
        fs::create_directories(target.parent_path(), failed);
        folders.insert(target.parent_path());
        fs::create_hard_link(entry.path(), target, failed);
        if (failed)
            VITALOG_CHECK(sinks::copy_file_durably(entry.path(), target, [](std::size_t) {}));
    }
    if (error) return fail(Errc::Io, from.string() + ": " + error.message());
    fs::create_directories(to, error);
    for (const auto& folder : folders) VITALOG_CHECK(sinks::sync_folder(folder));
    return sinks::sync_folder(to.parent_path());
}

Result<BackupManifest> write_backup(EmbeddedLog& log, const fs::path& to,
                                    const BackupOptions& options) {
    BackupManifest manifest{
        std::string(options.version), to_rfc3339(options.now), log.generation().value(), {}, {}};
    for (const auto& topic : log.topics()) {
        manifest.topics.push_back({topic.name, {}});
        for (std::uint32_t p = 0; p < topic.partitions; ++p) {
            VITALOG_TRY(const Offset end, log.end_offset({topic.name, Partition(p)}));
            manifest.topics.back().ends.push_back(end.value());
        }
    }
    VITALOG_CHECK(log.copy_to(to));
    // After the log, so that every document that its positions have passed is there; one that came
    // since does no harm.
    VITALOG_CHECK(copy_documents(log.folder() / kDocumentsFolder, to / kDocumentsFolder));
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(to, error)) {
        if (!entry.is_regular_file()) continue;
        if (options.stop != nullptr && *options.stop)
            return fail(Errc::Busy, "the site stopped before " + to.string() +
                                        " was whole: remove it and take another backup");
        VITALOG_TRY(std::string digest, sinks::sha256_of(entry.path()));
        manifest.files.push_back(
            {fs::relative(entry.path(), to).string(), entry.file_size(), std::move(digest)});
    }
    if (error) return fail(Errc::Io, to.string() + ": " + error.message());
    std::sort(manifest.files.begin(), manifest.files.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    // The manifest comes last: a folder without it is not a backup.
    VITALOG_CHECK(sinks::write_file_durably(to / kManifestFile, to_json(manifest)));
    return manifest;
}

Result<BackupManifest> check_backup(const fs::path& from) {
    VITALOG_TRY(BackupManifest manifest, read_manifest(from));
    for (const auto& file : manifest.files) {
        std::error_code error;
        if (fs::file_size(from / file.name, error) != file.size || error)
            return not_as_written(from / file.name);
        VITALOG_TRY(const std::string digest, sinks::sha256_of(from / file.name));
        if (digest != file.sha256) return not_as_written(from / file.name);
    }
    return manifest;
}

Result<BackupManifest> restore_backup(
    const fs::path& from, const fs::path& data_dir,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    std::error_code error;
    if (fs::exists(data_dir) && !fs::is_empty(data_dir, error))
        return fail(
            Errc::Conflict,
            data_dir.string() + " holds something: restore into a new folder, or empty it first");
    VITALOG_TRY(BackupManifest manifest, read_manifest(from));
    const fs::path fresh = data_dir.string() + ".restoring";
    fs::remove_all(fresh, error);  // of an attempt that was cut off
    const std::uint64_t bytes = manifest.bytes();
    std::uint64_t done = 0;
    std::set<fs::path> folders;
    for (const auto& file : manifest.files) {
        const fs::path to = fresh / file.name;
        fs::create_directories(to.parent_path(), error);
        if (error)
            return fail(Errc::Io,
                        "cannot create " + to.parent_path().string() + ": " + error.message());
        VITALOG_TRY(const std::string digest,
                    sinks::copy_file_durably(from / file.name, to, [&](std::size_t copied) {
                        done += copied;
                        progress(done, bytes);
                    }));
        if (digest != file.sha256) return not_as_written(from / file.name);
        folders.insert(to.parent_path());
    }
    for (const auto& folder : folders) VITALOG_CHECK(sinks::sync_folder(folder));
    VITALOG_CHECK(begin_generation(fresh, manifest));
    fs::remove(data_dir, error);  // empty, where it exists
    fs::rename(fresh, data_dir, error);
    if (error) return fail(Errc::Io, "cannot rename " + fresh.string() + ": " + error.message());
    VITALOG_CHECK(sinks::sync_folder(fs::absolute(data_dir).parent_path()));
    return manifest;
}

}  // namespace vitalog::topology
