#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "topology/audit/audit_log.h"

namespace vitalog::topology {

/// How a rule stood with a person at a moment: what care itself found when it last judged it, told
/// by the processor as it reads the person's records again.
struct WhyNot {
    enum class Reason : std::uint8_t {
        Fired,         ///< an episode is open, and has what the rule asks for
        NoTask,        ///< an episode is open, recorded without a task: late, or the person died
        Inhibited,     ///< an episode is open, and another one keeps it from making a task
        NotInForce,    ///< no pack in force has such a rule
        Merged,        ///< the person had become part of another
        Missing,       ///< nothing that it looks at was known
        Stale,         ///< what is known is too old to count
        OtherUnit,     ///< its value came in a unit that it does not judge
        WithinLimits,  ///< judged, and not met
        TooFew,        ///< a window with too few values, or over too short a time
        Waiting,       ///< met, and not yet for as long as it asks
        Quiet,         ///< met, and cooling down after an episode that ended
        NotWatched,    ///< silence, where nothing was to be heard
        Heard          ///< silence, and something was heard
    };
    Reason reason = Reason::Missing;
    std::vector<std::string> lines;                ///< what was found, with its numbers
    std::string rule_version, pack, pack_version;  ///< in force at the moment
    std::uint64_t inputs = 0;                      ///< records about the person that were read

    bool fired() const { return reason <= Reason::Inhibited; }
};
std::string_view to_string(WhyNot::Reason reason);

/// As of what the log took up to `at`, or all of it. NotFound where it has nothing about the person
/// by then; Unsupported where retention has dropped what the person's state rests on.
Result<WhyNot> why_not(const AuditLog& log, const std::string& person, const std::string& rule,
                       std::optional<LogTime> at);

}  // namespace vitalog::topology
