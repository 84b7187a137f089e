#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "ingest/allowance.h"

namespace vitalog::ingest {

/// An allowance of requests for each caller. Who has all of it left is forgotten. Thread-safe.
class RateLimiter {
  public:
    /// Callers remembered; those beyond share one allowance.
    static constexpr std::size_t kCallersMax = 10'000;

    /// 0: no limit.
    explicit RateLimiter(double requests_per_second) : rate_(requests_per_second) {}

    /// 0: the caller may go on, and has one less. Otherwise how long it must wait.
    std::chrono::nanoseconds take(std::string_view caller, Allowance::Time now);

  private:
    const double rate_;
    std::mutex mutex_;
    std::map<std::string, Allowance, std::less<>> callers_;  // guarded by mutex_
};

}  // namespace vitalog::ingest
