#pragma once

#include <cstdint>
#include <span>

#include "processors/risk/bounds.h"

namespace vitalog::processors {

/// One band of a score's published table: up to and including `last`, above the band before it.
struct ScoreBand {
    std::int64_t last;
    int points;
};
/// `last` of a table's worst upper band: no end.
inline constexpr std::int64_t kNoEnd = INT64_MAX;

/// The points that a value may have: one number where the value is exact or its interval lies in
/// bands of equal points.
struct Points {
    int least = 0;
    int most = 0;

    bool certain() const { return least == most; }
    friend bool operator==(const Points&, const Points&) = default;
};

/// A value in whole steps of the published resolution, `per_unit` steps to a unit, halves up: 36.05
/// with 10 steps to the degree is 361. Tables over integers have no gaps then. No end stays no end.
std::int64_t in_steps(double value, int per_unit);

/// Points of a value by a table whose bands ascend and end with kNoEnd.
Points points_of(std::span<const ScoreBand> table, const Bounds& value, int per_unit = 1);
/// Points of a value that is not known: the least and the most that the table gives.
Points any_points(std::span<const ScoreBand> table);

}  // namespace vitalog::processors
