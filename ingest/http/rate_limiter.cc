#include "ingest/http/rate_limiter.h"

namespace vitalog::ingest {
namespace {

constexpr std::string_view kOthers;  // no caller is called so

}  // namespace

std::chrono::nanoseconds RateLimiter::take(std::string_view caller, Allowance::Time now) {
    if (rate_ <= 0) return {};
    const std::lock_guard lock(mutex_);
    auto found = callers_.find(caller);
    if (found == callers_.end()) {
        if (callers_.size() >= kCallersMax)
            std::erase_if(callers_, [&](const auto& entry) { return entry.second.full(now); });
        const std::string_view name = callers_.size() < kCallersMax ? caller : kOthers;
        found = callers_.try_emplace(std::string(name), rate_).first;
    }
    const auto wait = found->second.wait(now);
    if (wait.count() == 0) found->second.spend(now);
    return wait;
}

}  // namespace vitalog::ingest
