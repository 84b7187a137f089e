#include "processors/care/indices.h"

#include <algorithm>

#include "processors/risk/egfr.h"

namespace vitalog::processors::care {
namespace {

using schemas::IndexStatus;
using schemas::RiskEvent;
using schemas::Topic;

constexpr auto kYearWindow = std::chrono::hours(24 * 366);
constexpr std::uint8_t kIncomplete = 0x80;

constexpr std::string_view kBirthDate = "birth date";
constexpr std::string_view kSex = "sex";
constexpr std::string_view kUpperLimit = "upper reference limit";
constexpr std::string_view kExactValue = "exact creatinine";

RecordId risk_id(std::string_view person, std::string_view method, const RecordId& observation) {
    return IdHash().part(person).part(method).part(observation).finish();
}

std::uint8_t band_code(const aki::Result& result) {
    return static_cast<std::uint8_t>((static_cast<unsigned>(result.band) + 1) |
                                     (result.complete() ? 0 : kIncomplete));
}

}  // namespace

std::optional<StoredBand> stored_band(const Sample& sample) {
    const unsigned band = sample.band & ~kIncomplete & 0xffu;
    if (band == 0 || band > static_cast<unsigned>(aki::Band::Stage3) + 1) return std::nullopt;
    return StoredBand{aki::name_of(static_cast<aki::Band>(band - 1)),
                      (sample.band & kIncomplete) == 0};
}

std::optional<int> Indices::age_at(const Sample& sample) const {
    if (!turn_.person.birth_date) return std::nullopt;
    return age_years(*turn_.person.birth_date, sample.effective());
}

void Indices::evaluate(std::span<const Touched> touched, Occasion occasion,
                       std::vector<Judged>& judged) {
    const auto series = turn_.person.results.find_series(kCreatinine, kCreatinineUnit);
    if (!series) return;
    std::optional<EventTime> first;
    EventTime last;
    const auto is_touched = [&](const Sample& sample) {
        return std::any_of(touched.begin(), touched.end(), [&](const Touched& t) {
            return t.series == *series && t.id == sample.id;
        });
    };
    for (const auto& t : touched) {
        if (t.series != *series) continue;
        last = first ? std::max(last, t.at) : t.at;
        first = first ? std::min(*first, t.at) : t.at;
        if (t.change != Change::Withdrawn) continue;
        if (const auto place = turn_.person.results.find(t.id)) {
            auto& sample = turn_.person.results.samples(*series)[place->index];
            if (sample.digest != 0) retract(turn_.person_id(), sample);
            sample.digest = 0;
            sample.band = 0;
        }
    }
    if (!first && !occasion.demographics) return;
    const auto samples = turn_.person.results.samples(*series);
    const auto count = static_cast<std::uint32_t>(samples.size());
    for (std::uint32_t i = 0; i < count; ++i) {
        const Sample& sample = samples[i];
        if (!sample.live()) continue;
        const bool own = is_touched(sample);
        const bool reached = occasion.demographics ||
                             (first && sample.at >= *first && sample.at - last < kYearWindow);
        if (!own && (!reached || count - i > kReevaluatedMax)) continue;
        evaluate_aki(*series, i, own && !occasion.merged, judged);
        if (own || occasion.demographics) evaluate_egfr(*series, i);
    }
}

/// Encodes a result into json_ and gives its digest, never 0.
std::uint32_t Indices::encode(const RiskEvent& event) {
    json_.clear();
    schemas::encode(event, json_);
    return static_cast<std::uint32_t>(hash64(json_)) | 1;
}

void Indices::evaluate_aki(std::uint32_t series, std::uint32_t index, bool tell,
                           std::vector<Judged>& judged) {
    const auto samples = turn_.person.results.samples(series);
    Sample& sample = samples[index];
    earlier_.clear();
    std::vector<std::uint32_t> places;
    for (std::uint32_t i = index; i-- > 0;) {
        if (sample.at - samples[i].at >= kYearWindow) break;
        if (!samples[i].live()) continue;
        earlier_.push_back({samples[i].at, samples[i].bounds()});
        places.push_back(i);
    }
    const auto result = aki::evaluate({.current = {sample.at, sample.bounds()},
                                       .upper_limit = turn_.person.results.range_of(sample).high,
                                       .age = age_at(sample),
                                       .earlier = earlier_});
    const auto id = risk_id(turn_.person_id(), aki::kMethod, sample.id);
    RiskEvent event{.id = turn_.hex.of(id),
                    .person = turn_.person_id(),
                    .method = aki::kMethod,
                    .version = aki::kVersion,
                    .status = result.complete() ? IndexStatus::Complete : IndexStatus::Incomplete,
                    .value = result.ratio,
                    .unit = result.ratio ? "1" : "",
                    .band = aki::name_of(result.band),
                    .missing = {},
                    .reason = {},
                    .occurred = sample.effective(),
                    .basis = {}};
    if (result.lacks(aki::Gap::BirthDate)) event.missing.push_back(kBirthDate);
    if (result.lacks(aki::Gap::UpperLimit)) event.missing.push_back(kUpperLimit);
    if (result.lacks(aki::Gap::ExactValue)) event.missing.push_back(kExactValue);
    event.basis.reserve(1 + std::min(kBasisMax, result.week.size() + result.year.size()));
    event.basis.push_back(turn_.hex.of(sample.id));
    for (const auto* window : {&result.week, &result.year})
        for (const auto i : *window)
            if (event.basis.size() <= kBasisMax)
                event.basis.push_back(turn_.hex.of(samples[places[i]].id));

    turn_.computed.push_back(ComputedIndex::of(event));
    const auto code = band_code(result);
    const bool other_band = code != sample.band;
    const auto digest = encode(event);
    if (digest != sample.digest)
        turn_.out.emit(Topic::Risk, turn_.person_id(), RiskEvent::kType, json_,
                       {.event_time = sample.at, .urgent = false});
    sample.digest = digest;
    sample.band = code;
    if (!tell && !other_band) return;
    Judged& verdict = judged.emplace_back();
    verdict.result = sample.id;
    verdict.method = aki::kMethod;
    verdict.band = event.band;
    verdict.complete = result.complete();
    const auto add = [&](std::size_t i) {
        const auto& decisive = samples[places[i]].id;
        if (std::find(verdict.decisive.begin(), verdict.decisive.end(), decisive) ==
            verdict.decisive.end())
            verdict.decisive.push_back(decisive);
    };
    for (const auto i : result.medians) add(i);
    if (result.lowest_week) add(*result.lowest_week);
    if (result.lowest_two_days) add(*result.lowest_two_days);
    verdict.decisive.push_back(sample.id);
}

void Indices::evaluate_egfr(std::uint32_t series, std::uint32_t index) {
    const Sample& sample = turn_.person.results.samples(series)[index];
    const auto age = age_at(sample);
    const auto sex = turn_.person.sex;
    const bool sex_known = sex == Sex::Female || sex == Sex::Male;
    const auto id = risk_id(turn_.person_id(), egfr::kMethod, sample.id);
    RiskEvent event{.id = turn_.hex.of(id),
                    .person = turn_.person_id(),
                    .method = egfr::kMethod,
                    .version = egfr::kVersion,
                    .status = IndexStatus::Incomplete,
                    .value = {},
                    .unit = {},
                    .band = {},
                    .missing = {},
                    .reason = {},
                    .occurred = sample.effective(),
                    .basis = {turn_.hex.of(sample.id)}};
    if (age && *age < egfr::kAdultAge) {
        event.status = IndexStatus::NotApplicable;
        event.reason = "below 18 years";
    } else {
        if (!age) event.missing.push_back(kBirthDate);
        if (!sex_known) event.missing.push_back(kSex);
        if (!sample.bounds().exact() || sample.value <= 0) event.missing.push_back(kExactValue);
        if (event.missing.empty()) {
            const double value = egfr::ckd_epi_2021(
                sample.value, *age, sex == Sex::Female ? egfr::Sex::Female : egfr::Sex::Male);
            event.status = IndexStatus::Complete;
            event.value = value;
            event.unit = egfr::kUnit;
            event.band = egfr::category(value);
        }
    }
    turn_.out.emit_event(Topic::Risk, turn_.person_id(), event,
                         {.event_time = sample.at, .urgent = false});
}

void Indices::retract(std::string_view person, const Sample& sample) {
    for (const auto& [method, version] :
         {std::pair{aki::kMethod, aki::kVersion}, std::pair{egfr::kMethod, egfr::kVersion}}) {
        const auto id = risk_id(person, method, sample.id);
        const bool merged = person != turn_.person_id();
        turn_.out.emit_event(
            Topic::Risk, turn_.person_id(),
            RiskEvent{
                .id = turn_.hex.of(id),
                .person = person,
                .method = method,
                .version = version,
                .status = IndexStatus::NotApplicable,
                .value = {},
                .unit = {},
                .band = {},
                .missing = {},
                .reason = merged ? "the persons were merged" : "the observation was withdrawn",
                .occurred = sample.effective(),
                .basis = {turn_.hex.of(sample.id)},
                .retracted = true,
                .merged_into = merged ? turn_.person_id() : std::string_view()},
            {.event_time = sample.at, .urgent = false});
    }
}

}  // namespace vitalog::processors::care
