#pragma once

#include <atomic>
#include <chrono>

#include "schemas/base/ports.h"

namespace vitalog::sinks {

/// Time that moves when it is told to. Any thread.
class SetClock final : public Clock {
  public:
    explicit SetClock(LogTime begin = LogTime(1'795'243'556'000'000)) : micros_(begin.micros()) {}
    LogTime now() const override { return LogTime(micros_); }
    void advance(std::chrono::microseconds by) { micros_ += by.count(); }

  private:
    std::atomic<std::int64_t> micros_;
};

}  // namespace vitalog::sinks
