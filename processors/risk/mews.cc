#include "processors/risk/mews.h"

namespace vitalog::processors::mews {
namespace {

constexpr std::array<ScoreBand, 5> kSystolicPressure{
    {{70, 3}, {80, 2}, {100, 1}, {199, 0}, {kNoEnd, 2}}};
constexpr std::array<ScoreBand, 6> kPulse{
    {{39, 2}, {50, 1}, {100, 0}, {110, 1}, {129, 2}, {kNoEnd, 3}}};
constexpr std::array<ScoreBand, 5> kRespiratoryRate{
    {{8, 2}, {14, 0}, {20, 1}, {29, 2}, {kNoEnd, 3}}};
constexpr std::array<ScoreBand, 3> kTemperature{{{349, 2}, {384, 0}, {kNoEnd, 2}}};
constexpr int kTemperatureSteps = 10;  // to a degree
constexpr int kHigh = 5;

Points points(std::span<const ScoreBand> table, const std::optional<Bounds>& value,
              int per_unit = 1) {
    return value ? points_of(table, *value, per_unit) : any_points(table);
}

Points consciousness_points(const std::optional<Consciousness>& level) {
    static constexpr std::array<int, kConsciousnessNames.size()> kPoints{0, 0, 1, 2, 3};
    if (!level) return {0, 3};
    const int sure = kPoints[static_cast<std::size_t>(*level)];
    return {sure, sure};
}

Band band_of(int total) {
    return total >= kHigh ? Band::High : Band::Low;
}

}  // namespace

std::string_view name_of(Band band) {
    return kBandNames[static_cast<std::size_t>(band)];
}

Result evaluate(const Input& input) {
    Result result;
    result.points = {points(kSystolicPressure, input.systolic_pressure),
                     points(kPulse, input.pulse), points(kRespiratoryRate, input.respiratory_rate),
                     points(kTemperature, input.temperature, kTemperatureSteps),
                     consciousness_points(input.consciousness)};
    for (const auto& p : result.points) {
        result.total.least += p.least;
        result.total.most += p.most;
    }
    result.band = band_of(result.total.least);
    result.worst = band_of(result.total.most);
    return result;
}

}  // namespace vitalog::processors::mews
