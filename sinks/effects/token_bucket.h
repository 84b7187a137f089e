#pragma once

#include <algorithm>
#include <cstddef>

#include "schemas/base/time.h"

namespace vitalog::sinks {

/// Lets `rate` things pass per second, and up to `burst` at once after a pause. A clock set back
/// adds nothing. One thread.
class TokenBucket {
  public:
    TokenBucket(double rate, double burst)
        : rate_(rate), burst_(std::max(1.0, burst)), tokens_(burst_) {}

    /// As many of `wanted` as may pass now; `keep` stay for others.
    std::size_t take(std::size_t wanted, LogTime now, double keep = 0) {
        if (now > last_) {
            const double seconds = static_cast<double>((now - last_).count()) / 1e6;
            tokens_ = std::min(burst_, tokens_ + seconds * rate_);
        }
        last_ = now;
        const std::size_t granted =
            std::min(wanted, static_cast<std::size_t>(std::max(0.0, tokens_ - keep)));
        tokens_ -= static_cast<double>(granted);
        return granted;
    }
    void give_back(std::size_t unused) {
        tokens_ = std::min(burst_, tokens_ + static_cast<double>(unused));
    }

  private:
    const double rate_;
    const double burst_;
    double tokens_;
    LogTime last_;
};

}  // namespace vitalog::sinks
