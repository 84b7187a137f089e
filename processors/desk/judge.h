#pragma once

#include <string>
#include <string_view>

#include "processors/desk/task_entity.h"
#include "processors/desk/teams.h"

namespace vitalog::processors {

/// What desk says to one decision. 200: it takes force. 409: the task's state or the roster forbids
/// it. 422: the decision itself lacks something.
struct Verdict {
    int status = 200;
    std::string message;  ///< why not
    std::string to_user;  ///< hand-over: the doctor who has the task now
    std::string to_team;  ///< hand-over: the team that has to find a doctor
};

/// The longest text or reason of a decision, in bytes.
inline constexpr std::size_t kDecisionTextMax = 4096;

/// The user of whoever does not say who they are. There is one only where the server runs without
/// tokens, on loopback: there every name is only a claim, and a roster could not keep anybody out.
inline constexpr std::string_view kAnonymous = "anonymous";

/// Judges a decision about a known task as it stands; changes nothing.
///
/// A doctor of the task's team, its duty doctor or a member of its duty group may decide; so may
/// anybody where the team is unknown or has no members, and kAnonymous. Who has accepted a task has
/// it alone, but after an escalation those on duty may hand it over, to themselves too: a task must
/// not die with an absent owner.
Verdict judge(const TaskEntity& task, const schemas::Decision& decision, const Teams& teams);

}  // namespace vitalog::processors
