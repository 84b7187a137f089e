#include "topology/log/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "schemas/base/binary.h"
#include "schemas/base/ids.h"
#include "schemas/base/ports.h"

namespace vitalog::topology {

namespace {

constexpr std::array<std::string_view, 2> kFormatMagics{"VLOG", "VKLS"};  // by Holds
constexpr std::array<std::string_view, 2> kKinds{"embedded", "kafka"};
constexpr std::array<int, 2> kFormatVersions{DataDirectory::kVersion, 1};
constexpr std::array<int, 2> kOldestVersions{1, 1};
constexpr std::string_view kFormatFile = "format";
constexpr mode_t kMode = 0640;
constexpr std::size_t kSyncedBytes = 16;

tl::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path) {
    return fail(Errc::Io, fmt::format("{} {}: {}", what, path.string(), std::strerror(errno)));
}

std::string read_small_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Writes the file whole, then renames it into place, so that nobody sees half of it.
Result<void> write_durably(const std::filesystem::path& path, std::string_view bytes) {
    const std::filesystem::path fresh = path.string() + ".new";
    const int file = ::open(fresh.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, kMode);
    if (file < 0) return io_error("cannot create", fresh);
    const bool written =
        ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
        ::fsync(file) == 0;
    ::close(file);
    if (!written || ::rename(fresh.c_str(), path.c_str()) != 0)
        return io_error("cannot write", path);
    // The new name is durable once its directory is.
    const int directory = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return io_error("cannot open", path.parent_path());
    const bool synced = ::fsync(directory) == 0;
    ::close(directory);
    if (!synced) return io_error("cannot sync", path.parent_path());
    return {};
}

std::string synced_bytes(std::uint64_t sequence) {
    std::string bytes;
    BinaryWriter(bytes).fixed64(sequence);
    const std::uint64_t checksum = hash64(bytes);
    BinaryWriter(bytes).fixed64(checksum);
    return bytes;
}

tl::unexpected<Error> unusable(std::string_view what, const std::filesystem::path& path,
                               std::string_view why) {
    return fail(Errc::Conflict,
                fmt::format("cannot {} {}: {}; give it to the user who runs this, or name another "
                            "with --data-dir",
                            what, path.string(), why));
}

int version_of(DataDirectory::Holds holds) {
    return kFormatVersions.at(static_cast<std::size_t>(holds));
}

std::string format_line(DataDirectory::Holds holds, int version) {
    return fmt::format("{} {}\n", kFormatMagics.at(static_cast<std::size_t>(holds)), version);
}

}  // namespace

Result<void> DataDirectory::write_format(const std::filesystem::path& path) {
    return write_durably(path / kFormatFile, format_line(Holds::Log, kVersion));
}

Result<DataDirectory> DataDirectory::open(std::filesystem::path path, Holds holds) {
    std::error_code failure;
    std::filesystem::create_directories(path, failure);
    if (failure) return unusable("create the data directory", path, failure.message());
    const std::filesystem::path lock_path = path / "lock";
    const int lock = ::open(lock_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, kMode);
    if (lock < 0) return unusable("write to", lock_path, std::strerror(errno));
    DataDirectory directory(std::move(path), lock);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        std::string holder = read_small_file(lock_path);
        while (!holder.empty() && holder.back() == '\n') holder.pop_back();
        return fail(Errc::Conflict,
                    fmt::format("the data directory {} is in use by process {}: stop it, or name "
                                "another directory",
                                directory.path_.string(), holder));
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) < 0)
        return io_error("cannot write", lock_path);
    VITALOG_CHECK(directory.check_format(holds));
    const std::filesystem::path synced_path = directory.path_ / "synced";
    directory.synced_ = ::open(synced_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, kMode);
    if (directory.synced_ < 0) return io_error("cannot open", synced_path);
    return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      version_(other.version_),
      lock_(std::exchange(other.lock_, -1)),
      synced_(std::exchange(other.synced_, -1)) {}

DataDirectory::~DataDirectory() {
    if (synced_ >= 0) ::close(synced_);
    if (lock_ >= 0) ::close(lock_);
}

Result<void> DataDirectory::check_format(Holds holds) {
    const std::filesystem::path path = path_ / kFormatFile;
    const std::string wanted = format_line(holds, version_of(holds));
    if (!std::filesystem::exists(path)) {
        if (std::filesystem::exists(database()))
            return fail(
                Errc::Damaged,
                fmt::format("{} is missing beside a database: restore it from the backup of "
                            "the data directory",
                            path.string()));
        return write_durably(path, wanted);
    }
    const std::string found = read_small_file(path);
    for (version_ = version_of(holds);
         version_ >= kOldestVersions.at(static_cast<std::size_t>(holds)); --version_)
        if (found == format_line(holds, version_)) return {};
    const auto kind =
        std::ranges::find_if(kFormatMagics, [&](auto magic) { return found.starts_with(magic); });
    if (kind != kFormatMagics.end() && !wanted.starts_with(*kind))
        return fail(Errc::Configuration,
                    fmt::format("{} belongs to a site with log.kind={}: choose another --data-dir, "
                                "or that log.kind",
                                path_.string(),
                                kKinds.at(static_cast<std::size_t>(kind - kFormatMagics.begin()))));
    if (kind == kFormatMagics.end())
        return fail(
            Errc::Damaged,
            fmt::format("{} does not say VLOG: this is no data directory of vitalog, name another; "
                        "or the file is damaged, restore it from a backup",
                        path.string()));
    int number = 0;
    const auto digits = std::string_view(found).substr(std::min(found.size(), kind->size() + 1));
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool newer = number > version_of(holds);
    return fail(
        Errc::Damaged,
        fmt::format("{} says '{}', this version of vitalog reads '{}': a{} version wrote the data "
                    "directory, run that one; or the file is damaged, restore it from a backup",
                    path.string(), found.substr(0, found.find('\n')),
                    wanted.substr(0, wanted.find('\n')), newer ? " newer" : "n older"));
}

Result<std::uint64_t> DataDirectory::free_bytes() const {
    struct statvfs found {};
    if (::statvfs(path_.c_str(), &found) != 0)
        return io_error("cannot ask for free space of", path_);
    return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
}

Result<void> DataDirectory::mark_synced(std::uint64_t sequence) const {
    const std::string bytes = synced_bytes(sequence);
    if (::pwrite(synced_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return io_error("cannot write", path_ / "synced");
    return {};
}

std::optional<std::uint64_t> DataDirectory::synced() const {
    std::array<char, kSyncedBytes> bytes{};
    if (::pread(synced_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return std::nullopt;
    const std::string_view view(bytes.data(), bytes.size());
    const std::uint64_t sequence = BinaryReader(view).fixed64();
    if (view != synced_bytes(sequence)) return std::nullopt;
    return sequence;
}

Result<void> DataDirectory::check_synced(std::uint64_t found,
                                         const std::vector<DroppedEnd>& dropped) const {
    const auto noted = synced();
    if (!noted && ::lseek(synced_, 0, SEEK_END) > 0)
        log_line("warn", "synced-damaged", {{"file", (path_ / "synced").string()}});
    if (!noted || found >= *noted) return {};
    std::string where = "a log file in it is damaged";
    if (!dropped.empty())
        where = fmt::format("{} is damaged at byte {}", dropped.front().file.string(),
                            dropped.front().from);
    return fail(Errc::Damaged,
                fmt::format("{} ends at write {}, but everything up to write {} was on disk and "
                            "acknowledged: {}. Restore the data directory "
                            "from a backup, or remove {} to go on without what is lost",
                            database().string(), found, *noted, where,
                            (path_ / "synced").string()));
}

}  // namespace vitalog::topology
