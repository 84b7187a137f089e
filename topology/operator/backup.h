#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "topology/log/embedded_log.h"

namespace vitalog::topology {

/// What a backup holds, as its backup.json says.
struct BackupManifest {
    struct Topic {
        std::string topic;
        std::vector<std::int64_t> ends;  ///< by partition: at least everything before is in it
    };
    struct File {
        std::string name;  ///< below the backup's folder
        std::uint64_t size = 0;
        std::string sha256;
    };
    std::string version;  ///< of the program that wrote it
    std::string created;  ///< RFC 3339, by the site's clock
    std::uint32_t generation = 1;
    std::vector<Topic> topics;
    std::vector<File> files;

    std::uint64_t bytes() const;
};

inline constexpr std::string_view kManifestFile = "backup.json";

/// Where a data directory keeps its documents.
inline constexpr std::string_view kDocumentsFolder = "blobs";
/// Links the documents of a data directory, or copies them to another disk; on disk when it returns.
Result<void> copy_documents(const std::filesystem::path& from, const std::filesystem::path& to);

struct BackupOptions {
    LogTime now;
    std::string_view version;                 ///< of the program
    const std::atomic<bool>* stop = nullptr;  ///< once true, the backup is given up: Busy
};

/// Writes a backup of the log and the documents while it runs: everything that was acknowledged
/// before the call, at one point in time. The views are left out: a site that finds none fills them
/// from the log. `to` must not exist. Reads every byte once, for the checksums.
Result<BackupManifest> write_backup(EmbeddedLog& log, const std::filesystem::path& to,
                                    const BackupOptions& options);

/// Damaged when the folder holds no backup, or not what its manifest says.
Result<BackupManifest> check_backup(const std::filesystem::path& from);

/// Makes a data directory of a backup, in a new generation of the log, and whole or not at all.
/// Conflict when the folder holds anything already. `progress` is told bytes copied and bytes in
/// all.
Result<BackupManifest> restore_backup(
    const std::filesystem::path& from, const std::filesystem::path& data_dir,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace vitalog::topology
