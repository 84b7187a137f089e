#include "topology/operator/backup.h"

#include <fmt/format.h>
#include <poll.h>

#include <cstdio>
#include <filesystem>

#include "schemas/json_decode.h"
#include "topology/cli/site_client.h"

// backup of a running site, restore into a new data directory.

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kBackupHelp =
    R"(usage: vitalog backup TO (--url U | --data-dir D)
       vitalog backup --check TO

Writes a backup of a running site into the new folder TO on the site's machine: the log and all state at one point in
time, everything acknowledged before included. Files are hard-linked where TO is on the same disk, and read once for
their checksums. The SQL views are left out; they are filled from the log. Copy TO to another machine as it is.

  --check   compares the folder with the checksums that it was written with

example:
  vitalog backup /backup/vitalog-2026-11-21 --data-dir /var/lib/vitalog
)";

constexpr std::string_view kRestoreHelp =
    R"(usage: vitalog restore FROM --data-dir D

Makes a data directory of a backup. D must be empty or missing. The checksums are compared on the way, and the log
begins a new generation, so that what it takes in is never confused with what the original took in after the backup.
Then start it with `vitalog run`. Messages that may have been sent by the original are not sent again: the provider is
asked about them.

example:
  vitalog restore /backup/vitalog-2026-11-21 --data-dir /var/lib/vitalog
)";

struct StandShape {
    std::string_view state;
    std::string_view error;
    std::int64_t files = 0;
    std::int64_t bytes = 0;
    std::uint32_t generation = 0;
    template <class V>
    void members(V& v) {
        v.required("state", state);
        v("error", error);
        v("files", files);
        v("bytes", bytes);
        v("generation", generation);
    }
};

Result<void> back_up(SiteClient& site, const std::string& to) {
    constexpr int kPollMillis = 200;
    std::string body;
    schemas::JsonWriter json(body);
    json.begin_object();
    json.field("to", std::filesystem::absolute(to).string());
    json.end_object();
    VITALOG_TRY(std::string answer, site.post("/admin/backup", body));
    schemas::Decoder decoder;
    for (;;) {
        VITALOG_TRY(const auto stand, schemas::decode<StandShape>(answer, decoder));
        if (stand.state == "failed") return fail(Errc::Io, std::string(stand.error));
        if (stand.state == "done") {
            fmt::print("backed up to {}: {} files, {} bytes, generation {}\n", to, stand.files,
                       stand.bytes, stand.generation);
            return {};
        }
        poll(nullptr, 0, kPollMillis);
        VITALOG_TRY(answer, site.get("/admin/backup"));
    }
}

int run_backup(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {site_flags({"--check"}), {}, 1});
    if (!arguments) return report_usage("backup", arguments.error());
    if (const auto folder = arguments->value("--check")) {
        const auto manifest = check_backup(*folder);
        if (!manifest) return report("backup", manifest.error());
        fmt::print("good: {} files, {} bytes, generation {}, written {}\n", manifest->files.size(),
                   manifest->bytes(), manifest->generation, manifest->created);
        return kStopped;
    }
    if (arguments->words().size() != 1)
        return report_usage("backup", Error(Errc::Configuration, "say where to"));
    auto site = open_site(*arguments);
    if (!site) return report("backup", site.error());
    const auto done = back_up(*site, arguments->words()[0]);
    return done ? kStopped : report("backup", done.error());
}

int run_restore(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {{"--data-dir"}, {}, 1});
    if (!arguments) return report_usage("restore", arguments.error());
    const auto data_dir = arguments->value("--data-dir");
    if (arguments->words().size() != 1 || !data_dir)
        return report_usage("restore", Error(Errc::Configuration, "say restore FROM --data-dir D"));
    const auto manifest =
        restore_backup(arguments->words()[0], *data_dir, [](std::uint64_t done, std::uint64_t all) {
            fmt::print(stderr, "\r{} of {} MiB ", done >> 20, all >> 20);
        });
    fmt::print(stderr, "\n");
    if (!manifest) return report("restore", manifest.error());
    fmt::print("restored {} from {}: {} files, generation {}\n", *data_dir, manifest->created,
               manifest->files.size(), manifest->generation + 1);
    return kStopped;
}

}  // namespace

const Command kBackup{"backup", "back up a running site", kBackupHelp, run_backup};
const Command kRestore{"restore", "make a data directory of a backup", kRestoreHelp, run_restore};

}  // namespace vitalog::topology::cli
