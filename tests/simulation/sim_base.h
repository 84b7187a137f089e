#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/ports.h"

namespace vitalog::simulation {

/// All chance of a run: xoshiro256**, seeded by splitmix64. The same seed gives the same numbers
/// everywhere; no distribution of the standard library, whose results differ between libraries.
class Random {
  public:
    explicit Random(std::uint64_t seed) {
        for (auto& word : state_) {
            seed += 0x9e3779b97f4a7c15U;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
            word = z ^ (z >> 31);
        }
    }
    std::uint64_t next() {
        const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotated(state_[3], 45);
        return result;
    }
    /// 0 to n - 1; n is above 0.
    std::uint64_t pick(std::uint64_t n) { return next() % n; }
    std::int64_t between(std::int64_t first, std::int64_t last) {
        return first +
               static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(last - first + 1)));
    }
    bool chance(unsigned per_mille) { return pick(1000) < per_mille; }
    template <class T>
    const T& of(const std::vector<T>& choices) {
        return choices[pick(choices.size())];
    }

  private:
    static std::uint64_t rotated(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
    std::uint64_t state_[4];
};

/// What happened, line by line; costs nothing while nobody reads it.
class Trace {
  public:
    explicit Trace(bool on) : on_(on) {}
    template <class... Args>
    void say(fmt::format_string<Args...> text, Args&&... args) {
        if (on_) fmt::print("{}\n", fmt::format(text, std::forward<Args>(args)...));
    }

  private:
    const bool on_;
};

/// A clock of one machine: the world's time, and how far this machine's is off.
class SimClock final : public Clock {
  public:
    explicit SimClock(const LogTime& world) : world_(world) {}
    LogTime now() const override { return world_ + off_; }
    void set_off(std::chrono::microseconds off) { off_ = off; }
    std::chrono::microseconds off() const { return off_; }

  private:
    const LogTime& world_;
    std::chrono::microseconds off_{0};
};

/// The process ends here, as by kill -9: thrown out of a call to the log or to a provider.
struct Died {};

}  // namespace vitalog::simulation
