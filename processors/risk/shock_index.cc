#include "processors/risk/shock_index.h"

#include <array>

namespace vitalog::processors::shock_index {
namespace {

constexpr double kRaised = 0.9;
constexpr double kHigh = 1.0;

/// Compared as rate >= edge x pressure: division would round at the edge, and a pressure of zero
/// needs no care.
Band band_of(double heart_rate, double systolic_pressure) {
    constexpr double kTiny = 1e-9;  // hides binary fractions of the product
    const auto reaches = [&](double edge) {
        return heart_rate + kTiny >= edge * systolic_pressure;
    };
    if (reaches(kHigh)) return Band::High;
    return reaches(kRaised) ? Band::Raised : Band::Normal;
}

}  // namespace

std::string_view name_of(Band band) {
    return kBandNames[static_cast<std::size_t>(band)];
}

Result evaluate(const Bounds& heart_rate, const Bounds& systolic_pressure) {
    if (systolic_pressure.most <= 0)
        return {.value = std::nullopt, .band = Band::Normal, .worst = Band::High};
    Result result{.value = std::nullopt,
                  .band = band_of(heart_rate.least, systolic_pressure.most),
                  .worst = band_of(heart_rate.most, systolic_pressure.least)};
    if (heart_rate.exact() && systolic_pressure.exact())
        result.value = heart_rate.stated / systolic_pressure.stated;
    return result;
}

}  // namespace vitalog::processors::shock_index
