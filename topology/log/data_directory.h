#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "schemas/base/result.h"
#include "topology/log/database_files.h"

namespace vitalog::topology {

/// The data directory of one process: held by a lock on D/lock while this lives, its form named by
/// D/format, and the last point known to be on disk in D/synced. Thread-safe after open.
///   format := "VLOG" space version newline for an embedded log, "VKLS" for the copies of a
///             cluster's state
///   synced := sequence fixed64 | checksum fixed64
/// The version is raised with any stored form in the directory that a program of the version
/// before can't read: it refuses the directory before anything in it is touched. What older
/// versions left is read as it lies; what it lacks besides is made up for once (first_version.h).
/// tests/upgrade/ holds a directory of each version that is read.
class DataDirectory {
  public:
    enum class Holds : std::uint8_t { Log, ClusterState };
    /// Creates what is missing. Conflict when another process holds it (the message names its pid),
    /// Configuration when it holds the other thing, Damaged when its version is not read.
    static Result<DataDirectory> open(std::filesystem::path path, Holds holds = Holds::Log);
    DataDirectory(DataDirectory&& other) noexcept;
    DataDirectory& operator=(DataDirectory&&) = delete;
    ~DataDirectory();

    /// Where the database of a data directory lies.
    static std::filesystem::path database_of(const std::filesystem::path& path) {
        return path / "db";
    }
    /// Marks a folder as a data directory of this form, durably. Io.
    static Result<void> write_format(const std::filesystem::path& path);
    /// The version that D/format named when this was opened; of an embedded log below kVersion
    /// where an older program wrote it.
    static constexpr int kVersion = 3;
    int version() const { return version_; }

    std::filesystem::path database() const { return database_of(path_); }
    const std::filesystem::path& path() const { return path_; }
    /// What is free for us on its file system.
    Result<std::uint64_t> free_bytes() const;

    /// Notes that everything up to `sequence` is on disk. Not itself synced: after a loss of power
    /// it may say less than what is there, never more.
    Result<void> mark_synced(std::uint64_t sequence) const;
    /// What was noted last; nullopt when nothing readable is there.
    std::optional<std::uint64_t> synced() const;
    /// Damaged when the database ends, at `found`, before what was noted; names what was dropped
    /// from its write-ahead logs.
    Result<void> check_synced(std::uint64_t found, const std::vector<DroppedEnd>& dropped) const;

  private:
    DataDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
    Result<void> check_format(Holds holds);

    std::filesystem::path path_;
    int version_ = kVersion;
    int lock_ = -1;
    int synced_ = -1;
};

}  // namespace vitalog::topology
