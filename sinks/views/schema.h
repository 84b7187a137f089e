#pragma once

#include <string>

#include "sinks/views/database.h"

namespace vitalog::sinks::views {

/// Raised when the tables change; those of another version are rebuilt from the log, not migrated.
inline constexpr std::int64_t kSchemaVersion = 4;

/// The tables and indices of the views, as statements.
std::string schema_for(sql::Dialect dialect);

}  // namespace vitalog::sinks::views
