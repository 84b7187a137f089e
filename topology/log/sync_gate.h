#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "schemas/base/result.h"

namespace vitalog::topology {

/// Makes what was written durable, one fsync for all who wait: who comes while one runs shares the
/// next. After a failed fsync nothing is known of what is on disk, so the failure stands for ever.
/// Thread-safe.
class SyncGate {
  public:
    explicit SyncGate(std::function<Result<void>()> fsync) : fsync_(std::move(fsync)) {}

    /// Something was written; sync() from now on covers it.
    void note_write() { written_.fetch_add(1, std::memory_order_release); }
    /// Returns once all writes noted before the call are on disk.
    Result<void> sync();
    std::uint64_t fsyncs() const { return fsyncs_.load(std::memory_order_relaxed); }

  private:
    const std::function<Result<void>()> fsync_;
    std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint64_t> fsyncs_{0};

    std::mutex mutex_;  // guards what follows
    std::condition_variable finished_;
    std::uint64_t synced_ = 0;
    bool running_ = false;
    std::optional<Error> failure_;
};

}  // namespace vitalog::topology
