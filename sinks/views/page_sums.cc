#include "sinks/views/page_sums.h"

#include <sqlite3.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

namespace vitalog::sinks::sql {
namespace {

static_assert(std::endian::native == std::endian::little, "the sums are of little-endian words");

constexpr const char* kName = "vitalog-checked";
constexpr int kPageBytesMin = 512;
constexpr std::size_t kWalHeaderBytes = 32;
/// Of a write-ahead log whose sums are of little-endian words.
constexpr std::uint32_t kWalMagic = 0x377f0682;

thread_local bool page_failed = false;

struct Sums {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    friend bool operator==(const Sums&, const Sums&) = default;
};

/// As SQLite's file format sums its write-ahead log ("Checksum Algorithm") and cksumvfs pages.
Sums sums_of(const char* bytes, std::size_t size) {
    Sums sums;
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
        std::array<std::uint32_t, 2> words{};
        std::memcpy(words.data(), bytes + at, sizeof words);
        sums.first += words[0] + sums.second;
        sums.second += words[1] + sums.first;
    }
    return sums;
}

/// SQLite reads a whole page, or the file's header of 100 bytes.
bool is_page(int amount, sqlite3_int64 offset) {
    return amount >= kPageBytesMin && std::has_single_bit(static_cast<unsigned>(amount)) &&
           offset % amount == 0;
}

sqlite3_vfs* machine() {
    static sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
    return found;
}

/// What SQLite allocates for a database; the machine's own file stands behind it.
struct File {
    sqlite3_file base;

    static sqlite3_file* real(sqlite3_file* file) {
        return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
    }
};

/// Calls a method of the machine's file.
template <auto Method, class... Arguments>
auto pass(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* const real = File::real(file);
    return (real->pMethods->*Method)(real, arguments...);
}

int read_page(sqlite3_file* file, void* bytes, int amount, sqlite3_int64 offset) {
    const int code = pass<&sqlite3_io_methods::xRead>(file, bytes, amount, offset);
    if (code != SQLITE_OK || !is_page(amount, offset)) return code;
    const auto* const page = static_cast<const char*>(bytes);
    const std::size_t summed = static_cast<std::size_t>(amount) - kPageSumBytes;
    Sums stored;
    std::memcpy(&stored, page + summed, sizeof stored);
    if (stored == sums_of(page, summed)) return SQLITE_OK;
    page_failed = true;
    return SQLITE_IOERR_DATA;
}

int write_page(sqlite3_file* file, const void* bytes, int amount, sqlite3_int64 offset) {
    if (!is_page(amount, offset))
        return pass<&sqlite3_io_methods::xWrite>(file, bytes, amount, offset);
    std::string page(static_cast<const char*>(bytes), static_cast<std::size_t>(amount));
    const std::size_t summed = page.size() - kPageSumBytes;
    const Sums sums = sums_of(page.data(), summed);
    std::memcpy(page.data() + summed, &sums, sizeof sums);
    return pass<&sqlite3_io_methods::xWrite>(file, static_cast<const void*>(page.data()), amount,
                                             offset);
}

/// Pages are read, never mapped.
int fetch_nothing(sqlite3_file*, sqlite3_int64, int, void** bytes) {
    *bytes = nullptr;
    return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods{
    .iVersion = 3,
    .xClose = [](sqlite3_file* f) { return pass<&sqlite3_io_methods::xClose>(f); },
    .xRead = read_page,
    .xWrite = write_page,
    .xTruncate = [](sqlite3_file* f,
                    sqlite3_int64 size) { return pass<&sqlite3_io_methods::xTruncate>(f, size); },
    .xSync = [](sqlite3_file* f, int flags) { return pass<&sqlite3_io_methods::xSync>(f, flags); },
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return pass<&sqlite3_io_methods::xFileSize>(f, size); },
    .xLock = [](sqlite3_file* f, int lock) { return pass<&sqlite3_io_methods::xLock>(f, lock); },
    .xUnlock = [](sqlite3_file* f,
                  int lock) { return pass<&sqlite3_io_methods::xUnlock>(f, lock); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* held) {
            return pass<&sqlite3_io_methods::xCheckReservedLock>(f, held);
        },
    .xFileControl =
        [](sqlite3_file* f, int operation, void* argument) {
            return pass<&sqlite3_io_methods::xFileControl>(f, operation, argument);
        },
    .xSectorSize = [](sqlite3_file* f) { return pass<&sqlite3_io_methods::xSectorSize>(f); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return pass<&sqlite3_io_methods::xDeviceCharacteristics>(f); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, void volatile** at) {
            return pass<&sqlite3_io_methods::xShmMap>(f, page, size, extend, at);
        },
    .xShmLock = [](sqlite3_file* f, int offset, int n,
                   int flags) { return pass<&sqlite3_io_methods::xShmLock>(f, offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* f) { pass<&sqlite3_io_methods::xShmBarrier>(f); },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return pass<&sqlite3_io_methods::xShmUnmap>(f, remove); },
    .xFetch = fetch_nothing,
    .xUnfetch = [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; },
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* opened) {
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
        return machine()->xOpen(machine(), name, file, flags, opened);
    file->pMethods = nullptr;
    sqlite3_file* const real = File::real(file);
    const int code = machine()->xOpen(machine(), name, real, flags, opened);
    // SQLite closes a file that has methods, opened or not.
    if (real->pMethods != nullptr) file->pMethods = &kMethods;
    return code;
}

sqlite3_vfs make_file_system() {
    sqlite3_vfs made = *machine();
    made.szOsFile += static_cast<int>(sizeof(File));
    made.pNext = nullptr;
    made.zName = kName;
    made.xOpen = open_file;
    return made;
}

std::uint32_t big_endian(std::string_view bytes) {
    std::uint32_t word = 0;
    for (const char byte : bytes.substr(0, 4)) word = word << 8 | static_cast<std::uint8_t>(byte);
    return word;
}

}  // namespace

const char* checked_file_system() {
    static sqlite3_vfs made = make_file_system();
    static const int registered = sqlite3_vfs_register(&made, 0);
    return registered == SQLITE_OK ? kName : nullptr;
}

bool take_failed_page() {
    return std::exchange(page_failed, false);
}

bool write_ahead_log_begins_whole(const std::string& database) {
    std::ifstream file(database + "-wal", std::ios::binary);
    std::array<char, kWalHeaderBytes> header{};
    file.read(header.data(), header.size());
    if (static_cast<std::size_t>(file.gcount()) < header.size()) return true;
    const std::string_view bytes(header.data(), header.size());
    if (big_endian(bytes) != kWalMagic) return false;
    const Sums stored{big_endian(bytes.substr(24)), big_endian(bytes.substr(28))};
    return stored == sums_of(bytes.data(), 24);
}

}  // namespace vitalog::sinks::sql
