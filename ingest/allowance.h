#pragma once

#include <algorithm>
#include <chrono>

namespace vitalog::ingest {

/// So many things a second, and after a pause as many at once as one second holds (the generic cell
/// rate algorithm). One thread.
class Allowance {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// 0: no limit.
    explicit Allowance(double per_second)
        : each_(per_second > 0 ? static_cast<std::int64_t>(1e9 / per_second) : 0) {}

    /// How long until one more may go; 0: it may now.
    std::chrono::nanoseconds wait(Time now) const {
        if (each_.count() == 0) return {};
        const auto ahead = std::max(full_at_, now) + each_ - now;
        return std::max(std::chrono::nanoseconds(0), ahead - std::max(kBurst, each_));
    }
    void spend(Time now) {
        if (each_.count() > 0) full_at_ = std::max(full_at_, now) + each_;
    }
    /// Nothing of it is spent.
    bool full(Time now) const { return full_at_ <= now; }

  private:
    static constexpr std::chrono::nanoseconds kBurst = std::chrono::seconds(1);

    std::chrono::nanoseconds each_;  // what one takes; 0: no limit
    Time full_at_;
};

}  // namespace vitalog::ingest
