#pragma once

#include <string>

#include "topology/audit/audit_log.h"

namespace vitalog::topology {

/// What care made, and makes again, of the records of one person.
struct PersonFoldSpec {
    std::string person;
    std::optional<LogTime> to = std::nullopt;  ///< what the log took from then on is left out
    ProcessorFactory make_processor;           ///< of care
};

/// Recomputes care for one person from the beginning of the log; gives the number of records read.
/// Unsupported where retention has dropped what the person's state rests on.
Result<std::uint64_t> fold_person(const AuditLog& log, PersonFoldSpec spec,
                                  const Fold::Visit& visit);

}  // namespace vitalog::topology
