#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sinks/views/view_store.h"

namespace vitalog::sinks::views {

/// Where a request waits until the desk has judged its decision and the views show it. Thread-safe.
/// Judgements are kept for a while, so that one that comes before its waiter is found.
class JudgementBoard {
  public:
    using Done = std::function<void(std::optional<Judged>)>;  ///< nothing: it took too long
    static constexpr std::size_t kRecentMax = 16'384;

    /// Calls `done` once: at once, from the thread that posts, or from the one that expires.
    void wait(const std::string& root, std::chrono::milliseconds timeout, Done done);
    void post(std::vector<Judged> judged);
    /// Ends the waits whose time is over; all of them when `everything`.
    void expire(bool everything = false);

  private:
    struct Waiter {
        std::chrono::steady_clock::time_point until;
        Done done;
    };

    std::mutex mutex_;
    std::unordered_multimap<std::string, Waiter> waiters_;
    std::unordered_map<std::string, Judged> recent_;
    std::deque<std::string> order_;
};

}  // namespace vitalog::sinks::views
