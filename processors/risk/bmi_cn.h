#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "processors/risk/bounds.h"

namespace vitalog::processors {

/// Body mass index of adults in the categories of China: WS/T 428-2013, Criteria of weight for
/// adults, as in the Guiding Principles for Weight Management (National Health Commission, 2024).
/// Pure.
///
/// Bands are half-open (18.5 and 24.0 belong to the band above) and applied to the value itself.
/// From 80 years on, 22.0 to 26.9 kg/m2 is the suitable range; that one is stated in tenths, so the
/// value is rounded to tenths, halves up. Not for pregnant women; pregnancy is not known here.
namespace bmi_cn {

inline constexpr std::string_view kMethod = "bmi-cn";
inline constexpr std::string_view kVersion = "bmi-cn/ws-t-428-2013";
inline constexpr std::string_view kUnit = "kg/m2";
inline constexpr int kLeastAge = 18;
inline constexpr int kOldAge = 80;

enum class Band : std::uint8_t {
    Underweight,
    Normal,
    Overweight,
    Obese,
    // from 80 years on
    BelowSuitable,
    Suitable,
    AboveSuitable
};
inline constexpr std::array<std::string_view, 7> kBandNames{
    "underweight", "normal", "overweight", "obese", "below-suitable", "suitable", "above-suitable"};
std::string_view name_of(Band band);

/// kg/m2 of a weight in kg and a height in cm above zero.
Bounds body_mass_index(const Bounds& weight_kg, const Bounds& height_cm);

/// Nothing where the value's interval spans bands.
std::optional<Band> band_of(const Bounds& bmi, int age);

}  // namespace bmi_cn
}  // namespace vitalog::processors
