#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "schemas/base/binary.h"

namespace vitalog::processors::care {

/// Which moments of one source were seen, so that the same sample again has no effect. A moment
/// that was seen is known until it is forgotten. While they fit in kRunsMax runs of even steps
/// nothing else is; beyond that runs are joined to spans in which every moment counts as seen, the
/// closest and the longest past first. Times are milliseconds since the epoch.
class SeenTimes {
  public:
    static constexpr std::size_t kRunsMax = 48;
    static constexpr std::int64_t kStepMax = 10 * 60 * 1000;  ///< of a run, in milliseconds

    /// False when the moment counts as seen already.
    bool insert(std::int64_t at);
    /// Forgets what lies wholly before.
    void forget_before(std::int64_t at);
    void absorb(const SeenTimes& other);
    void clear() { runs_.clear(); }

    bool empty() const { return runs_.empty(); }
    std::int64_t newest() const { return runs_.back().last; }

    void encode(BinaryWriter& out) const;
    /// False when the bytes do not follow the format.
    bool decode(BinaryReader& in);

  private:
    /// One moment (first == last), moments `step` apart, or with step 0 every moment of the span.
    struct Run {
        std::int64_t first = 0;
        std::int64_t last = 0;
        std::int64_t step = 0;

        bool single() const { return first == last; }
        bool has(std::int64_t at) const { return step == 0 || (at - first) % step == 0; }
    };
    static Run run_between(std::int64_t first, std::int64_t last, std::int64_t step);
    static bool extends(const Run& run, std::int64_t distance);
    struct Loss {
        std::int64_t gap;
        std::int64_t age;
        bool less_than(const Loss& other) const {
            return static_cast<__int128>(gap) * other.age < static_cast<__int128>(other.gap) * age;
        }
    };
    Loss loss_at(std::size_t index) const;
    void split(std::size_t index, std::int64_t at);
    void join_closest();

    std::vector<Run> runs_;  ///< by time, apart from each other
};

}  // namespace vitalog::processors::care
