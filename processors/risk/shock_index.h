#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "processors/risk/bounds.h"

namespace vitalog::processors {

/// Shock index: heart rate over systolic pressure. Allgower, Burri, Dtsch Med Wochenschr
/// 1967;92:1947 (0.5 to 0.7 in health, above 1 in shock); Rady et al., Ann Emerg Med 1994;24:685
/// (0.9 and more needs immediate attention). Pure. Adults: 16 years or more.
namespace shock_index {

inline constexpr std::string_view kMethod = "shock-index";
inline constexpr std::string_view kVersion = "shock-index/1967";
inline constexpr int kLeastAge = 16;

/// Normal below 0.9, Raised from 0.9, High from 1.0.
enum class Band : std::uint8_t { Normal, Raised, High };
inline constexpr std::array<std::string_view, 3> kBandNames{"normal", "raised", "high"};
std::string_view name_of(Band band);

struct Result {
    std::optional<double> value;  ///< of exact inputs
    Band band = Band::Normal;     ///< the least that is certain
    Band worst = Band::Normal;    ///< what inexact inputs allow
};

/// Heart rate per minute, systolic pressure in mmHg. Without a pressure above zero there is no
/// value and every band is open.
Result evaluate(const Bounds& heart_rate, const Bounds& systolic_pressure);

}  // namespace shock_index
}  // namespace vitalog::processors
