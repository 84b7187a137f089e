#pragma once

#include <limits>

namespace vitalog::processors {

/// What a laboratory value says about the true one: "7.1" is [7.1, 7.1], "<15" is [0, 15], ">1500"
/// is [1500, no end]. `stated` is the number itself. For quantities that can't be negative.
struct Bounds {
    double least = 0;
    double most = 0;
    double stated = 0;

    bool exact() const { return least == most; }

    static Bounds of(double value) { return {value, value, value}; }
    static Bounds at_most(double value) { return {0, value, value}; }
    static Bounds at_least(double value) {
        return {value, std::numeric_limits<double>::infinity(), value};
    }
};

}  // namespace vitalog::processors
