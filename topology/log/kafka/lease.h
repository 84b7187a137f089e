#pragma once

#include <chrono>
#include <optional>

namespace vitalog::topology::kafka {

/// How long a member of a group may believe that it is one. The group answers a question of a
/// member, and refuses that of a former one; it lets nobody take over within a session's time of an
/// answer. So an answer counts for half a session from when its question was *asked*: whoever slept
/// meanwhile, or does not reach the group, knows that it no longer knows. The caller guards it.
class Lease {
  public:
    /// Since the machine's boot, counting the time that it slept.
    using Time = std::chrono::nanoseconds;

    explicit Lease(std::chrono::milliseconds session) : session_(session) {}

    /// True when the group is to be asked now; answered() or forget() follows. One at a time.
    bool begin(Time now) {
        if (asked_ || (last_ && now - *last_ < session_ / 10)) return false;
        asked_ = last_ = now;
        return true;
    }
    void answered(bool member) {
        if (member && asked_) until_ = *asked_ + session_ / 2;
        asked_.reset();
    }
    /// The question and what was believed; for a member that begins anew.
    void forget() { asked_ = last_ = until_ = std::nullopt; }
    bool holds(Time now) const { return until_ && now < *until_; }

  private:
    const std::chrono::milliseconds session_;
    std::optional<Time> asked_;  ///< the question that is not answered yet
    std::optional<Time> last_;
    std::optional<Time> until_;
};

}  // namespace vitalog::topology::kafka
