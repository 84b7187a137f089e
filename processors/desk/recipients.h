#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "processors/desk/task_entity.h"
#include "processors/desk/teams.h"

namespace vitalog::processors {

/// Who hears about a task. Points at the rosters in force; lives for one call.
class Recipients {
  public:
    Recipients(const Teams& teams, std::string_view default_team, const WallTime& when)
        : teams_(teams), default_team_(default_team), when_(when) {}

    /// The doctor who has the task, else those who could take it: the team's members, and for a
    /// task of priority high the doctor of the shift too.
    std::vector<std::string> assigned(const TaskEntity& task) const;
    /// Escalation: the duty doctor, then the duty group; at the deadline both, and the owner. A
    /// post that nobody holds falls to the other, then to the whole team: an escalation never goes
    /// to nobody while there is somebody. A reminder goes to the owner.
    std::vector<std::string> struck(const TaskEntity& task, const Strike& strike) const;

  private:
    const Teams& teams_;
    const std::string_view default_team_;
    const WallTime when_;
};

}  // namespace vitalog::processors
