#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vitalog::ingest {

/// A few threads behind a bounded queue. Thread-safe.
class WorkerPool {
  public:
    using Job = std::function<void()>;

    WorkerPool(unsigned threads, std::size_t queue_limit);
    ~WorkerPool() { stop(); }
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// False when the queue is full or the pool stops.
    bool submit(Job job);
    /// Drops what has not begun, waits for what has.
    void stop();

  private:
    void run();

    const std::size_t queue_limit_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> queue_;  // guarded by mutex_
    bool stopping_ = false;  // guarded by mutex_
    std::vector<std::thread> threads_;
};

}  // namespace vitalog::ingest
