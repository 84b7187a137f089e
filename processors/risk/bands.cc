#include "processors/risk/bands.h"

#include <algorithm>
#include <cmath>

namespace vitalog::processors {

std::int64_t in_steps(double value, int per_unit) {
    // A billionth of a step hides binary fractions: 36.05 is stored a little below 36.05.
    constexpr double kHalf = 0.5 + 1e-9;
    constexpr double kLargest = 1e15;
    const double steps = std::floor(value * per_unit + kHalf);
    return steps >= kLargest ? kNoEnd : static_cast<std::int64_t>(steps);
}

Points points_of(std::span<const ScoreBand> table, const Bounds& value, int per_unit) {
    const std::int64_t least = in_steps(value.least, per_unit);
    const std::int64_t most = in_steps(value.most, per_unit);
    auto band = std::find_if(table.begin(), table.end(),
                             [&](const ScoreBand& b) { return least <= b.last; });
    Points points{band->points, band->points};
    while (band->last < most) {
        ++band;
        points.least = std::min(points.least, band->points);
        points.most = std::max(points.most, band->points);
    }
    return points;
}

Points any_points(std::span<const ScoreBand> table) {
    const auto [least, most] = std::minmax_element(
        table.begin(), table.end(),
        [](const ScoreBand& a, const ScoreBand& b) { return a.points < b.points; });
    return {least->points, most->points};
}

}  // namespace vitalog::processors
