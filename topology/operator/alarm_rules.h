#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "topology/config.h"
#include "topology/operator/alarm_book.h"

namespace vitalog::topology {

/// The keys alarms.* and log.disk_reserve.
struct AlarmSettings {
    std::string team;
    std::map<std::string, std::chrono::microseconds> silence;  ///< by feed topic
    std::int64_t dead_letter_percent = 5;
    std::uint64_t lag = 20'000;
    std::int64_t send_failure_percent = 20;
    std::chrono::microseconds hold{0};
    std::chrono::microseconds window{0};
    std::uint64_t disk_reserve = 0;  ///< 0: the disk is not watched

    /// Configuration: names the key and what to write.
    static Result<AlarmSettings> from(const Config& config);
};

/// What the site's numbers are at one moment. Counts only rise while the process lives.
struct Readings {
    struct Sends {
        std::int64_t sent = 0;
        std::int64_t failed = 0;
        bool held = false;  ///< the provider does not answer, sends wait
    };
    LogTime now;
    std::map<std::string, std::int64_t> feeds;  ///< records ever appended, by feed topic
    std::int64_t dead_letters = 0;
    std::map<std::string, std::uint64_t> lag;   ///< by stage
    std::map<std::string, Sends> sends;         ///< by channel
    std::map<std::string, std::uint64_t> free;  ///< bytes, by folder
};

/// Turns readings into findings: every limit, with another one to clear by. Knows no clock. One
/// thread.
class AlarmRules {
  public:
    static constexpr std::int64_t kDeadLettersLeast = 10;  ///< fewer in a window say nothing
    static constexpr std::int64_t kFailuresLeast = 5;

    /// `heard`: when each watched feed last took a record; one that never did is silent since the first readings.
    AlarmRules(AlarmSettings settings, std::map<std::string, LogTime> heard)
        : settings_(std::move(settings)), heard_(std::move(heard)) {}

    std::vector<Finding> judge(Readings readings);

  private:
    void silence(const Readings& now, std::vector<Finding>& out);
    void dead_letters(const Readings& now, const Readings& then, std::vector<Finding>& out) const;
    void lag(const Readings& now, std::vector<Finding>& out) const;
    void sends(const Readings& now, const Readings& then, std::vector<Finding>& out) const;
    void disk(const Readings& now, std::vector<Finding>& out) const;

    const AlarmSettings settings_;
    std::map<std::string, LogTime> heard_;
    std::deque<Readings> window_;  // the first is the one that the last is compared with
};

}  // namespace vitalog::topology
