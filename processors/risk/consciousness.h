#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vitalog::processors {

/// ACVPU: the level of consciousness as early warning scores use it. The numbers are those that the
/// code tables give the answers of LOINC 67775-7 (schemas/tables/codes/loinc.yaml).
enum class Consciousness : std::uint8_t { Alert, NewConfusion, Voice, Pain, Unresponsive };

inline constexpr std::array<std::string_view, 5> kConsciousnessNames{
    "alert", "new confusion", "responds to voice", "responds to pain", "unresponsive"};

/// The level that a number of the code tables means; nothing for other numbers.
inline std::optional<Consciousness> consciousness_from(double number) {
    for (std::uint8_t i = 0; i < kConsciousnessNames.size(); ++i)
        if (number == i) return static_cast<Consciousness>(i);
    return std::nullopt;
}

}  // namespace vitalog::processors
