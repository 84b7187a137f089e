#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schemas/base/ids.h"

namespace vitalog::topology::simulate {

/// Chance that is the same on every machine: SplitMix64 (Steele, Lea, Flood: Fast splittable
/// pseudorandom number generators, OOPSLA 2014), begun at a hash of the seed and of what it is for.
/// The standard library's distributions are each vendor's own, so none is used.
class Dice {
  public:
    /// `purpose` and the numbers keep the dice apart: what one of them decides does not move
    /// another.
    Dice(std::uint64_t seed, std::string_view purpose, std::uint64_t a = 0, std::uint64_t b = 0)
        : state_(mixed(mixed(mixed(seed ^ hash64(purpose)) + a) + b)) {}

    std::uint64_t next() { return mixed(state_ += kStep); }
    /// In [0, bound); bound is at least 1.
    std::uint64_t below(std::uint64_t bound) {
        return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64U);
    }
    /// In [least, most].
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least +
               static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
    }
    /// In [least, most], the middle far more often than the ends.
    std::int64_t about(std::int64_t least, std::int64_t most) {
        return (between(least, most) + between(least, most) + between(least, most)) / 3;
    }
    /// True this many times in a thousand.
    bool chance(std::uint64_t in_thousand) { return below(1000) < in_thousand; }
    template <class List>
    const auto& pick(const List& list) {
        return list[static_cast<std::size_t>(below(list.size()))];
    }

  private:
    static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;
    static constexpr std::uint64_t mixed(std::uint64_t z) {
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EB;
        return z ^ (z >> 31U);
    }

    std::uint64_t state_;
};

}  // namespace vitalog::topology::simulate
