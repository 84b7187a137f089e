#include "topology/log/database_files.h"

#include <fmt/format.h>
#include <nmmintrin.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace vitalog::topology {

namespace {

namespace fs = std::filesystem;

// log    := block*            of kBlockBytes, the last one shorter
// block  := record* | zeros   where less than a header is left
// record := crc fixed32 (CRC-32C of type and payload, masked) | length fixed16 | type u8 | payload
constexpr std::size_t kBlockBytes = 32 << 10;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::uint32_t kMaskDelta = 0xa282ead8;
enum class Type : std::uint8_t { Zeros = 0, Full = 1, First = 2, Middle = 3, Last = 4 };

/// CRC-32C, not inverted at either end, so that it can be continued.
std::uint32_t extend(std::uint32_t crc, std::string_view bytes) {
    std::uint64_t state = crc;
    while (bytes.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        state = _mm_crc32_u64(state, word);
        bytes.remove_prefix(sizeof word);
    }
    auto last = static_cast<std::uint32_t>(state);
    for (const char byte : bytes) last = _mm_crc32_u8(last, static_cast<std::uint8_t>(byte));
    return last;
}

std::uint32_t begin_crc(std::uint8_t type) {
    return _mm_crc32_u8(0xffffffff, type);
}

std::uint32_t masked(std::uint32_t crc) {
    crc ^= 0xffffffff;
    return ((crc >> 15) | (crc << 17)) + kMaskDelta;
}

struct Header {
    std::uint32_t crc = 0;
    std::size_t length = 0;
    std::uint8_t type = 0;

    bool zero() const { return crc == 0 && length == 0 && type == 0; }
    bool known() const {
        return type >= static_cast<std::uint8_t>(Type::Full) &&
               type <= static_cast<std::uint8_t>(Type::Last);
    }
    /// The types of logs that are written over older ones, as ours are not: what stands there
    /// would be of an older log, and no error.
    bool of_another_log() const {
        return type > static_cast<std::uint8_t>(Type::Last) &&
               type <= 2 * static_cast<std::uint8_t>(Type::Last);
    }
};

Header header_of(std::string_view bytes) {
    Header header;
    std::uint16_t length = 0;
    std::memcpy(&header.crc, bytes.data(), sizeof header.crc);
    std::memcpy(&length, bytes.data() + 4, sizeof length);
    header.length = length;
    header.type = static_cast<std::uint8_t>(bytes[6]);
    return header;
}

bool holds(const Header& header, std::string_view payload) {
    return masked(extend(begin_crc(header.type), payload)) == header.crc;
}

/// True when the checksum holds under another type, or under a length of which one byte differs.
bool whole_under_another_header(const Header& header, std::string_view rest) {
    for (auto type = static_cast<std::uint8_t>(Type::Full);
         type <= static_cast<std::uint8_t>(Type::Last); ++type) {
        const Header other{header.crc, header.length, type};
        if (type != header.type && header.length <= rest.size() &&
            holds(other, rest.substr(0, header.length)))
            return true;
    }
    std::uint32_t crc = begin_crc(header.type);
    for (std::size_t length = 0; length <= rest.size(); ++length) {
        if (length > 0) crc = _mm_crc32_u8(crc, static_cast<std::uint8_t>(rest[length - 1]));
        const std::size_t differs = length ^ header.length;
        if ((differs < 0x100 || (differs & 0xff) == 0) && masked(crc) == header.crc) return true;
    }
    return false;
}

bool all_zero(std::string_view bytes) {
    return std::ranges::all_of(bytes, [](char byte) { return byte == 0; });
}

enum class End : std::uint8_t {
    Whole,   ///< with its last record
    Torn,    ///< within a record, as a write that was cut short ends
    Broken,  ///< a record fails its checksum: RocksDB sees that, too
    Hidden,  ///< what RocksDB passes over without a word, with more behind it
    Altered  ///< a record that is whole, and that RocksDB takes for the end or for none
};

struct Found {
    End end = End::Whole;
    std::uint64_t good = 0;  ///< up to the end of the last whole record
    std::uint64_t at = 0;    ///< where the bad record begins
    std::uint64_t size = 0;
};

/// Reads a log up to its end, or to the first record that does not hold.
class Walk {
  public:
    explicit Walk(std::ifstream& file) : file_(file) {}

    Found to_the_end() {
        std::string block(kBlockBytes, '\0');
        for (bool more = true; more; begin_ += kBlockBytes) {
            file_.read(block.data(), kBlockBytes);
            const auto size = static_cast<std::size_t>(file_.gcount());
            more = size == kBlockBytes && read_block({block.data(), size});
            if (size < kBlockBytes) (void)read_block({block.data(), size});
        }
        if (found_.end == End::Whole && within_) found_.end = End::Torn;
        return found_;
    }

  private:
    bool stop(End end, std::size_t at) {
        found_.end = end;
        found_.at = begin_ + at;
        return false;
    }

    /// False where the walk ends before the block does.
    bool read_block(std::string_view block) {
        for (std::size_t at = 0; at < block.size();) {
            const std::string_view rest = block.substr(at);
            if (zeros_) return all_zero(rest) || stop(End::Hidden, at);
            if (rest.size() < kHeaderBytes) {
                // Nobody looks at what fills a block up.
                if (block.size() == kBlockBytes || all_zero(rest)) return true;
                return stop(End::Torn, at);
            }
            const Header header = header_of(rest);
            if (header.zero()) {  // space that was set aside
                zeros_ = true;
                continue;
            }
            const std::string_view behind = rest.substr(kHeaderBytes);
            if (header.known() && header.length <= behind.size() &&
                holds(header, behind.substr(0, header.length))) {
                at += kHeaderBytes + header.length;
                note(header, at);
                continue;
            }
            return stop(judge(header, behind, block.size() == kBlockBytes), at);
        }
        return true;
    }

    static End judge(const Header& header, std::string_view behind, bool full_block) {
        if (whole_under_another_header(header, behind)) return End::Altered;
        if (header.of_another_log()) return End::Hidden;
        return header.length <= behind.size() || full_block ? End::Broken : End::Torn;
    }

    void note(const Header& header, std::size_t end) {
        const auto type = static_cast<Type>(header.type);
        within_ = type == Type::First || type == Type::Middle;
        if (!within_) found_.good = begin_ + end;
    }

    std::ifstream& file_;
    Found found_;
    std::uint64_t begin_ = 0;  // of the block in hand
    bool within_ = false;      // a record that goes on
    bool zeros_ = false;
};

Result<Found> walk(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(Errc::Io,
                    fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    Found found = Walk(file).to_the_end();
    std::error_code error;
    found.size = fs::file_size(path, error);
    return found;
}

tl::unexpected<Error> damaged(const fs::path& path, std::string_view how) {
    return fail(Errc::Damaged,
                fmt::format("{} {}: restore the data directory from a backup", path.string(), how));
}

tl::unexpected<Error> damaged_at(const fs::path& path, std::uint64_t at) {
    return damaged(path, fmt::format("is damaged at byte {}", at));
}

bool is_write_ahead_log(const fs::path& path) {
    const std::string stem = path.stem().string();
    return path.extension() == ".log" && !stem.empty() &&
           stem.find_first_not_of("0123456789") == std::string::npos;
}

/// The MANIFEST that CURRENT names; empty when there is no database yet.
Result<fs::path> manifest_of(const fs::path& database, const std::vector<fs::path>& files) {
    const fs::path current = database / "CURRENT";
    std::ifstream file(current, std::ios::binary);
    if (!file) {
        const bool data = std::ranges::any_of(files, [](const fs::path& path) {
            return path.extension() == ".sst" || is_write_ahead_log(path);
        });
        if (data) return damaged(current, "is missing beside data");
        return fs::path();
    }
    std::string name((std::istreambuf_iterator<char>(file)), {});
    const bool line = name.ends_with('\n');
    if (line) name.pop_back();
    if (!line || !name.starts_with("MANIFEST-") || name.find('/') != name.npos ||
        !fs::exists(database / name))
        return damaged(current, fmt::format("names '{}', which is not there", name));
    return database / name;
}

}  // namespace

Result<std::vector<DroppedEnd>> check_database_files(const fs::path& database, bool cut) {
    std::vector<DroppedEnd> dropped;
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator at(database, error), end; !error && at != end; at.increment(error))
        files.push_back(at->path());
    if (files.empty()) return dropped;  // RocksDB says what it can't read
    std::ranges::sort(files);
    VITALOG_TRY(const fs::path manifest, manifest_of(database, files));
    if (manifest.empty()) return dropped;
    VITALOG_TRY(const Found end, walk(manifest));
    if (end.end != End::Whole && end.end != End::Torn) return damaged_at(manifest, end.at);
    std::erase_if(files, [](const fs::path& path) { return !is_write_ahead_log(path); });
    std::ranges::sort(files, {}, [](const fs::path& path) { return std::stoull(path.stem()); });
    for (const fs::path& path : files) {
        VITALOG_TRY(const Found found, walk(path));
        const bool may_cut = cut && path == files.back();
        if (found.end == End::Altered || (found.end == End::Hidden && !may_cut))
            return damaged_at(path, found.at);
        if (found.end != End::Whole && found.size > found.good)
            dropped.push_back({path, found.good, found.size - found.good});
        if (found.end == End::Hidden) fs::resize_file(path, found.good, error);
        if (error)
            return fail(Errc::Io, fmt::format("cannot cut {}: {}", path.string(), error.message()));
    }
    return dropped;
}

}  // namespace vitalog::topology
