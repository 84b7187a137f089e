#pragma once

#include "sinks/views/database.h"

namespace vitalog::sinks::sql {

/// The views in one SQLite file, in WAL mode. Mode::Write creates it. Io, Damaged.
Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, Mode mode);

/// Deletes a file that nothing has open, or moves it to where another was.
Result<void> drop_sqlite(const std::string& path);
Result<void> move_sqlite(const std::string& from, const std::string& to);

/// Bytes that the process's connections hold, pages they keep included.
std::int64_t sqlite_memory_bytes();

}  // namespace vitalog::sinks::sql
