#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schemas/base/time.h"
#include "schemas/events/care.h"

namespace vitalog::topology {

/// What one look at one thing said. Between the raise and the clear limit nothing changes.
struct Finding {
    enum class Level : std::uint8_t { Good, Between, Bad };
    std::string name;  ///< "silence:feed.his", "lag:care", ...
    Level level = Level::Good;
    std::string problem;  ///< for whoever deals with it, when bad
    schemas::Priority priority = schemas::Priority::Medium;
    std::chrono::microseconds hold{0};  ///< how long it must last before it counts, either way
};

/// A thing that is watched, and whether its alarm stands.
struct Alarm {
    bool raised = false;
    LogTime since;  ///< when the condition began, while raised
    std::string problem;
    schemas::Priority priority = schemas::Priority::Medium;
};

/// An alarm that was raised or cleared.
struct AlarmChange {
    std::string name;
    Alarm alarm;  ///< as it is now; cleared: with the `since` that it had
};

/// Which alarms stand. Knows no clock; what it says follows from what it was shown. One thread.
class AlarmBook {
  public:
    /// An alarm that stood when the process ended.
    void restore(const std::string& name, Alarm alarm);
    /// One round of looks. An alarm whose thing is no longer watched is cleared.
    std::vector<AlarmChange> see(const std::vector<Finding>& findings, LogTime now);
    /// Everything watched or raised, by name.
    std::map<std::string, Alarm> alarms() const;

  private:
    struct Entry {
        Alarm alarm;
        Finding::Level level = Finding::Level::Good;
        std::optional<LogTime> level_since;  // nothing: not looked at since the start
    };
    static std::optional<AlarmChange> judge(const Finding& finding, Entry& entry, LogTime now);

    std::map<std::string, Entry> entries_;
};

}  // namespace vitalog::topology
