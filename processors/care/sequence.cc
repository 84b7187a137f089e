#include "processors/care/sequence.h"

#include <algorithm>
#include <functional>

#include "processors/care/index_kinds.h"
#include "processors/care/indices.h"

namespace vitalog::processors::care {
namespace {

using schemas::Rule;
using schemas::RuleKind;

/// A stretch of event time: from the first moment, up to and without the last.
struct Stretch {
    EventTime from;
    EventTime before;

    bool holds(EventTime at) const { return at >= from && at < before; }
};

EventTime from_millis(std::int64_t millis) {
    return EventTime(millis * 1000);
}

void add_results(const Results& results, std::string_view loinc, std::string_view unit,
                 const Stretch& stretch, std::vector<EventTime>& moments) {
    const auto series = results.find_series(loinc, unit);
    if (!series) return;
    for (const auto& sample : results.samples(*series))
        if (sample.live() && stretch.holds(sample.at)) moments.push_back(sample.at);
}

/// When something that the condition looks at was measured, the latest first.
std::vector<EventTime> moments_of(const Person& person, const Rule& condition,
                                  const Stretch& stretch) {
    std::vector<EventTime> moments;
    if (const auto* kind = find_index_kind(condition.index); kind != nullptr) {
        const auto number = static_cast<std::uint8_t>(kind - index_kinds().data());
        for (const auto& result : person.index_results.of(number))
            if (stretch.holds(result.at)) moments.push_back(result.at);
    } else if (condition.kind == RuleKind::IndexBand) {
        add_results(person.results, kCreatinine, kCreatinineUnit, stretch, moments);
    }
    Window window;
    for (const auto& loinc : condition.loinc) {
        add_results(person.results, loinc, condition.unit, stretch, moments);
        person.windows.load(loinc, condition.unit, window);
        for (std::size_t level = 0; level < Window::kLevels.size(); ++level)
            for (const Bucket& bucket : window.level(level))
                if (stretch.holds(from_millis(bucket.last_at)))
                    moments.push_back(from_millis(bucket.last_at));
    }
    std::sort(moments.begin(), moments.end(), std::greater<>());
    moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
    return moments;
}

SampleFact fact_of(const Rule& condition, std::string_view loinc, const Window& window,
                   const Bucket& bucket, double value) {
    SampleFact fact;
    fact.event = window.event;
    fact.loinc = loinc;
    fact.unit = condition.unit;
    fact.value = value;
    fact.text = "the furthest of " + std::to_string(bucket.count) + " values up to then";
    fact.at = {from_millis(bucket.last_at), 0, Precision::Second};
    fact.id = IdHash().part(window.event).part(loinc).part(bucket.last_at).part(fact.text).finish();
    return fact;
}

/// The latest bucket of samples in which a threshold was met for certain.
Evaluation met_in_bucket(const Person& person, const Rule& condition, const Stretch& stretch) {
    Evaluation latest;
    Window window;
    for (const auto& loinc : condition.loinc) {
        person.windows.load(loinc, condition.unit, window);
        for (std::size_t level = 0; level < Window::kLevels.size(); ++level)
            for (const Bucket& bucket : window.level(level)) {
                const bool inside = stretch.holds(from_millis(bucket.first_at)) &&
                                    stretch.holds(from_millis(bucket.last_at));
                const bool later =
                    latest.verdict != Verdict::Met || from_millis(bucket.last_at) > latest.at.at;
                if (!inside || !later) continue;
                for (const std::int64_t extreme : {bucket.min, bucket.max}) {
                    const double value = window.scaled(extreme);
                    if (!rules::met_by_value(condition, Bounds::of(value))) continue;
                    latest.verdict = Verdict::Met;
                    latest.facts = {fact_of(condition, loinc, window, bucket, value)};
                    latest.at = latest.facts.front().at;
                }
            }
    }
    return latest;
}

/// Tells why a condition was not met in its stretch: it was met before it, or what was looked at
/// last in it.
void tell_unmet(const Turn& turn, const Rule& condition, const Stretch& stretch,
                std::span<const EventTime> inside) {
    for (const EventTime at :
         moments_of(turn.person, condition, {EventTime(INT64_MIN), stretch.from})) {
        if (evaluate(turn, condition, at).verdict != Verdict::Met) continue;
        return turn.trace->judged({.rule = condition, .of = Judgement::Of::TooOld, .at = at});
    }
    turn.trace->judged({.rule = condition});
    if (!inside.empty()) (void)evaluate(turn, condition, inside.front());
}

/// The latest moment of the stretch at which the condition was met.
Evaluation latest_met(const Turn& turn, const Rule& condition, const Stretch& stretch) {
    Evaluation found;
    const auto moments = moments_of(turn.person, condition, stretch);
    for (const EventTime at : moments) {
        Evaluation then = evaluate(turn, condition, at);
        if (then.verdict != Verdict::Met || !stretch.holds(then.at.at)) continue;
        found = std::move(then);
        break;
    }
    if (turn.trace != nullptr && found.verdict != Verdict::Met)
        tell_unmet(turn, condition, stretch, moments);
    if (condition.kind != RuleKind::Threshold) return found;
    Evaluation sampled = met_in_bucket(turn.person, condition, stretch);
    const bool later = sampled.verdict == Verdict::Met &&
                       (found.verdict != Verdict::Met || sampled.at.at > found.at.at);
    if (!later) return found;
    const SampleFact& fact = sampled.facts.front();
    if (turn.trace != nullptr)
        turn.trace->judged({.rule = condition,
                            .of = Judgement::Of::Value,
                            .met = true,
                            .at = sampled.at.at,
                            .value = Bounds::of(*fact.value),
                            .what = fact.loinc});
    return sampled;
}

}  // namespace

Evaluation evaluate_sequence(const Turn& turn, const Rule& rule, EventTime as_of) {
    const Rule& last = rule.conditions.back();
    if (turn.trace != nullptr) turn.trace->combines(rule, as_of);
    Evaluation whole = evaluate(turn, last, as_of);
    if (whole.verdict != Verdict::Met) return whole;
    if (as_of - whole.at.at > rule.within) {
        if (turn.trace != nullptr)
            turn.trace->judged({.rule = last, .of = Judgement::Of::TooOld, .at = whole.at.at});
        return {};
    }
    Stretch stretch{whole.at.at - rule.within, whole.at.at};
    for (std::size_t i = rule.conditions.size() - 1; i-- > 0;) {
        Evaluation part = latest_met(turn, rule.conditions[i], stretch);
        if (part.verdict != Verdict::Met) {
            whole.verdict = Verdict::Between;
            return whole;
        }
        stretch.before = part.at.at;
        // The decisive one stays last.
        whole.results.insert(whole.results.begin(), part.results.begin(), part.results.end());
        whole.facts.insert(whole.facts.begin(), part.facts.begin(), part.facts.end());
    }
    return whole;
}

}  // namespace vitalog::processors::care
