#pragma once

#include "sinks/views/database.h"

namespace vitalog::sinks::sql {

/// The views in a PostgreSQL database, in the schema `vitalog`, or `vitalog_next` while a rebuild
/// fills it. Mode::Write creates the schema. Commits do not wait for the disk (sync() does).
/// Unsupported, as an error of a statement, for values that the database does not take.
Result<std::unique_ptr<Connection>> open_postgres(const std::string& url, Mode mode, Tables tables);

/// Drops the schemas that a rebuild has left; puts `vitalog_next` in the place of `vitalog`.
Result<void> drop_postgres_next(const std::string& url);
Result<void> switch_postgres(const std::string& url);

}  // namespace vitalog::sinks::sql
