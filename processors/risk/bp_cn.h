#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "processors/risk/bounds.h"

namespace vitalog::processors {

/// Grade of one blood pressure reading of an adult: Chinese Guidelines for the Prevention and
/// Treatment of Hypertension, 2018 and 2024 revisions, table of office pressure. Where systolic and
/// diastolic pressure fall into different grades, the higher counts. Pure.
///
/// Pressures are taken as whole mmHg, halves up: 139.5 is 140. One reading is no diagnosis: that
/// takes three on different days, and treated hypertension stays hypertension whatever the reading.
/// Home and ambulatory readings have lower limits of their own, which this table does not know.
namespace bp_cn {

inline constexpr std::string_view kMethod = "bp-cn";
inline constexpr std::string_view kVersion = "bp-cn/2024";
inline constexpr int kLeastAge = 18;

enum class Grade : std::uint8_t { Normal, HighNormal, Grade1, Grade2, Grade3 };
inline constexpr std::array<std::string_view, 5> kBandNames{"normal", "high-normal", "grade-1",
                                                            "grade-2", "grade-3"};
std::string_view name_of(Grade grade);

struct Result {
    Grade grade = Grade::Normal;     ///< the least that is certain
    Grade worst = Grade::Normal;     ///< what missing or inexact inputs allow
    bool isolated_systolic = false;  ///< systolic 140 or more with diastolic below 90, for certain
};

/// mmHg, of one moment.
Result evaluate(const std::optional<Bounds>& systolic, const std::optional<Bounds>& diastolic);

}  // namespace bp_cn
}  // namespace vitalog::processors
