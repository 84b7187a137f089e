#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/events/directory.h"

namespace vitalog::processors {

/// The rosters in force: control records of kind "team", the last of a name counts.
class Teams {
  public:
    struct Team {
        std::vector<std::string> members;  ///< users
        std::string duty_doctor;
        std::string duty_group;
    };

    /// An empty body retires the team. Malformed or Conflict leaves everything as it was.
    Result<void> apply(std::string_view name, std::string_view body, schemas::Decoder& decoder);

    const Team* find(std::string_view name) const;
    bool has_user(std::string_view user) const;
    /// True when no team has a member: a site that keeps no rosters.
    bool nobody() const;

    /// The users behind a duty group: a team's members, else the user of that name.
    std::vector<std::string> group(std::string_view name) const;
    bool is_duty(const Team& team, std::string_view user) const;

  private:
    std::map<std::string, Team, std::less<>> teams_;
};

}  // namespace vitalog::processors
