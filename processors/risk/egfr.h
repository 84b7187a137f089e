#pragma once

#include <cstdint>
#include <string_view>

namespace vitalog::processors {

/// Estimated glomerular filtration rate, CKD-EPI creatinine equation of 2021 (Inker et al., N Engl
/// J Med 2021;385:1737), without race. Adults only. Pure.
namespace egfr {

inline constexpr std::string_view kMethod = "egfr-ckdepi-2021";
inline constexpr std::string_view kVersion = "ckd-epi/2021";
inline constexpr std::string_view kUnit = "mL/min/{1.73_m2}";
inline constexpr int kAdultAge = 18;

enum class Sex : std::uint8_t { Female, Male };

/// mL/min/1.73 m2, not rounded. Creatinine in umol/L, above zero; whole years, 18 or more.
double ckd_epi_2021(double creatinine_umol_l, int age, Sex sex);

/// KDIGO 2012 category of the unrounded value: G1 G2 G3a G3b G4 G5.
std::string_view category(double egfr);

}  // namespace egfr
}  // namespace vitalog::processors
