#pragma once

#include <atomic>

#include "schemas/base/ports.h"

namespace vitalog::topology {

/// The machine's time.
class SystemClock final : public Clock {
  public:
    LogTime now() const override;
};

/// Time that only moves when it is told to, forward; for tests, demonstrations and drills. Starts at the epoch.
class ManualClock final : public Clock {
  public:
    LogTime now() const override { return LogTime(micros_.load()); }
    /// OutOfRange when it would move back.
    Result<void> set(LogTime now);

  private:
    std::atomic<std::int64_t> micros_{0};
};

}  // namespace vitalog::topology
