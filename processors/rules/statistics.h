#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "schemas/base/time.h"

namespace vitalog::processors::rules {

/// What the values of one measure came to over a stretch of time, in the unit of the measure.
struct Statistics {
    std::int64_t count = 0;
    double min = 0;
    double max = 0;
    double mean = 0;
    std::optional<double> deviation;  ///< of a sample (n - 1); none for one value
    std::optional<double> slope;      ///< per hour, by least squares; none for one moment
    EventTime first;
    EventTime last;

    /// Deviation by mean; none where the mean is not above zero.
    std::optional<double> variation() const;
};

/// A value at its time; `weight` values where it stands for several.
struct Point {
    EventTime at;
    double value = 0;
    double weight = 1;
};

/// Least squares through the points, per hour; none where all are of one moment.
std::optional<double> slope_of(std::span<const Point> points);

/// Of single values, by time; none when there are none.
std::optional<Statistics> statistics_of(std::span<const Point> points);

}  // namespace vitalog::processors::rules
