#include "sinks/views/judgement_board.h"

namespace vitalog::sinks::views {

using std::chrono::steady_clock;

void JudgementBoard::wait(const std::string& root, std::chrono::milliseconds timeout, Done done) {
    std::optional<Judged> known;
    {
        const std::lock_guard lock(mutex_);
        const auto found = recent_.find(root);
        if (found == recent_.end()) {
            waiters_.emplace(root, Waiter{steady_clock::now() + timeout, std::move(done)});
            return;
        }
        known = found->second;
    }
    done(std::move(known));
}

void JudgementBoard::post(std::vector<Judged> judged) {
    std::vector<std::pair<Done, Judged>> ready;
    {
        const std::lock_guard lock(mutex_);
        for (auto& one : judged) {
            const auto [first, last] = waiters_.equal_range(one.root);
            for (auto waiter = first; waiter != last; ++waiter)
                ready.emplace_back(std::move(waiter->second.done), one);
            waiters_.erase(first, last);
            const std::string root = one.root;
            if (recent_.insert_or_assign(root, std::move(one)).second) order_.push_back(root);
        }
        while (order_.size() > kRecentMax) {
            recent_.erase(order_.front());
            order_.pop_front();
        }
    }
    for (auto& [done, one] : ready) done(std::move(one));
}

void JudgementBoard::expire(bool everything) {
    std::vector<Done> over;
    {
        const std::lock_guard lock(mutex_);
        const auto now = steady_clock::now();
        for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
            if (!everything && waiter->second.until > now) {
                ++waiter;
                continue;
            }
            over.push_back(std::move(waiter->second.done));
            waiter = waiters_.erase(waiter);
        }
    }
    for (auto& done : over) done(std::nullopt);
}

}  // namespace vitalog::sinks::views
