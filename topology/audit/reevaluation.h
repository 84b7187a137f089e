#pragma once

#include <string>
#include <vector>

#include "topology/audit/audit_log.h"

namespace vitalog::topology {

/// An alert decided again from the log: every record of its episode, and whether the care stage, given what it read about
/// this person, makes the same bytes.
struct Reevaluation {
    struct Record {
        std::string place;  ///< topic/partition/offset; empty: it is made, and not in the log
        std::string id;
        std::string state, priority, rule, rule_version, pack, occurred, reason;
        bool same = false;
    };
    std::string person;
    std::uint64_t inputs = 0;  ///< records about the persons that were read
    std::vector<Record> records;

    bool agrees() const;
};

/// NotFound where the log has no such alert; Unsupported where retention has dropped what the persons' state rests on.
Result<Reevaluation> reevaluate_alert(const AuditLog& log, const std::string& alert);

}  // namespace vitalog::topology
