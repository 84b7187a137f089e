#include "processors/risk/bp_cn.h"

#include <algorithm>
#include <array>

#include "processors/risk/bands.h"

namespace vitalog::processors::bp_cn {
namespace {

// The points are the grades.
constexpr std::array<ScoreBand, 5> kSystolic{{{119, 0}, {139, 1}, {159, 2}, {179, 3}, {kNoEnd, 4}}};
constexpr std::array<ScoreBand, 5> kDiastolic{{{79, 0}, {89, 1}, {99, 2}, {109, 3}, {kNoEnd, 4}}};
constexpr std::int64_t kSystolicHypertension = 140;
constexpr std::int64_t kDiastolicHypertension = 90;

Points points(std::span<const ScoreBand> table, const std::optional<Bounds>& value) {
    return value ? points_of(table, *value) : any_points(table);
}

}  // namespace

std::string_view name_of(Grade grade) {
    return kBandNames[static_cast<std::size_t>(grade)];
}

Result evaluate(const std::optional<Bounds>& systolic, const std::optional<Bounds>& diastolic) {
    const Points s = points(kSystolic, systolic);
    const Points d = points(kDiastolic, diastolic);
    return {.grade = static_cast<Grade>(std::max(s.least, d.least)),
            .worst = static_cast<Grade>(std::max(s.most, d.most)),
            .isolated_systolic = systolic && diastolic &&
                                 in_steps(systolic->least, 1) >= kSystolicHypertension &&
                                 in_steps(diastolic->most, 1) < kDiastolicHypertension};
}

}  // namespace vitalog::processors::bp_cn
