#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/time.h"
#include "topology/simulate/city.h"

namespace vitalog::topology::simulate {

/// What a watch's cloud sends for one account: an answer of Huawei's sampleSet:polymerize.
struct Batch {
    std::string account;
    std::string json;
};

/// The city's watches, whose batches go out one after another at a steady rate. All wearers take
/// turns; a batch holds what was measured since the one before. One in fifty is held back and comes
/// a turn late, behind the newer one; one in fifty comes twice. The phone counts steps beside the
/// watch. Some wearers have nights of low oxygen. A function of (city, start, rate, turn): any
/// thread may ask for any turn.
class Watches {
  public:
    struct Pace {
        double batches_per_second = 1;
        std::size_t samples = 60;  ///< heart rates or saturations in a batch; fewer where turns are
                                   ///< short, at most one a second
    };
    Watches(const City& city, EventTime start, Pace pace);

    /// The batches of turn `n`, which is due n / batches_per_second after the start; none, one, or
    /// some late or repeated ones as well. All are of one account.
    std::vector<Batch> turn(std::uint64_t n) const;

  private:
    enum class Fate : std::uint8_t { Sent, HeldBack, Repeated };
    Fate fate(std::uint64_t wearer, std::uint64_t round) const;
    Batch batch(std::uint64_t wearer, std::uint64_t round, EventTime end) const;
    EventTime due(std::uint64_t n) const;

    const City& city_;
    const EventTime start_;
    const Pace pace_;
    const std::uint64_t wearers_;
    const std::uint64_t shuffle_;  ///< moves each round's order by a step without a common factor
};

}  // namespace vitalog::topology::simulate
