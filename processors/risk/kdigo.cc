#include "processors/risk/kdigo.h"

#include <array>
#include <limits>

namespace vitalog::processors::kdigo {
namespace {

constexpr double kA2From = 30;  // mg/g
constexpr double kA2Until = 300;
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

constexpr std::array<std::array<Risk, 3>, 6> kMap{{
    {Risk::Low, Risk::Moderate, Risk::High},           // G1
    {Risk::Low, Risk::Moderate, Risk::High},           // G2
    {Risk::Moderate, Risk::High, Risk::VeryHigh},      // G3a
    {Risk::High, Risk::VeryHigh, Risk::VeryHigh},      // G3b
    {Risk::VeryHigh, Risk::VeryHigh, Risk::VeryHigh},  // G4
    {Risk::VeryHigh, Risk::VeryHigh, Risk::VeryHigh},  // G5
}};

std::size_t gfr_row(double egfr) {
    static constexpr std::array<double, 5> kFrom{90, 60, 45, 30, 15};
    std::size_t row = 0;
    while (row < kFrom.size() && egfr < kFrom[row]) ++row;
    return row;
}

std::size_t albumin_column(double ratio) {
    if (ratio < kA2From) return 0;
    return ratio <= kA2Until ? 1 : 2;
}

}  // namespace

std::string_view name_of(Risk risk) {
    return kBandNames[static_cast<std::size_t>(risk)];
}

std::string_view albuminuria(double ratio_mg_g) {
    static constexpr std::array<std::string_view, 3> kNames{"A1", "A2", "A3"};
    return kNames[albumin_column(ratio_mg_g)];
}

Result evaluate(const std::optional<Bounds>& egfr, const std::optional<Bounds>& ratio_mg_g) {
    const Bounds gfr = egfr.value_or(Bounds{0, kUnlimited, 0});
    const Bounds ratio = ratio_mg_g.value_or(Bounds{0, kUnlimited, 0});
    return {.risk = kMap[gfr_row(gfr.most)][albumin_column(ratio.least)],
            .worst = kMap[gfr_row(gfr.least)][albumin_column(ratio.most)]};
}

}  // namespace vitalog::processors::kdigo
