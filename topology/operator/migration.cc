#include "topology/operator/migration.h"

#include <fmt/format.h>

#include "sinks/blobs/file_digest.h"
#include "topology/audit/replay.h"
#include "topology/operator/backup.h"
#include "topology/topics.h"
#include "topology/views_place.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kViewsFile = "views.sqlite";

Result<void> check_folders(const Config& config, const MigrationOptions& options) {
    if (config.text("log.kind") != "kafka")
        return fail(Errc::Configuration,
                    "log.kind is 'embedded': say log.kind=kafka and log.brokers, as the site is to "
                    "have them");
    VITALOG_CHECK(check_log(config, options.kafka_password));
    VITALOG_CHECK(refuse_replay(options.from));
    std::error_code error;
    if (fs::equivalent(options.from, options.to, error))
        return fail(Errc::Configuration,
                    "--from and --data-dir are the same folder: the old one stays as it is");
    return {};
}

/// Views in a folder of their own, or in a database, are gone on with where they are.
Result<bool> copy_views(const Config& config, const fs::path& from, const fs::path& to,
                        const fs::path& fresh) {
    if (views_file(config, to.string()) != (to / kViewsFile).string() ||
        !fs::exists(from / kViewsFile))
        return false;
    // Where the site was killed, the last transactions are in the second.
    for (const std::string& name : {std::string(kViewsFile), std::string(kViewsFile) + "-wal"})
        if (fs::exists(from / name))
            VITALOG_CHECK(sinks::copy_file_durably(from / name, fresh / name, [](std::size_t) {}));
    return true;
}

/// The new data directory, made beside its place, and moved there when it is whole.
Result<bool> make_folder(const Config& config, const MigrationOptions& options, MoveIn& move,
                         const fs::path& fresh) {
    std::error_code error;
    fs::remove_all(fresh, error);  // of an attempt that was cut off
    fs::create_directories(fresh, error);
    if (error) return fail(Errc::Io, "cannot create " + fresh.string() + ": " + error.message());
    VITALOG_CHECK(move.make_local(fresh));
    VITALOG_CHECK(copy_documents(options.from / kDocumentsFolder, fresh / kDocumentsFolder));
    VITALOG_TRY(const bool views, copy_views(config, options.from, options.to, fresh));
    VITALOG_CHECK(sinks::sync_folder(fresh));
    return views;
}

Result<void> put_in_place(const fs::path& fresh, const fs::path& to) {
    std::error_code error;
    fs::remove(to, error);  // empty, where it exists
    fs::rename(fresh, to, error);
    if (error) return fail(Errc::Io, "cannot rename " + fresh.string() + ": " + error.message());
    return sinks::sync_folder(fs::absolute(to).parent_path());
}

/// Whether the new data directory is in its place already: only the last step was missing.
Result<bool> in_place(const MigrationOptions& options, const MoveIn& move) {
    std::error_code error;
    if (!fs::exists(options.to) || fs::is_empty(options.to, error)) return false;
    if (move.resumes()) {
        VITALOG_TRY(const bool made, move.made(options.to));
        if (made) return true;
    }
    return fail(Errc::Conflict,
                options.to.string() + " holds something: name a new folder, or empty it first");
}

}  // namespace

Result<Migrated> migrate(const Config& config, const MigrationOptions& options) {
    VITALOG_CHECK(check_folders(config, options));
    const schemas::TopicNames topics = configured_names(config);
    VITALOG_TRY(const auto log, StoppedLog::open(options.from));
    SiteLog::Options site;
    site.kafka_password = options.kafka_password;
    site.wall = options.wall;
    VITALOG_TRY(const auto move,
                MoveIn::open(kafka_options(config, topics, site), *log, options.progress));
    VITALOG_TRY(const bool placed, in_place(options, *move));
    Migrated done;
    done.resumed = move->resumes();
    VITALOG_CHECK(move->begin());
    VITALOG_CHECK(move->carry());
    const fs::path fresh = options.to.string() + ".migrating";
    if (!placed) {
        VITALOG_TRY(done.views, make_folder(config, options, *move, fresh));
    }
    VITALOG_CHECK(move->store_positions());
    if (!placed) VITALOG_CHECK(put_in_place(fresh, options.to));
    VITALOG_CHECK(move->finish());
    done.log = move->counts();
    return done;
}

}  // namespace vitalog::topology
