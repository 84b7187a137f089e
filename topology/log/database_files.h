#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::topology {

/// Bytes behind the last whole record of a write-ahead log: what a write that was cut short leaves.
struct DroppedEnd {
    std::filesystem::path file;
    std::uint64_t from = 0;
    std::uint64_t bytes = 0;
};

/// Looks at RocksDB's own logs (the MANIFEST and the write-ahead logs) before RocksDB opens them,
/// and finds what its reader takes for the end of a file, or passes over, though it is damage:
///   - a record whose length or type was changed, but which is there whole under another one;
///   - a MANIFEST that ends in anything but a whole record or one that was cut short;
///   - a hole in a write-ahead log: zeros, and then more. In the newest one a loss of power leaves
///     that; with `cut` it is cut off there, so that nothing behind the hole is taken without what
///     was in it;
///   - CURRENT missing beside data, or naming no file.
/// Gives what is behind the last whole record of each write-ahead log: that end can't be told from
/// a torn write, and is dropped where nobody was promised it (DataDirectory::check_synced). Form of
/// the files: "Write Ahead Log File Format" in RocksDB's wiki. Damaged names the file; Io.
Result<std::vector<DroppedEnd>> check_database_files(const std::filesystem::path& database,
                                                     bool cut);

}  // namespace vitalog::topology
