#pragma once

#include <string>

namespace vitalog::sinks::views {

/// Raised when the tables change; a file of another version is rebuilt from the log, not migrated.
inline constexpr int kSchemaVersion = 4;
/// "VTLG": PRAGMA application_id, the magic of the file.
inline constexpr int kApplicationId = 0x56544c47;

/// The tables and indices of the views.
extern const char* const kSchema;

}  // namespace vitalog::sinks::views
