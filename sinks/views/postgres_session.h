#pragma once

#include <cstdint>
#include <string>

#include "schemas/base/result.h"

namespace vitalog::sinks::sql {

/// What the parts of the PostgreSQL driver do on its connection, inside its transaction where there
/// is one.
class PostgresSession {
  public:
    virtual ~PostgresSession() = default;
    virtual Result<void> run(const std::string& statements) = 0;
    /// The first column of the first row.
    virtual Result<std::int64_t> ask(const std::string& query) = 0;
    /// COPY of rows in its text format, lines separated by '\n'.
    virtual Result<void> copy(const std::string& table, const std::string& columns,
                              const std::string& rows) = 0;
};

}  // namespace vitalog::sinks::sql
