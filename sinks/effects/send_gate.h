#pragma once

#include <mutex>
#include <set>
#include <string>

#include "sinks/effects/token_bucket.h"

namespace vitalog::sinks {

/// What the lanes of one channel share: the provider's rate, of which a part is kept for messages
/// of priority high, and which addresses a send is under way to. Thread-safe.
class SendGate {
  public:
    struct Options {
        double rate_per_second = 100;  ///< of the provider
        double reserve = 0;            ///< share of it, 0 to below 1, that only high ones may use
        bool one_at_a_time = false;    ///< per address (WeChat: 43108)
    };

    explicit SendGate(Options options)
        : options_(options),
          kept_(options.rate_per_second * options.reserve),
          bucket_(options.rate_per_second, std::max(1.0, options.rate_per_second) + kept_) {}

    /// As many of `wanted` as may be sent now.
    std::size_t take(std::size_t wanted, bool high, LogTime now) {
        const std::lock_guard lock(mutex_);
        return bucket_.take(wanted, now, high ? 0 : kept_);
    }
    void give_back(std::size_t unused) {
        const std::lock_guard lock(mutex_);
        bucket_.give_back(unused);
    }
    /// False: another send to the address is under way. Else leave() it afterwards.
    bool enter(const std::string& address) {
        if (!options_.one_at_a_time) return true;
        const std::lock_guard lock(mutex_);
        return busy_.insert(address).second;
    }
    void leave(const std::string& address) {
        if (!options_.one_at_a_time) return;
        const std::lock_guard lock(mutex_);
        busy_.erase(address);
    }

  private:
    const Options options_;
    const double kept_;
    std::mutex mutex_;
    TokenBucket bucket_;          // guarded by mutex_
    std::set<std::string> busy_;  // guarded by mutex_
};

}  // namespace vitalog::sinks
