#pragma once

#include <pthread.h>

#include <cstddef>

namespace vitalog {

/// Names the calling thread for `top -H`, perf and debuggers; Linux keeps 15 characters.
template <std::size_t N>
void name_thread(const char (&name)[N]) {
    static_assert(N <= 16, "Linux keeps 15 characters of a thread's name");
    (void)pthread_setname_np(pthread_self(), name);
}

}  // namespace vitalog
