#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/events/directory.h"
#include "schemas/shift.h"
#include "schemas/zone_rule.h"

namespace vitalog::processors {

/// What clock and calendar on the wall say.
struct WallTime {
    int weekday = 0;  ///< 0 Monday to 6 Sunday
    int minute = 0;   ///< since midnight

    static WallTime at(ReceivedTime time, const schemas::ZoneRule& zone);
};

/// The rosters in force: control records of kind "team", the last of a name counts.
class Teams {
  public:
    struct Team {
        std::vector<std::string> members;  ///< users
        std::string duty_doctor;           ///< where no shift names one
        std::string duty_group;
        std::vector<schemas::Shift> shifts;
    };
    /// Who is on duty at one moment. Points into the roster.
    struct Duty {
        std::string_view doctor;
        std::string_view group;
        bool by_shift = false;  ///< a shift names the doctor
    };

    /// An empty body retires the team. Malformed, Missing, TooLarge or Conflict leaves everything
    /// as it was.
    Result<void> apply(std::string_view name, std::string_view body, schemas::Decoder& decoder);

    const Team* find(std::string_view name) const;
    bool has_user(std::string_view user) const;
    /// True when no team has a member: a site that keeps no rosters.
    bool nobody() const;

    /// The users behind a duty group: a team's members, else the user of that name.
    std::vector<std::string> group(std::string_view name) const;
    static Duty duty(const Team& team, const WallTime& when);
    /// On the team's roster of duty at any hour: whoever was called in may still act once the shift
    /// is over.
    bool is_duty(const Team& team, std::string_view user) const;

  private:
    std::map<std::string, Team, std::less<>> teams_;
};

}  // namespace vitalog::processors
