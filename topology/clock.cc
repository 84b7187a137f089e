#include "topology/clock.h"

#include <chrono>

namespace vitalog::topology {

LogTime SystemClock::now() const {
    return LogTime(std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count());
}

Result<void> ManualClock::set(LogTime now) {
    std::int64_t before = micros_.load();
    do {
        if (now.micros() < before)
            return fail(Errc::OutOfRange, "the clock stands at " + to_rfc3339(before) + " and moves forward only");
    } while (!micros_.compare_exchange_weak(before, now.micros()));
    return {};
}

}  // namespace vitalog::topology
