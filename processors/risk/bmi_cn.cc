#include "processors/risk/bmi_cn.h"

#include <array>

#include "processors/risk/bands.h"

namespace vitalog::processors::bmi_cn {
namespace {

Band adult_band(double bmi) {
    if (bmi < 18.5) return Band::Underweight;
    if (bmi < 24.0) return Band::Normal;
    return bmi < 28.0 ? Band::Overweight : Band::Obese;
}

Band old_band(double bmi) {
    const auto tenths = in_steps(bmi, 10);
    if (tenths < 220) return Band::BelowSuitable;
    return tenths <= 269 ? Band::Suitable : Band::AboveSuitable;
}

double quotient(double weight_kg, double height_cm) {
    return weight_kg * 10000 / (height_cm * height_cm);
}

}  // namespace

std::string_view name_of(Band band) {
    return kBandNames[static_cast<std::size_t>(band)];
}

Bounds body_mass_index(const Bounds& weight_kg, const Bounds& height_cm) {
    return {.least = quotient(weight_kg.least, height_cm.most),
            .most = quotient(weight_kg.most, height_cm.least),
            .stated = quotient(weight_kg.stated, height_cm.stated)};
}

std::optional<Band> band_of(const Bounds& bmi, int age) {
    const auto band = age >= kOldAge ? old_band : adult_band;
    const Band least = band(bmi.least);
    if (least != band(bmi.most)) return std::nullopt;
    return least;
}

}  // namespace vitalog::processors::bmi_cn
