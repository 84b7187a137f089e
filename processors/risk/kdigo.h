#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "processors/risk/bounds.h"

namespace vitalog::processors {

/// Prognosis of chronic kidney disease by GFR and albuminuria category: KDIGO 2012 and 2024
/// Clinical Practice Guideline for the Evaluation and Management of CKD, "heat map". Pure.
///
/// GFR categories are those of the unrounded value (egfr::category); albuminuria is A1 below 30
/// mg/g of creatinine, A2 30 to 300, A3 above 300. One pair of values: that they last for three
/// months, which the diagnosis takes, is for the reader to see.
namespace kdigo {

inline constexpr std::string_view kMethod = "kdigo";
inline constexpr std::string_view kVersion = "kdigo/2012";
inline constexpr int kLeastAge = 18;

enum class Risk : std::uint8_t { Low, Moderate, High, VeryHigh };
inline constexpr std::array<std::string_view, 4> kBandNames{"low", "moderate", "high", "very-high"};
std::string_view name_of(Risk risk);

/// "A1", "A2", "A3" of an albumin to creatinine ratio in mg/g.
std::string_view albuminuria(double ratio_mg_g);

struct Result {
    Risk risk = Risk::Low;   ///< the least that is certain
    Risk worst = Risk::Low;  ///< what missing or inexact inputs allow
};

/// eGFR in mL/min/1.73 m2, albumin to creatinine ratio of urine in mg/g.
Result evaluate(const std::optional<Bounds>& egfr, const std::optional<Bounds>& ratio_mg_g);

}  // namespace kdigo
}  // namespace vitalog::processors
