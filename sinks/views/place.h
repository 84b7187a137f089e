#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sinks/views/database.h"

namespace vitalog::sinks::sql {

// Where the views are kept: the path of a file of SQLite's, or "postgresql://..." for a database.

bool is_postgres(std::string_view place);

Result<std::unique_ptr<Connection>> open(const std::string& place, Mode mode,
                                         Tables tables = Tables::Live);
/// Drops what a rebuild that was broken off has left.
Result<void> drop_next(const std::string& place);
/// The tables that a rebuild has filled take the place of the live ones. No connection of this
/// process may be open to either; readers of PostgreSQL elsewhere go on with the new ones.
Result<void> switch_to_next(const std::string& place);

}  // namespace vitalog::sinks::sql
