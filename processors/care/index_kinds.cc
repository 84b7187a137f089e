#include "processors/care/index_kinds.h"

#include <algorithm>
#include <cmath>

#include "processors/risk/bmi_cn.h"
#include "processors/risk/bp_cn.h"
#include "processors/risk/kdigo.h"
#include "processors/risk/mews.h"
#include "processors/risk/shock_index.h"

namespace vitalog::processors::care {
namespace {

using schemas::IndexStatus;

constexpr std::string_view kScoreUnit = "{score}";
constexpr double kAirOxygenPercent = 21;  // inhaled oxygen concentration of room air

std::optional<Consciousness> consciousness_of(const IndexInputs& in) {
    if (!in.knows(Item::Consciousness)) return std::nullopt;
    return consciousness_from(in.value(Item::Consciousness).value.stated);
}

/// Whether a flow or a concentration says that oxygen is given; nothing where its interval holds
/// both.
std::optional<bool> above_air(const Bounds& value, double air) {
    const auto least = in_steps(value.least, 10);
    const auto most = in_steps(value.most, 10);
    const auto limit = in_steps(air, 10);
    if (least > limit) return true;
    if (most <= limit) return false;
    return std::nullopt;
}

/// By the newer of flow and concentration; of one moment, oxygen is given when either says so.
std::optional<bool> on_oxygen(const IndexInputs& in) {
    std::optional<bool> flow;
    std::optional<bool> concentration;
    if (in.knows(Item::OxygenFlow)) flow = above_air(in.value(Item::OxygenFlow).value, 0);
    if (in.knows(Item::OxygenConcentration))
        concentration = above_air(in.value(Item::OxygenConcentration).value, kAirOxygenPercent);
    if (!flow) return concentration;
    if (!concentration) return flow;
    const auto flow_at = in.value(Item::OxygenFlow).at.at;
    const auto concentration_at = in.value(Item::OxygenConcentration).at.at;
    if (flow_at != concentration_at) return flow_at > concentration_at ? flow : concentration;
    return *flow || *concentration;
}

/// A score's parameter: the item behind it, and its name in the explanation.
struct Parameter {
    Item item;
    std::string_view name;
};

constexpr Items kOxygenItems = items(Item::OxygenFlow, Item::OxygenConcentration);

/// Sorts a parameter's item into missing, inexact and decisive by the points it has.
void sort_parameter(const IndexInputs& in, Item item, const Points& points, Assessment& out) {
    const Items own = item == Item::OxygenFlow ? kOxygenItems : items(item);
    const bool known = (in.known & own) != 0;
    if (!known)
        out.missing |= items(item);
    else if (!points.certain())
        out.inexact |= items(item);
    if (points.least > 0) out.decisive |= own & in.known;
}

/// The rest of a score once its points are known.
void finish_score(const IndexInputs& in, const Points& total, Assessment& out) {
    out.value = total.least;
    out.unit = kScoreUnit;
    out.lacks_birth_date = !in.age;
    if (out.missing != 0 || out.inexact != 0 || !total.certain() || !in.age)
        out.status = IndexStatus::Incomplete;
}

void append_points(const IndexInputs& in, std::span<const Parameter> parameters,
                   std::span<const Points> points, std::string& out) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto item = parameters[i].item;
        const Items own = item == Item::OxygenFlow ? kOxygenItems : items(item);
        if ((in.known & own) == 0) continue;
        if (!out.empty()) out += ", ";
        out += parameters[i].name;
        out += ' ';
        out += std::to_string(points[i].least);
        if (!points[i].certain()) out += " to " + std::to_string(points[i].most);
    }
}

constexpr std::array<Parameter, news2::kParameters> kNews2{
    {{Item::RespiratoryRate, "respiratory rate"},
     {Item::OxygenSaturation, "oxygen saturation"},
     {Item::OxygenFlow, "oxygen"},
     {Item::SystolicPressure, "systolic pressure"},
     {Item::HeartRate, "pulse"},
     {Item::Consciousness, "consciousness"},
     {Item::Temperature, "temperature"}}};

news2::Result news2_of(const IndexInputs& in) {
    return news2::evaluate({.respiratory_rate = in.bounds(Item::RespiratoryRate),
                            .oxygen_saturation = in.bounds(Item::OxygenSaturation),
                            .scale = in.scale,
                            .on_oxygen = on_oxygen(in),
                            .systolic_pressure = in.bounds(Item::SystolicPressure),
                            .pulse = in.bounds(Item::HeartRate),
                            .consciousness = consciousness_of(in),
                            .temperature = in.bounds(Item::Temperature)});
}

Assessment assess_news2(const IndexInputs& in) {
    const auto result = news2_of(in);
    Assessment out;
    for (std::size_t i = 0; i < kNews2.size(); ++i)
        sort_parameter(in, kNews2[i].item, result.points[i], out);
    // On scale 2 the points of a saturation above 92 are open only where oxygen is.
    if (in.knows(Item::OxygenSaturation) && in.value(Item::OxygenSaturation).value.exact())
        out.inexact &= static_cast<Items>(~items(Item::OxygenSaturation));
    out.band = news2::name_of(result.band);
    out.settled = result.band == result.worst;
    finish_score(in, result.total, out);
    return out;
}

void describe_news2(const IndexInputs& in, std::string& out) {
    const auto result = news2_of(in);
    append_points(in, kNews2, result.points, out);
    if (in.scale == news2::Scale::Two) out += "; SpO2 scale 2";
}

constexpr std::array<Parameter, mews::kParameters> kMews{
    {{Item::SystolicPressure, "systolic pressure"},
     {Item::HeartRate, "heart rate"},
     {Item::RespiratoryRate, "respiratory rate"},
     {Item::Temperature, "temperature"},
     {Item::Consciousness, "consciousness"}}};

mews::Result mews_of(const IndexInputs& in) {
    return mews::evaluate({.systolic_pressure = in.bounds(Item::SystolicPressure),
                           .pulse = in.bounds(Item::HeartRate),
                           .respiratory_rate = in.bounds(Item::RespiratoryRate),
                           .temperature = in.bounds(Item::Temperature),
                           .consciousness = consciousness_of(in)});
}

Assessment assess_mews(const IndexInputs& in) {
    const auto result = mews_of(in);
    Assessment out;
    for (std::size_t i = 0; i < kMews.size(); ++i)
        sort_parameter(in, kMews[i].item, result.points[i], out);
    out.band = mews::name_of(result.band);
    out.settled = result.band == result.worst;
    finish_score(in, result.total, out);
    return out;
}

void describe_mews(const IndexInputs& in, std::string& out) {
    append_points(in, kMews, mews_of(in).points, out);
}

/// What an index that needs all of `wanted` says where one of them is missing: too old is told
/// apart from never measured.
Assessment lacking(const IndexInputs& in, Items wanted) {
    Assessment out;
    out.missing = wanted & static_cast<Items>(~in.known);
    out.settled = false;
    const bool stale = (out.missing & static_cast<Items>(~in.stale)) == 0;
    out.status = stale ? IndexStatus::Stale : IndexStatus::Incomplete;
    return out;
}

Items inexact_of(const IndexInputs& in, Items wanted) {
    Items inexact = 0;
    for (std::size_t i = 0; i < kItems; ++i)
        if (const auto item = static_cast<Item>(i);
            (wanted & items(item)) != 0 && in.knows(item) && !in.value(item).value.exact())
            inexact |= items(item);
    return inexact;
}

constexpr Items kShockInputs = items(Item::HeartRate, Item::SystolicPressure);

Assessment assess_shock_index(const IndexInputs& in) {
    if ((in.known & kShockInputs) != kShockInputs) return lacking(in, kShockInputs);
    const auto result = shock_index::evaluate(in.value(Item::HeartRate).value,
                                              in.value(Item::SystolicPressure).value);
    Assessment out;
    out.value = result.value;
    if (result.value) out.unit = "1";
    out.band = shock_index::name_of(result.band);
    out.settled = result.band == result.worst;
    out.decisive = kShockInputs;
    out.inexact = inexact_of(in, kShockInputs);
    if (!result.value && out.inexact == 0) out.inexact = items(Item::SystolicPressure);
    out.lacks_birth_date = !in.age;
    if (!result.value || !in.age) out.status = IndexStatus::Incomplete;
    return out;
}

constexpr Items kBodyInputs = items(Item::BodyWeight, Item::BodyHeight);

/// The body mass index from weight and height, or as it was reported where that is newer.
std::optional<Bounds> body_mass_index(const IndexInputs& in, Items& from) {
    const bool measured = (in.known & kBodyInputs) == kBodyInputs;
    const bool reported = in.knows(Item::BodyMassIndex);
    if (measured &&
        (!reported || in.value(Item::BodyWeight).at.at >= in.value(Item::BodyMassIndex).at.at)) {
        from = kBodyInputs;
        return bmi_cn::body_mass_index(in.value(Item::BodyWeight).value,
                                       in.value(Item::BodyHeight).value);
    }
    if (!reported) return std::nullopt;
    from = items(Item::BodyMassIndex);
    return in.value(Item::BodyMassIndex).value;
}

Assessment assess_bmi(const IndexInputs& in) {
    Items from = 0;
    const auto bmi = body_mass_index(in, from);
    if (!bmi) return lacking(in, kBodyInputs);
    Assessment out;
    out.decisive = from;
    out.inexact = inexact_of(in, from);
    if (out.inexact == 0) {
        out.value = bmi->stated;
        out.unit = bmi_cn::kUnit;
    }
    out.lacks_birth_date = !in.age;
    const auto band = in.age ? bmi_cn::band_of(*bmi, *in.age) : std::nullopt;
    if (band)
        out.band = bmi_cn::name_of(*band);
    else
        out.status = IndexStatus::Incomplete;
    out.settled = band.has_value();
    if (out.inexact != 0) out.status = IndexStatus::Incomplete;
    return out;
}

constexpr Items kPressures = items(Item::SystolicPressure, Item::DiastolicPressure);

Assessment assess_bp(const IndexInputs& in) {
    const auto result =
        bp_cn::evaluate(in.bounds(Item::SystolicPressure), in.bounds(Item::DiastolicPressure));
    Assessment out;
    out.band = bp_cn::name_of(result.grade);
    out.settled = result.grade == result.worst;
    out.missing = kPressures & static_cast<Items>(~in.known);
    out.decisive = kPressures & in.known;
    if (!out.settled) out.inexact = inexact_of(in, kPressures);
    out.lacks_birth_date = !in.age;
    if (!out.settled || out.missing != 0 || !in.age) out.status = IndexStatus::Incomplete;
    return out;
}

void describe_bp(const IndexInputs& in, std::string& out) {
    const auto result =
        bp_cn::evaluate(in.bounds(Item::SystolicPressure), in.bounds(Item::DiastolicPressure));
    if (result.isolated_systolic) out += "isolated systolic";
}

/// The filtration rate of the newer of creatinine and what a laboratory reported; of one moment,
/// ours. The lower the creatinine, the higher the rate.
std::optional<Bounds> filtration_rate(const IndexInputs& in, Items& from) {
    const bool reported = in.knows(Item::FiltrationRate);
    const bool own = in.knows(Item::Creatinine) && in.age && in.sex;
    if (own &&
        (!reported || in.value(Item::Creatinine).at.at >= in.value(Item::FiltrationRate).at.at)) {
        from = items(Item::Creatinine);
        const auto& creatinine = in.value(Item::Creatinine).value;
        const auto rate = [&](double value) { return egfr::ckd_epi_2021(value, *in.age, *in.sex); };
        return Bounds{.least = rate(creatinine.most),
                      .most = rate(creatinine.least),
                      .stated = rate(creatinine.stated)};
    }
    if (!reported) return std::nullopt;
    from = items(Item::FiltrationRate);
    return in.value(Item::FiltrationRate).value;
}

Assessment assess_kdigo(const IndexInputs& in) {
    Items from = 0;
    const auto rate = filtration_rate(in, from);
    const auto result = kdigo::evaluate(rate, in.bounds(Item::AlbuminRatio));
    Assessment out;
    out.band = kdigo::name_of(result.risk);
    out.settled = result.risk == result.worst;
    out.decisive = static_cast<Items>(from | items(Item::AlbuminRatio)) & in.known;
    if (!in.knows(Item::AlbuminRatio)) out.missing |= items(Item::AlbuminRatio);
    if (!rate && !in.knows(Item::Creatinine)) out.missing |= items(Item::Creatinine);
    if (!out.settled) out.inexact = inexact_of(in, out.decisive);
    out.lacks_birth_date = !in.age;
    out.lacks_sex = !rate && in.knows(Item::Creatinine) && !in.sex;
    if (!out.settled || out.missing != 0 || !in.age || !rate) out.status = IndexStatus::Incomplete;
    return out;
}

void describe_kdigo(const IndexInputs& in, std::string& out) {
    Items from = 0;
    if (const auto rate = filtration_rate(in, from); rate && rate->exact())
        out += egfr::category(rate->stated);
    if (const auto ratio = in.bounds(Item::AlbuminRatio); ratio && ratio->exact()) {
        if (!out.empty()) out += ' ';
        out += kdigo::albuminuria(ratio->stated);
    }
}

void describe_nothing(const IndexInputs&, std::string&) {}

constexpr std::string_view kBelow16 = "below 16 years";
constexpr std::string_view kBelow18 = "below 18 years";

constexpr std::array<IndexKind, 6> kKinds{
    {{.method = news2::kMethod,
      .version = news2::kVersion,
      .bands = news2::kBandNames,
      .inputs = items(Item::RespiratoryRate, Item::OxygenSaturation, Item::OxygenFlow,
                      Item::OxygenConcentration, Item::SystolicPressure, Item::HeartRate,
                      Item::Consciousness, Item::Temperature),
      .wants = {},
      .freshness = Freshness::Vital,
      .least_age = news2::kLeastAge,
      .too_young = kBelow16,
      .samples_least = 4,
      .assess = assess_news2,
      .describe = describe_news2},
     {.method = mews::kMethod,
      .version = mews::kVersion,
      .bands = mews::kBandNames,
      .inputs = items(Item::RespiratoryRate, Item::SystolicPressure, Item::HeartRate,
                      Item::Consciousness, Item::Temperature),
      .wants = {},
      .freshness = Freshness::Vital,
      .least_age = mews::kLeastAge,
      .too_young = kBelow16,
      .samples_least = 4,
      .assess = assess_mews,
      .describe = describe_mews},
     {.method = shock_index::kMethod,
      .version = shock_index::kVersion,
      .bands = shock_index::kBandNames,
      .inputs = kShockInputs,
      .wants = {kShockInputs},
      .freshness = Freshness::Vital,
      .least_age = shock_index::kLeastAge,
      .too_young = kBelow16,
      .samples_least = 2,
      .assess = assess_shock_index,
      .describe = describe_nothing},
     {.method = bmi_cn::kMethod,
      .version = bmi_cn::kVersion,
      .bands = bmi_cn::kBandNames,
      .inputs = kBodyInputs | items(Item::BodyMassIndex),
      .wants = {kBodyInputs, items(Item::BodyMassIndex)},
      .freshness = Freshness::Chronic,
      .least_age = bmi_cn::kLeastAge,
      .too_young = kBelow18,
      .samples_least = 1,
      .assess = assess_bmi,
      .describe = describe_nothing},
     {.method = bp_cn::kMethod,
      .version = bp_cn::kVersion,
      .bands = bp_cn::kBandNames,
      .inputs = kPressures,
      .wants = {},
      .freshness = Freshness::Moment,
      .least_age = bp_cn::kLeastAge,
      .too_young = kBelow18,
      .samples_least = 2,
      .assess = assess_bp,
      .describe = describe_bp},
     {.method = kdigo::kMethod,
      .version = kdigo::kVersion,
      .bands = kdigo::kBandNames,
      .inputs = items(Item::Creatinine, Item::FiltrationRate, Item::AlbuminRatio),
      .wants = {items(Item::AlbuminRatio)},
      .freshness = Freshness::Chronic,
      .least_age = kdigo::kLeastAge,
      .too_young = kBelow18,
      .samples_least = 1,
      .assess = assess_kdigo,
      .describe = describe_kdigo}}};

}  // namespace

std::chrono::microseconds IndexSettings::of(Freshness freshness) const {
    switch (freshness) {
        case Freshness::Moment:
            return std::chrono::microseconds(0);
        case Freshness::Vital:
            return vital;
        case Freshness::Chronic:
            break;
    }
    return chronic;
}

std::span<const IndexKind> index_kinds() {
    return kKinds;
}

const IndexKind* find_index_kind(std::string_view method) {
    const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                    [&](const IndexKind& k) { return k.method == method; });
    return found == kKinds.end() ? nullptr : &*found;
}

}  // namespace vitalog::processors::care
