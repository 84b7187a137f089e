#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "processors/risk/bands.h"
#include "processors/risk/consciousness.h"

namespace vitalog::processors {

/// National Early Warning Score 2: Royal College of Physicians, National Early Warning Score (NEWS)
/// 2, London 2017; used unmodified, with attribution, as its licence asks. Pure.
///
/// - Values are taken at the published resolution (temperature 0.1 degrees, the rest whole
///   numbers), halves up, before they are banded.
/// - SpO2 scale 2 is for confirmed hypercapnic respiratory failure, by prescription; above 92 % its
///   points depend on whether oxygen is given.
/// - Not for persons under 16 years, nor in pregnancy; pregnancy is not known here, so the reader
///   has to.
/// - What is not known or not exact leaves points open. The score is then the least that is
///   certain, and `most` the worst that the open inputs allow.
namespace news2 {

inline constexpr std::string_view kMethod = "news2";
inline constexpr std::string_view kVersion = "news2/rcp-2017";
inline constexpr int kLeastAge = 16;

enum class Scale : std::uint8_t { One = 1, Two = 2 };

/// The response that the score asks for. LowMedium: a single parameter of 3 points ("red score")
/// with a total of 4 or less.
enum class Band : std::uint8_t { Low, LowMedium, Medium, High };
inline constexpr std::array<std::string_view, 4> kBandNames{"low", "low-medium", "medium", "high"};
std::string_view name_of(Band band);

enum class Parameter : std::uint8_t {
    RespiratoryRate,
    OxygenSaturation,
    Oxygen,
    SystolicPressure,
    Pulse,
    Consciousness,
    Temperature
};
inline constexpr std::size_t kParameters = 7;

struct Input {
    std::optional<Bounds> respiratory_rate;   ///< per minute
    std::optional<Bounds> oxygen_saturation;  ///< per cent, by pulse oximetry
    Scale scale = Scale::One;
    std::optional<bool> on_oxygen;            ///< oxygen is given; false: breathes air
    std::optional<Bounds> systolic_pressure;  ///< mmHg
    std::optional<Bounds> pulse;              ///< per minute
    std::optional<Consciousness> consciousness;
    std::optional<Bounds> temperature;  ///< degrees Celsius
};

struct Result {
    std::array<Points, kParameters> points{};
    Points total;            ///< 0 to 20
    Band band = Band::Low;   ///< of what is certain
    Band worst = Band::Low;  ///< of what the open inputs allow

    const Points& of(Parameter parameter) const {
        return points[static_cast<std::size_t>(parameter)];
    }
};

Result evaluate(const Input& input);

}  // namespace news2
}  // namespace vitalog::processors
