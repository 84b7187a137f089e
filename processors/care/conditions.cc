#include "processors/care/conditions.h"

#include <algorithm>
#include <charconv>

#include "processors/care/current_indices.h"
#include "processors/care/indices.h"
#include "processors/care/sequence.h"

namespace vitalog::processors::care {
namespace {

using rules::Statistics;
using schemas::Rule;
using schemas::RuleKind;

Verdict verdict_of(bool met, bool cleared) {
    if (met) return Verdict::Met;
    return cleared ? Verdict::Cleared : Verdict::Between;
}

/// The newest value of a rule's codes: an observation, or a device's sample.
struct Newest {
    ZonedTime at;
    Bounds value;
    std::optional<Results::Place> place;  ///< none: a sample
    std::string_view loinc;
    RecordId event;
};

std::optional<Results::Place> newest_result(const Results& results, std::uint32_t series,
                                            EventTime as_of) {
    const auto samples = results.samples(series);
    for (auto i = static_cast<std::uint32_t>(samples.size()); i-- > 0;)
        if (samples[i].live() && samples[i].at <= as_of) return Results::Place{series, i};
    return std::nullopt;
}

std::optional<Newest> newest_value(const Person& person, const Rule& rule, EventTime as_of) {
    std::optional<Newest> newest;
    for (const auto& loinc : rule.loinc) {
        if (const auto series = person.results.find_series(loinc, rule.unit))
            if (const auto place = newest_result(person.results, *series, as_of)) {
                const Sample& sample = person.results.at(*place);
                if (!newest || sample.at > newest->at.at)
                    newest =
                        Newest{sample.effective(), sample.bounds(), place, loinc, sample.event};
            }
        const auto sample = person.windows.latest(loinc, rule.unit, as_of);
        if (sample && (!newest || sample->at > newest->at.at))
            newest = Newest{{sample->at, 0, Precision::Second},
                            Bounds::of(sample->value),
                            std::nullopt,
                            loinc,
                            sample->event};
    }
    return newest;
}

SampleFact fact_of(const Rule& rule, const Newest& newest, std::string text) {
    SampleFact fact;
    fact.id = IdHash()
                  .part(newest.event)
                  .part(newest.loinc)
                  .part(newest.at.at.micros())
                  .part(text)
                  .finish();
    fact.event = newest.event;
    fact.loinc = newest.loinc;
    fact.unit = rule.unit;
    fact.value = newest.value.stated;
    fact.text = std::move(text);
    fact.at = newest.at;
    return fact;
}

void tell(const Turn& turn, const Judgement& judgement) {
    if (turn.trace != nullptr) turn.trace->judged(judgement);
}

Evaluation on_value(const Rule& rule, const Newest& newest, Verdict verdict, const Person& person) {
    Evaluation result;
    result.verdict = verdict;
    result.at = newest.at;
    if (newest.place)
        result.results.push_back(person.results.at(*newest.place).id);
    else
        result.facts.push_back(fact_of(rule, newest, {}));
    return result;
}

Judgement changed_from(const Rule& rule, const Newest& newest, double least, double most) {
    return {.rule = rule,
            .of = Judgement::Of::Change,
            .at = newest.at.at,
            .value = newest.value,
            .what = newest.loinc,
            .least = least,
            .most = most};
}

Evaluation by_change(const Turn& turn, const Rule& rule, const Newest& newest) {
    const Person& person = turn.person;
    if (newest.place) {
        std::vector<rules::Reading> others;
        for (const auto& sample : person.results.samples(newest.place->series))
            if (sample.live()) others.push_back({sample.at, sample.bounds()});
        const rules::Reading current{newest.at.at, newest.value};
        if (turn.trace != nullptr) {
            const auto [least, most] = rules::extremes_before(rule, current, others);
            turn.trace->judged(changed_from(rule, newest, least, most));
        }
        return on_value(rule, newest,
                        verdict_of(rules::met_by_change(rule, current, others).has_value(),
                                   rules::cleared_by_change(rule, current, others)),
                        person);
    }
    Window window;
    person.windows.load(newest.loinc, rule.unit, window);
    const auto before = window.extremes_before(newest.at.at, rule.within);
    if (!before) return {};
    tell(turn, changed_from(rule, newest, before->min, before->max));
    const double value = newest.value.stated;
    return on_value(
        rule, newest,
        verdict_of(rules::met_by_change(rule, value, before->min, before->max).has_value(),
                   rules::cleared_by_change(rule, value, before->min, before->max)),
        person);
}

std::optional<Statistics> statistics_of(const Person& person, const Rule& rule,
                                        const Newest& newest, EventTime as_of) {
    if (!newest.place) {
        Window window;
        person.windows.load(newest.loinc, rule.unit, window);
        return window.statistics(rule.window, as_of);
    }
    std::vector<rules::Point> points;
    const EventTime from = as_of - schemas::duration_of(rule.window);
    for (const auto& sample : person.results.samples(newest.place->series))
        if (sample.live() && sample.at > from && sample.at <= as_of && sample.bounds().exact())
            points.push_back({sample.at, sample.value});
    return rules::statistics_of(points);
}

/// "mean over 24h: 40 values".
std::string name_of(const Rule& rule, const Statistics& statistics) {
    std::string text = rule.kind == RuleKind::Trend
                           ? "slope per " + to_string(rule.per)
                           : std::string(schemas::name_of_enum(rule.statistic));
    text.append(" over ").append(schemas::name_of_enum(rule.window)).append(": ");
    return text + std::to_string(statistics.count) + " values";
}

Evaluation by_statistics(const Turn& turn, const Rule& rule, const Newest& newest,
                         EventTime as_of) {
    const Person& person = turn.person;
    const auto statistics = statistics_of(person, rule, newest, as_of);
    if (!statistics) return {};
    Evaluation result;
    result.verdict = verdict_of(rules::met_by_statistics(rule, *statistics).has_value(),
                                rules::cleared_by_statistics(rule, *statistics));
    result.at = newest.at;
    if (newest.place) result.results.push_back(person.results.at(*newest.place).id);
    SampleFact fact = fact_of(rule, newest, name_of(rule, *statistics));
    fact.value = rules::statistic_of(rule, *statistics);
    if (fact.value && rule.kind == RuleKind::Trend)
        *fact.value *= std::chrono::duration<double, std::ratio<3600>>(rule.per).count();
    tell(turn, {.rule = rule,
                .of = Judgement::Of::Statistic,
                .met = result.verdict == Verdict::Met,
                .at = newest.at.at,
                .value = Bounds::of(fact.value.value_or(0)),
                .what = newest.loinc,
                .count = fact.value ? statistics->count : 0,
                .covered = statistics->last - statistics->first});
    result.facts.push_back(std::move(fact));
    return result;
}

/// The newest band of an index over current values.
Evaluation by_current_band(const Person& person, const Rule& rule, EventTime as_of) {
    const auto* kind = find_index_kind(rule.index);
    const auto number = static_cast<std::uint8_t>(kind - index_kinds().data());
    const auto* result = person.index_results.newest(number, as_of);
    if (result == nullptr || result->band == kNoBand) return {};
    const auto band = band_names()[result->band];
    Evaluation found;
    found.verdict = verdict_of(rules::met_by_band(rule, band).has_value(),
                               result->settled && rules::cleared_by_band(rule, band));
    found.at = {result->at, result->offset_minutes, Precision::Second};
    SampleFact fact;
    fact.id = IdHash().part(rule.index).part(result->at.micros()).part(band).finish();
    fact.display = rule.index;
    fact.text = std::string(band);
    fact.at = found.at;
    found.facts.push_back(std::move(fact));
    return found;
}

/// AKI stands with the creatinine results that it was computed on.
Evaluation by_band(const Person& person, const Rule& rule, EventTime as_of) {
    if (find_index_kind(rule.index) != nullptr) return by_current_band(person, rule, as_of);
    const auto series = person.results.find_series(kCreatinine, kCreatinineUnit);
    if (rule.index != aki::kMethod || !series) return {};
    const auto place = newest_result(person.results, *series, as_of);
    const auto band = place ? stored_band(person.results.at(*place)) : std::nullopt;
    if (!band) return {};
    Evaluation result;
    result.verdict = verdict_of(rules::met_by_band(rule, band->band).has_value(),
                                band->complete && rules::cleared_by_band(rule, band->band));
    result.at = person.results.at(*place).effective();
    result.results.push_back(person.results.at(*place).id);
    return result;
}

void tell_band(const Turn& turn, const Rule& rule, const Evaluation& found) {
    if (turn.trace == nullptr) return;
    if (found.verdict == Verdict::Unknown) return turn.trace->judged({.rule = rule});
    std::string_view band;
    if (!found.facts.empty()) {
        band = found.facts.front().text;
    } else if (const auto place = turn.person.results.find(found.results.front())) {
        if (const auto stored = stored_band(turn.person.results.at(*place))) band = stored->band;
    }
    turn.trace->judged({.rule = rule,
                        .of = Judgement::Of::Band,
                        .met = found.verdict == Verdict::Met,
                        .at = found.at.at,
                        .what = band});
}

Evaluation by_value(const Turn& turn, const Rule& rule, const Newest& newest) {
    const bool met = rules::met_by_value(rule, newest.value).has_value();
    tell(turn, {.rule = rule,
                .of = Judgement::Of::Value,
                .met = met,
                .at = newest.at.at,
                .value = newest.value,
                .what = newest.loinc});
    return on_value(rule, newest, verdict_of(met, rules::cleared_by_value(rule, newest.value)),
                    turn.person);
}

Evaluation combined(const Turn& turn, const Rule& rule, EventTime as_of) {
    if (turn.trace != nullptr) turn.trace->combines(rule, as_of);
    Evaluation result;
    std::size_t met = 0, cleared = 0, known = 0;
    for (const auto& condition : rule.conditions) {
        Evaluation part = evaluate(turn, condition, as_of);
        if (part.verdict == Verdict::Unknown) continue;
        if (as_of - part.at.at > rule.within) {
            tell(turn, {.rule = condition, .of = Judgement::Of::TooOld, .at = part.at.at});
            continue;
        }
        ++known;
        met += part.verdict == Verdict::Met;
        cleared += part.verdict == Verdict::Cleared;
        if (known == 1 || part.at.at > result.at.at) result.at = part.at;
        if (part.verdict != Verdict::Met && part.verdict != Verdict::Cleared) continue;
        result.results.insert(result.results.end(), part.results.begin(), part.results.end());
        std::move(part.facts.begin(), part.facts.end(), std::back_inserter(result.facts));
    }
    if (known == 0) return result;
    if (rule.kind == RuleKind::AllOf)
        result.verdict = verdict_of(met == rule.conditions.size(), cleared > 0);
    else
        result.verdict = verdict_of(met > 0, cleared == known);
    return result;
}

}  // namespace

std::optional<EventTime> newest_moment(const Person& person, const Rule& rule) {
    std::optional<EventTime> newest;
    const auto take = [&](std::optional<EventTime> at) {
        if (at && (!newest || *at > *newest)) newest = at;
    };
    for (const auto& condition : rule.conditions) take(newest_moment(person, condition));
    constexpr EventTime kEver(INT64_MAX);
    if (rule.kind == RuleKind::IndexBand) {
        if (const auto band = by_band(person, rule, kEver); band.verdict != Verdict::Unknown)
            take(band.at.at);
    } else if (const auto value = newest_value(person, rule, kEver)) {
        take(value->at.at);
    }
    return newest;
}

std::string number_text(double value) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

Evaluation evaluate(const Turn& turn, const Rule& rule, EventTime as_of) {
    const Person& person = turn.person;
    if (rule.kind == RuleKind::Sequence) return evaluate_sequence(turn, rule, as_of);
    if (rule.combines()) return combined(turn, rule, as_of);
    if (rule.kind == RuleKind::Silence)
        return rule.conditions.empty() ? Evaluation{} : evaluate(turn, rule.conditions[0], as_of);
    if (rule.kind == RuleKind::IndexBand) {
        Evaluation found = by_band(person, rule, as_of);
        tell_band(turn, rule, found);
        return found;
    }
    const auto newest = newest_value(person, rule, as_of);
    if (!newest) {
        tell(turn, {.rule = rule});
        return {};
    }
    switch (rule.kind) {
        case RuleKind::Change:
            return by_change(turn, rule, *newest);
        case RuleKind::Trend:
        case RuleKind::Window:
            return by_statistics(turn, rule, *newest, as_of);
        default:
            return by_value(turn, rule, *newest);
    }
}

}  // namespace vitalog::processors::care
