#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "topology/backtest/trial.h"

namespace vitalog::topology {

/// A task as desk gave it out, and who was on duty.
struct AssignedTask {
    std::string task;
    std::string team;
    std::vector<std::string>
        doctors;           ///< told of it; none: of low priority, or nobody is there to be told
    std::string shift;     ///< "08:00-20:00 mon tue"; "no shift" where the roster has none
    std::int64_t day = 0;  ///< on which the shift began, days since 1970-01-01 on the site's clock
    double shifts = 1;     ///< how often that shift is held in the stretch
};

/// Desk with the rosters of the past: gives the tasks of one side of a trial to those who were on
/// duty when each came. What doctors decided and what time brought is left out: a draft's tasks had
/// no doctor, and both sides are to be alike.
class DutyDesk {
  public:
    /// Reads rosters, zones and settings with their times. `from` and `to` bound the stretch.
    static Result<DutyDesk> read(const Log& log, const schemas::TopicNames& topics, LogTime from,
                                 LogTime to);

    std::vector<AssignedTask> assign(const std::vector<TrialTaskRecord>& records) const;

  private:
    struct Control {
        LogTime at;
        std::string kind;
        std::string name;
        std::string version;
        std::string body;
    };
    std::vector<Control> controls_;  // in the order of the log
    LogTime from_, to_;
};

}  // namespace vitalog::topology
