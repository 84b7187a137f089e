#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "processors/risk/bands.h"
#include "processors/risk/consciousness.h"

namespace vitalog::processors {

/// Modified Early Warning Score: Subbe, Kruger, Rutherford, Gemmel, QJM 2001;94:521. Pure.
///
/// Variants of the table are in use (systolic 200 and more as 3, pulse of 40 as 2): the version
/// says that this is the paper's. Values are taken at its resolution (temperature 0.1 degrees, the
/// rest whole numbers), halves up. AVPU has no word for confusion; a confused person who is awake
/// is alert there. For adult medical patients: 16 years or more.
namespace mews {

inline constexpr std::string_view kMethod = "mews";
inline constexpr std::string_view kVersion = "mews/subbe-2001";
inline constexpr int kLeastAge = 16;

/// High: 5 points or more, the paper's critical score.
enum class Band : std::uint8_t { Low, High };
inline constexpr std::array<std::string_view, 2> kBandNames{"low", "high"};
std::string_view name_of(Band band);

enum class Parameter : std::uint8_t {
    SystolicPressure,
    Pulse,
    RespiratoryRate,
    Temperature,
    Consciousness
};
inline constexpr std::size_t kParameters = 5;

struct Input {
    std::optional<Bounds> systolic_pressure;  ///< mmHg
    std::optional<Bounds> pulse;              ///< per minute
    std::optional<Bounds> respiratory_rate;   ///< per minute
    std::optional<Bounds> temperature;        ///< degrees Celsius
    std::optional<Consciousness> consciousness;
};

struct Result {
    std::array<Points, kParameters> points{};
    Points total;            ///< 0 to 14; the least is certain
    Band band = Band::Low;   ///< of what is certain
    Band worst = Band::Low;  ///< of what the open inputs allow

    const Points& of(Parameter parameter) const {
        return points[static_cast<std::size_t>(parameter)];
    }
};

Result evaluate(const Input& input);

}  // namespace mews
}  // namespace vitalog::processors
