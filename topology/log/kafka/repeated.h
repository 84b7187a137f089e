#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "schemas/base/thread_name.h"

namespace vitalog::topology::kafka {

/// Does some work again and again on a thread of its own, with a pause after each time. Ends when
/// it is destroyed, after the work on its way. As a member it is the last one: the work uses the
/// others.
class Repeated {
  public:
    template <std::size_t N>
    Repeated(const char (&name)[N], std::chrono::milliseconds pause, std::function<void()> work)
        : thread_([this, &name, pause, work = std::move(work)] {
              name_thread(name);
              run(pause, work);
          }) {}
    ~Repeated() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    /// For work of several parts, between them.
    bool stopping() const {
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

  private:
    void run(std::chrono::milliseconds pause, const std::function<void()>& work) {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            lock.unlock();
            work();
            lock.lock();
            wake_.wait_for(lock, pause, [this] { return stopping_; });
        }
    }

    mutable std::mutex mutex_;  // guards the flag
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace vitalog::topology::kafka
