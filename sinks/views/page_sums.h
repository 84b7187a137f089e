#pragma once

#include <string>

namespace vitalog::sinks::sql {

/// Bytes at the end of each page of the file that hold its checksum.
inline constexpr int kPageSumBytes = 8;

/// Registers with SQLite, once, a file system that writes a checksum into the reserved bytes of
/// each page of a database and checks it at each read, and gives its name. SQLite itself has none.
/// A page that fails is SQLITE_IOERR_DATA. Form: that of SQLite's extension "cksumvfs", which
/// Debian does not build; pages in the write-ahead log have SQLite's own checksums.
const char* checked_file_system();

/// True once after a page that this thread read has failed its checksum. SQLite may report another
/// error of the disk then.
bool take_failed_page();

/// True when there is no write-ahead log beside a database, or its first 32 bytes are what SQLite
/// wrote: with others it would be passed over as if it were not there.
bool write_ahead_log_begins_whole(const std::string& database);

}  // namespace vitalog::sinks::sql
