#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/events/control.h"

namespace vitalog::processors {

/// The settings of desk, checked. Keys and defaults:
///   desk.default_team  ""       has the tasks whose team is empty or unknown
///   desk.deadline      60m      from opening to decision
///   desk.escalate      35m,50m  from opening: the duty doctor, then the duty group
///   desk.remind        15m      before the deadline: the owner is reminded; 0s: never
///   desk.keep          90d      how long after its last change a finished task still answers
///   site.zone          Asia/Shanghai  by whose clock shifts begin and end
struct DeskSettings {
    std::string default_team;
    std::chrono::microseconds deadline = std::chrono::minutes(60);
    std::vector<std::chrono::microseconds> escalate{std::chrono::minutes(35),
                                                    std::chrono::minutes(50)};
    std::chrono::microseconds remind = std::chrono::minutes(15);
    std::chrono::microseconds keep = std::chrono::hours(24 * 90);
    std::string zone = "Asia/Shanghai";

    static constexpr std::size_t kEscalationsMax = 2;

    /// Configuration: a value is not of its kind, or the steps do not rise or do not lie before the
    /// deadline.
    static Result<DeskSettings> from(const schemas::Settings& settings);
};

}  // namespace vitalog::processors
