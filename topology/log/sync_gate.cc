#include "topology/log/sync_gate.h"

namespace vitalog::topology {

Result<void> SyncGate::sync() {
    const std::uint64_t target = written_.load(std::memory_order_acquire);
    std::unique_lock lock(mutex_);
    while (!failure_ && synced_ < target) {
        if (running_) {
            finished_.wait(lock);
            continue;
        }
        running_ = true;
        const std::uint64_t covers = written_.load(std::memory_order_acquire);
        lock.unlock();
        const Result<void> done = fsync_();
        fsyncs_.fetch_add(1, std::memory_order_relaxed);
        lock.lock();
        running_ = false;
        if (done) {
            synced_ = covers;
        } else {
            failure_ = done.error();
        }
        finished_.notify_all();
    }
    if (failure_) return tl::unexpected(*failure_);
    return {};
}

}  // namespace vitalog::topology
