#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "topology/runtime/runtime.h"

namespace vitalog::topology {

/// Knows how far each stage has come: lag, and "tell me when what I appended is applied everywhere". Thread-safe.
class Flow {
  public:
    /// How far a reader outside the runtime (views) has come in one partition.
    using ReaderPosition = std::function<Offset(const TopicPartition&)>;

    Flow(const Runtime& runtime, Log& log, const schemas::TopicNames& topics);
    ~Flow();
    void set_views(std::vector<schemas::Topic> reads, ReaderPosition position);
    void set_effects_lag(std::function<std::uint64_t()> lag);

    /// Records each stage has still to apply, by stage; "views" among them.
    std::map<std::string, std::uint64_t> lag() const;
    std::uint64_t effects_lag() const;

    /// Calls `done`, from a thread of its own, once everything in the log at the time of the call, and everything that
    /// follows from it, is applied by every stage and shown by the views.
    void when_applied(std::function<void()> done);
    /// Blocks until nothing is left to do at `now`: no lag, no timer due. False after the time-out.
    bool settle(ReceivedTime now, std::chrono::milliseconds timeout);

  private:
    struct Waiter {
        std::size_t step = 0;
        std::map<TopicPartition, Offset> until;  // ends of the step's inputs when it was entered
        bool entered = false;
        std::function<void()> done;
    };

    std::map<TopicPartition, Offset> committed_of(std::string_view stage) const;
    std::map<std::string, std::uint64_t> lag_once() const;
    std::uint64_t stage_lag(std::string_view stage) const;
    bool idle(ReceivedTime now) const;
    bool advance(Waiter& waiter) const;
    void work();

    const Runtime& runtime_;
    Log& log_;
    const schemas::TopicNames& topics_;
    std::vector<schemas::Topic> view_reads_;
    ReaderPosition view_position_;
    std::function<std::uint64_t()> effects_lag_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Waiter> waiters_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace vitalog::topology
