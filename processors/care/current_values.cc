#include "processors/care/current_values.h"

#include <algorithm>

#include "processors/risk/consciousness.h"

namespace vitalog::processors::care {
namespace {

/// A code under which an item is kept, in the unit of the code tables
/// (schemas/tables/codes/loinc.yaml).
struct Code {
    std::string_view loinc;
    std::string_view unit;
    Item item;
};

/// By code, for items_of(). Of one item and moment the code that stands first counts.
constexpr std::array<Code, 16> kCodes{{{"14682-9", "umol/L", Item::Creatinine},
                                       {"14959-1", "mg/g", Item::AlbuminRatio},
                                       {"2708-6", "%", Item::OxygenSaturation},
                                       {"29463-7", "kg", Item::BodyWeight},
                                       {"3150-6", "%", Item::OxygenConcentration},
                                       {"3151-8", "L/min", Item::OxygenFlow},
                                       {"39156-5", "kg/m2", Item::BodyMassIndex},
                                       {"59408-5", "%", Item::OxygenSaturation},
                                       {"67775-7", kAnswerUnit, Item::Consciousness},
                                       {"8302-2", "cm", Item::BodyHeight},
                                       {"8310-5", "Cel", Item::Temperature},
                                       {"8462-4", "mm[Hg]", Item::DiastolicPressure},
                                       {"8480-6", "mm[Hg]", Item::SystolicPressure},
                                       {"8867-4", "/min", Item::HeartRate},
                                       {"9279-1", "/min", Item::RespiratoryRate},
                                       {"98979-8", "mL/min/{1.73_m2}", Item::FiltrationRate}}};

static_assert(std::is_sorted(kCodes.begin(), kCodes.end(),
                             [](const Code& a, const Code& b) { return a.loinc < b.loinc; }));

constexpr std::array<std::string_view, kItems> kExactNames{"exact respiratory rate",
                                                           "exact oxygen saturation",
                                                           "exact air or oxygen",
                                                           "exact oxygen concentration",
                                                           "exact systolic pressure",
                                                           "exact diastolic pressure",
                                                           "exact heart rate",
                                                           "exact level of consciousness",
                                                           "exact temperature",
                                                           "exact body weight",
                                                           "exact body height",
                                                           "exact body mass index",
                                                           "exact creatinine",
                                                           "exact filtration rate",
                                                           "exact albumin to creatinine ratio"};

}  // namespace

Items items_of(std::string_view loinc) {
    const auto found =
        std::lower_bound(kCodes.begin(), kCodes.end(), loinc,
                         [](const Code& code, std::string_view text) { return code.loinc < text; });
    if (found == kCodes.end() || found->loinc != loinc) return 0;
    return items(found->item);
}

std::string_view inexact_name(Item item) {
    return kExactNames[static_cast<std::size_t>(item)];
}

std::string_view missing_name(Item item) {
    constexpr std::string_view kExact = "exact ";
    return inexact_name(item).substr(kExact.size());
}

std::string_view answer_text(std::string_view loinc, double number) {
    if (items_of(loinc) != items(Item::Consciousness)) return {};
    const auto level = consciousness_from(number);
    return level ? kConsciousnessNames[static_cast<std::size_t>(*level)] : std::string_view();
}

bool CurrentValues::ever(Item item) const {
    return std::any_of(kCodes.begin(), kCodes.end(), [&](const Code& code) {
        return code.item == item && (results_.find_series(code.loinc, code.unit).has_value() ||
                                     (samples_ != nullptr && samples_->has(code.loinc, code.unit)));
    });
}

std::optional<LatestValue> CurrentValues::newest(Item item, EventTime moment) const {
    std::optional<LatestValue> newest;
    const auto take = [&](const std::optional<LatestValue>& value) {
        if (value && (!newest || value->at.at > newest->at.at)) newest = value;
    };
    for (const auto& code : kCodes)
        if (code.item == item) take(newest_observation(code.loinc, code.unit, moment));
    if (samples_ == nullptr) return newest;
    for (const auto& code : kCodes)
        if (code.item == item) take(samples_->latest(code.loinc, code.unit, moment));
    return newest;
}

std::optional<LatestValue> CurrentValues::newest_observation(std::string_view loinc,
                                                             std::string_view unit,
                                                             EventTime moment) const {
    const auto series = results_.find_series(loinc, unit);
    if (!series) return std::nullopt;
    const auto samples = results_.samples(*series);
    auto after = std::upper_bound(samples.begin(), samples.end(), moment,
                                  [](EventTime at, const Sample& s) { return at < s.at; });
    while (after != samples.begin())
        if (const Sample& sample = *--after; sample.live())
            return LatestValue{.value = sample.bounds(),
                               .at = sample.effective(),
                               .source = sample.id,
                               .observation = true};
    return std::nullopt;
}

}  // namespace vitalog::processors::care
