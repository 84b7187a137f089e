#include "processors/risk/news2.h"

#include <algorithm>

namespace vitalog::processors::news2 {
namespace {

constexpr std::array<ScoreBand, 5> kRespiratoryRate{
    {{8, 3}, {11, 1}, {20, 0}, {24, 2}, {kNoEnd, 3}}};
constexpr std::array<ScoreBand, 4> kScale1{{{91, 3}, {93, 2}, {95, 1}, {kNoEnd, 0}}};
constexpr std::array<ScoreBand, 4> kScale2Air{{{83, 3}, {85, 2}, {87, 1}, {kNoEnd, 0}}};
constexpr std::array<ScoreBand, 7> kScale2Oxygen{
    {{83, 3}, {85, 2}, {87, 1}, {92, 0}, {94, 1}, {96, 2}, {kNoEnd, 3}}};
constexpr std::array<ScoreBand, 5> kSystolicPressure{
    {{90, 3}, {100, 2}, {110, 1}, {219, 0}, {kNoEnd, 3}}};
constexpr std::array<ScoreBand, 6> kPulse{
    {{40, 3}, {50, 1}, {90, 0}, {110, 1}, {130, 2}, {kNoEnd, 3}}};
constexpr std::array<ScoreBand, 5> kTemperature{
    {{350, 3}, {360, 1}, {380, 0}, {390, 1}, {kNoEnd, 2}}};
constexpr int kTemperatureSteps = 10;  // to a degree

constexpr int kOxygenPoints = 2;
constexpr int kRed = 3;  // points of one parameter
constexpr int kMedium = 5;
constexpr int kHigh = 7;

Points points(std::span<const ScoreBand> table, const std::optional<Bounds>& value,
              int per_unit = 1) {
    return value ? points_of(table, *value, per_unit) : any_points(table);
}

Points consciousness_points(const std::optional<Consciousness>& level) {
    if (!level) return {0, kRed};
    return *level == Consciousness::Alert ? Points{0, 0} : Points{kRed, kRed};
}

std::span<const ScoreBand> saturation_table(Scale scale, bool on_oxygen) {
    if (scale == Scale::One) return kScale1;
    return on_oxygen ? std::span<const ScoreBand>(kScale2Oxygen) : kScale2Air;
}

Band band_of(int total, bool red) {
    if (total >= kHigh) return Band::High;
    if (total >= kMedium) return Band::Medium;
    return red ? Band::LowMedium : Band::Low;
}

/// All seven parameters' points with air, or with oxygen.
struct Case {
    std::array<Points, kParameters> points;

    Points total() const {
        Points sum;
        for (const auto& p : points) {
            sum.least += p.least;
            sum.most += p.most;
        }
        return sum;
    }
    Band least() const {
        return band_of(total().least, std::any_of(points.begin(), points.end(),
                                                  [](const Points& p) { return p.least == kRed; }));
    }
    Band most() const {
        return band_of(total().most, std::any_of(points.begin(), points.end(),
                                                 [](const Points& p) { return p.most == kRed; }));
    }
};

Case evaluate_with(const Input& input, bool on_oxygen) {
    const int oxygen = on_oxygen ? kOxygenPoints : 0;
    return {{points(kRespiratoryRate, input.respiratory_rate),
             points(saturation_table(input.scale, on_oxygen), input.oxygen_saturation),
             {oxygen, oxygen},
             points(kSystolicPressure, input.systolic_pressure),
             points(kPulse, input.pulse),
             consciousness_points(input.consciousness),
             points(kTemperature, input.temperature, kTemperatureSteps)}};
}

Points spanning(const Points& a, const Points& b) {
    return {std::min(a.least, b.least), std::max(a.most, b.most)};
}

}  // namespace

std::string_view name_of(Band band) {
    return kBandNames[static_cast<std::size_t>(band)];
}

Result evaluate(const Input& input) {
    // Where it is not known whether oxygen is given, both cases are open.
    const Case air = evaluate_with(input, input.on_oxygen.value_or(false));
    const Case oxygen = evaluate_with(input, input.on_oxygen.value_or(true));
    Result result;
    for (std::size_t i = 0; i < kParameters; ++i)
        result.points[i] = spanning(air.points[i], oxygen.points[i]);
    result.total = spanning(air.total(), oxygen.total());
    result.band = std::min(air.least(), oxygen.least());
    result.worst = std::max(air.most(), oxygen.most());
    return result;
}

}  // namespace vitalog::processors::news2
