#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ingest/http/metrics.h"
#include "schemas/events/operation.h"
#include "topology/flow.h"
#include "topology/operator/alarm_rules.h"

namespace vitalog::topology {

/// Looks at the site once a second and says what is wrong: `vitalog_alarm{name}` in /metrics, a
/// line in the log, and a record in feed.operation, which intake turns into a task of the duty
/// operators. Alarms outlive the process. Owns a thread; borrows everything else. Thread-safe.
class AlarmWatcher {
  public:
    struct Ports {
        Log& log;
        const Flow& flow;
        const schemas::TopicNames& topics;
        const Clock& clock;
        ingest::MetricsRegistry& metrics;
        std::vector<std::filesystem::path> folders;  ///< whose disks are watched
        std::function<Duty()> duty;  ///< who raises alarms; in another turn it says nothing more
    };
    /// Reads which alarms stand and when each feed was last heard, then watches.
    static Result<std::unique_ptr<AlarmWatcher>> start(AlarmSettings settings, Ports ports);
    ~AlarmWatcher();

    std::map<std::string, Alarm> alarms() const;

  private:
    AlarmWatcher(AlarmSettings settings, Ports ports, std::map<std::string, LogTime> heard);
    Result<void> restore();
    Readings read() const;
    void round();
    Result<void> say(const AlarmChange& change);
    bool on_duty() const;
    void work();

    const Ports ports_;
    const std::string team_;
    const std::uint64_t turn_;         // of the duty, before it looked which alarms stand
    AlarmRules rules_;                 // of the thread
    AlarmBook book_;                   // of the thread
    std::vector<AlarmChange> unsaid_;  // of the thread: not yet in the log

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, Alarm> alarms_;  // guarded by mutex_
    bool stopping_ = false;                // guarded by mutex_
    std::thread thread_;
};

}  // namespace vitalog::topology
