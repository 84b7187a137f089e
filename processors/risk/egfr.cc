#include "processors/risk/egfr.h"

#include <algorithm>
#include <cmath>

namespace vitalog::processors::egfr {
namespace {

constexpr double kMicromolPerMilligram = 88.4;  // umol/L per mg/dL of creatinine

}  // namespace

double ckd_epi_2021(double creatinine_umol_l, int age, Sex sex) {
    const bool female = sex == Sex::Female;
    const double kappa = female ? 0.7 : 0.9;
    const double alpha = female ? -0.241 : -0.302;
    const double relative = creatinine_umol_l / kMicromolPerMilligram / kappa;
    return 142 * std::pow(std::min(relative, 1.0), alpha) *
           std::pow(std::max(relative, 1.0), -1.200) * std::pow(0.9938, age) *
           (female ? 1.012 : 1.0);
}

std::string_view category(double egfr) {
    if (egfr >= 90) return "G1";
    if (egfr >= 60) return "G2";
    if (egfr >= 45) return "G3a";
    if (egfr >= 30) return "G3b";
    if (egfr >= 15) return "G4";
    return "G5";
}

}  // namespace vitalog::processors::egfr
