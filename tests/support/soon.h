#pragma once

#include <chrono>
#include <thread>

namespace vitalog::tests {

/// Whether it holds within a minute: a limit, never how long it is expected to take.
template <class Holds>
bool soon(Holds holds) {
    using namespace std::chrono_literals;
    for (int i = 0; i < 60'000 && !holds(); ++i) std::this_thread::sleep_for(1ms);
    return holds();
}

}  // namespace vitalog::tests
