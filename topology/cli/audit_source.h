#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "topology/audit/audit_log.h"
#include "topology/cli/cli.h"

namespace vitalog::topology::cli {

/// The log that --data-dir names, or else the cluster of the configuration. Configuration where neither is said.
Result<std::unique_ptr<AuditLog>> open_audit_log(const Arguments& arguments);
/// An RFC 3339 time; nullopt where the flag is not there. Configuration.
Result<std::optional<LogTime>> time_flag(const Arguments& arguments, std::string_view flag);

/// The commands that read a log so; `explain --data-dir` does too.
extern const Command kAudit, kReplay;

}  // namespace vitalog::topology::cli
