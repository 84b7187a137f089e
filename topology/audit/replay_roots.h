#pragma once

#include <string>
#include <vector>

#include "topology/audit/audit_log.h"

namespace vitalog::topology {

// Which feed records people mean by what they know of them: ids, sorted. NotFound where there is
// none.

/// The feed records that brought something about a person.
Result<std::vector<RecordId>> roots_of_person(const AuditLog& log, const std::string& person);
/// The feed records of the HL7 messages with this MSH-10, or the one of this id (32 hexadecimal
/// digits).
Result<std::vector<RecordId>> roots_of_message(const AuditLog& log, const std::string& message);
/// Of "topic/partition/offset" or "topic/partition/from..to" (not held): feed records themselves,
/// else those at the root.
Result<std::vector<RecordId>> roots_of_places(const AuditLog& log, const std::string& places);

}  // namespace vitalog::topology
