#include "processors/care/react.h"

#include <algorithm>

#include "processors/care/conditions.h"
#include "processors/care/current_indices.h"
#include "processors/care/episodes.h"
#include "processors/care/latest_samples.h"
#include "processors/care/person_rules.h"

namespace vitalog::processors::care {
namespace {

using rules::Reading;
using rules::RulePtr;
using schemas::Rule;
using schemas::RuleKind;

constexpr std::string_view kClear = "within its limits again";

std::vector<Reading> readings_of(std::span<const Sample> samples) {
    std::vector<Reading> readings;
    readings.reserve(samples.size());
    for (const auto& sample : samples)
        if (sample.live()) readings.push_back({sample.at, sample.bounds()});
    return readings;
}

/// The stretch up to the value at `index` in which values met something all along.
template <class Meets>
rules::Run run_up_to(std::span<const Sample> samples, std::size_t index,
                     std::chrono::microseconds max_gap, Meets meets) {
    rules::Run run;
    for (std::size_t i = 0; i <= index; ++i)
        if (samples[i].live()) run.follow(samples[i].at, {}, meets(samples[i].bounds()), max_gap);
    return run;
}

/// By the newest value, or a band, not by several: the rest is evaluate()'s.
bool judges_one(const Rule& rule) {
    return rule.kind == RuleKind::Threshold || rule.kind == RuleKind::Change ||
           rule.kind == RuleKind::IndexBand;
}

/// Where a judgement is told to, and of which code it is.
struct Told {
    RuleTrace* to = nullptr;
    std::string_view loinc = {};
};

std::optional<rules::Level> level_of_value(const Rule& rule, const Sample& sample,
                                           std::span<const Sample> samples, Told told) {
    const auto level = rules::met_by_value(rule, sample.bounds());
    rules::Run run;
    if (level && rule.hold.count() > 0)
        run = run_up_to(
            samples, static_cast<std::size_t>(&sample - samples.data()), rule.max_gap,
            [&](const Bounds& value) { return rules::met_by_value(rule, value).has_value(); });
    if (told.to != nullptr)
        told.to->judged({.rule = rule,
                         .of = Judgement::Of::Value,
                         .met = level.has_value(),
                         .at = sample.at,
                         .value = sample.bounds(),
                         .what = told.loinc,
                         .run = run});
    return rule.hold.count() == 0 || run.held(rule.hold) ? level : std::nullopt;
}

std::optional<rules::Level> level_of_change(const Rule& rule, const Sample& sample,
                                            std::span<const Sample> samples, Told told) {
    const Reading current{sample.at, sample.bounds()};
    const auto readings = readings_of(samples);
    const auto level = rules::met_by_change(rule, current, readings);
    if (told.to != nullptr) {
        const auto [least, most] = rules::extremes_before(rule, current, readings);
        told.to->judged({.rule = rule,
                         .of = Judgement::Of::Change,
                         .met = level.has_value(),
                         .at = sample.at,
                         .value = sample.bounds(),
                         .what = told.loinc,
                         .least = least,
                         .most = most});
    }
    return level;
}

std::optional<rules::Level> level_of_band(const Rule& rule, std::string_view band, EventTime at,
                                          RuleTrace* trace) {
    const auto level = rules::met_by_band(rule, band);
    if (trace != nullptr)
        trace->judged({.rule = rule,
                       .of = Judgement::Of::Band,
                       .met = level.has_value(),
                       .at = at,
                       .what = band});
    return level;
}

std::optional<rules::Level> level_of(const Person& person, const Rule& rule, const Sample& sample,
                                     std::span<const Sample> samples, Told told = {}) {
    if (rule.kind == RuleKind::Threshold) return level_of_value(rule, sample, samples, told);
    if (rule.kind == RuleKind::Change) return level_of_change(rule, sample, samples, told);
    if (const auto current = band_at(person.index_results, rule.index, sample.at))
        return level_of_band(rule, *current, sample.at, told.to);
    const auto band = stored_band(sample);
    if (!band || rule.index != aki::kMethod) return std::nullopt;
    return level_of_band(rule, band->band, sample.at, told.to);
}

/// Whether the rule, or a condition of it, looks at results of this series.
bool looks_at(const Rule& rule, const Series& series) {
    if (!rule.conditions.empty())
        return std::any_of(rule.conditions.begin(), rule.conditions.end(),
                           [&](const Rule& condition) { return looks_at(condition, series); });
    if (rule.kind == RuleKind::IndexBand) {
        if (const auto* kind = find_index_kind(rule.index))
            return (items_of(series.loinc) & kind->inputs) != 0;
        return rule.index == aki::kMethod && series.loinc == kCreatinine &&
               series.unit == kCreatinineUnit;
    }
    return rules::judges_code(rule, series.loinc) && rule.unit == series.unit;
}

bool nothing_to_do(std::span<const Touched> touched, Occasion occasion) {
    return touched.empty() && !occasion.demographics && !occasion.merged;
}

class Reaction {
  public:
    Reaction(Turn& turn, std::span<const Touched> touched)
        : turn_(turn), touched_(touched), episodes_(turn) {}

    void run(Occasion occasion, std::span<const Judged> judged) {
        const std::size_t known = turn_.person.episodes.size();
        if (!occasion.merged)
            for (const auto& t : touched_) judge_values(t);
        for (const auto& verdict : judged) judge_band(verdict);
        if (!occasion.merged)
            for (const auto& t : touched_)
                if (t.change == Change::Withdrawn) judge_standing(t);
        if (!turn_.person.episodes.empty()) {
            correct(known);
            close();
            turn_.person.forget_old_episodes(turn_.input.received.as<EventTime>());
        }
    }

  private:
    Results& results() { return turn_.person.results; }

    void judge_values(const Touched& t) {
        const Series& series = results().series()[t.series];
        const auto in_force = turn_.rules.for_code(series.loinc);
        if (in_force.empty() && turn_.person.episodes.empty()) return;
        const auto place = results().find(t.id);
        if (!place) return;
        const bool stands = t.change != Change::Withdrawn;
        for (const auto& rule : RulesThat(turn_.person, in_force, [&](const Rule& r) {
                 return rules::judges_code(r, series.loinc);
             })) {
            if (looks_at(*rule, series))
                judge_from(rule, *place, stands);
            else if (stands)
                refuse_unit(*rule, series, t.id);
        }
    }

    /// Judges a value that came, changed or went, and those after it that rest on it as well. Where
    /// it went, the newest that is left says how things stand: what went may have ended an alert.
    void judge_from(const RulePtr& rule, Results::Place place, bool stands) {
        const auto samples = results().samples(place.series);
        const auto reach = reach_of(*rule);
        std::uint32_t& next = next_to_judge(*rule, place.series);
        for (std::uint32_t i = std::max(place.index, next); i < samples.size(); ++i) {
            if (i > place.index && samples[i].at - samples[place.index].at > reach) break;
            if (samples[i].live()) judge_value(rule, {place.series, i});
            next = i + 1;
        }
        if (!stands)
            if (const auto newest = newest_in(place.series)) judge_value(rule, *newest);
        if (!rule->combines()) return;
        const auto newest = newest_moment(turn_.person, *rule);
        if (newest && *newest > samples[place.index].at) judge_whole(rule, *newest);
    }

    /// How far back of a value the rule looks beside it.
    static std::chrono::microseconds reach_of(const Rule& rule) {
        if (rule.kind == RuleKind::Change) return rule.within;
        if (rule.kind == RuleKind::Window || rule.kind == RuleKind::Trend)
            return schemas::duration_of(rule.window);
        return rule.hold.count() > 0 ? rule.hold + rule.max_gap : std::chrono::microseconds(0);
    }

    /// The first value of a series that the rule has not judged in this record: many that come at
    /// once reach the same ones.
    std::uint32_t& next_to_judge(const Rule& rule, std::uint32_t series) {
        for (auto& known : next_)
            if (known.series == series && known.rule == rule.id) return known.next;
        return next_.emplace_back(Next{rule.id, series, 0}).next;
    }

    void judge_value(const RulePtr& rule, Results::Place place) {
        const Sample& sample = results().at(place);
        if (!judges_one(*rule)) return judge_whole(rule, sample.at);
        const Told told{turn_.trace, results().series()[place.series].loinc};
        if (const auto level =
                level_of(turn_.person, *rule, sample, results().samples(place.series), told))
            episodes_.meet(rule, *level, {sample.effective(), std::span(&sample.id, 1), {}});
    }

    /// Windows, trends and combinations, as of a moment.
    void judge_whole(const RulePtr& rule, EventTime as_of) {
        const auto found = evaluate(turn_, *rule, as_of);
        if (found.verdict == Verdict::Met)
            episodes_.meet(rule, rules::level_of(*rule), {found.at, found.results, found.facts});
    }

    void refuse_unit(const Rule& rule, const Series& series, const RecordId& id) {
        if (turn_.trace != nullptr)
            turn_.trace->judged({.rule = rule,
                                 .of = Judgement::Of::OtherUnit,
                                 .at = results().at(*results().find(id)).at,
                                 .what = series.unit});
        turn_.out.dead_letter(Error(Errc::Configuration,
                                    "rule '" + rule.id + "' judges " + series.loinc + " in " +
                                        rules::unit_of(rule, series.loinc) + " but it came in " +
                                        series.unit + "; change the rule's unit or the code table"),
                              turn_.hex.of(id));
    }

    void judge_band(const Judged& verdict) {
        const auto place = results().find(verdict.result);
        if (!place) return;
        for (const auto& rule : rules_of_index(verdict.method))
            if (rule->combines())
                judge_whole(rule, results().at(*place).at);
            else if (const auto level =
                         level_of_band(*rule, verdict.band, results().at(*place).at, turn_.trace))
                episodes_.meet(rule, *level,
                               {results().at(*place).effective(), verdict.decisive, {}});
    }

    /// Where a result went, the newest band that is left of what rested on it says how things
    /// stand: it may be one that the withdrawn result had ended.
    void judge_standing(const Touched& gone) {
        const Series& series = results().series()[gone.series];
        if (series.loinc == kCreatinine && series.unit == kCreatinineUnit)
            if (const auto newest = newest_in(gone.series))
                for (const auto& rule : rules_of_index(aki::kMethod))
                    if (!rule->combines()) judge_value(rule, *newest);
        const auto kinds = index_kinds();
        for (std::uint8_t n = 0; n < kinds.size(); ++n) {
            if ((items_of(series.loinc) & kinds[n].inputs) == 0) continue;
            const auto* result = turn_.person.index_results.newest(n, EventTime(INT64_MAX));
            if (result == nullptr || result->band == kNoBand || result->at >= gone.at) continue;
            const auto* sample = observation_at(results(), kinds[n], result->at);
            if (sample == nullptr) continue;
            for (const auto& rule : rules_of_index(kinds[n].method))
                if (const auto level = rules::met_by_band(*rule, band_names()[result->band]);
                    level && !rule->combines())
                    episodes_.meet(rule, *level,
                                   {sample->effective(), std::span(&sample->id, 1), {}});
        }
    }

    RulesThat rules_of_index(std::string_view method) {
        return RulesThat(turn_.person, turn_.rules.for_index(method),
                         [&](const Rule& r) { return rules::judges_index(r, method); });
    }

    /// Tells of results that changed after they were shown, open or decided. The first `known`
    /// episodes were there before: what a correction itself raised never showed the old value.
    void correct(std::size_t known) {
        for (std::size_t i = 0; i < known; ++i) {
            Episode& episode = turn_.person.episodes[i];
            std::vector<RecordId> changed;
            bool withdrawn = false;
            for (const auto& t : touched_) {
                if (t.change == Change::Added || !episode.rests_on(t.id)) continue;
                changed.push_back(t.id);
                if (t.change != Change::Withdrawn) continue;
                const auto* successor = standing_in_for(t);
                if (successor != nullptr) changed.push_back(successor->id);
                withdrawn = withdrawn || successor == nullptr;
            }
            if (changed.empty()) continue;
            episodes_.correct(episode, changed,
                              withdrawn ? "a result it rests on was withdrawn"
                                        : "a result it rests on was corrected",
                              supported(episode));
        }
    }

    /// The correction that took a result's place under another time, or null.
    const Touched* standing_in_for(const Touched& gone) const {
        for (const auto& t : touched_)
            if (t.corrects && t.change == Change::Added && t.series == gone.series) return &t;
        return nullptr;
    }

    /// Whether anything that the episode rests on still meets its rule. What devices showed is not
    /// taken back.
    bool supported(const Episode& episode) {
        if (!episode.facts.empty() && judges_one(*episode.rule)) return true;
        return std::any_of(episode.evidence.begin(), episode.evidence.end(),
                           [&](const RecordId& id) { return supports(*episode.rule, id); });
    }

    bool supports(const Rule& rule, const RecordId& id) {
        const auto place = results().find(id);
        if (!place || !looks_at(rule, results().series()[place->series])) return false;
        const Sample& sample = results().at(*place);
        if (!judges_one(rule)) return evaluate(turn_, rule, sample.at).verdict == Verdict::Met;
        return sample.live() &&
               level_of(turn_.person, rule, sample, results().samples(place->series)).has_value();
    }

    /// An episode closes when the newest value that its rule looks at lies within its own clear
    /// limits. Where that is a device's sample, judging samples sees to it.
    void close() {
        for (auto& episode : turn_.person.episodes) {
            if (!episode.open || closed_by_current_index(episode)) continue;
            if (!judges_one(*episode.rule)) {
                close_whole(episode);
                continue;
            }
            const auto newest = newest_for(*episode.rule);
            if (!newest) continue;
            const Sample& sample = results().at(*newest);
            if (sampled_after(*episode.rule, sample.at) || !cleared(*episode.rule, *newest))
                continue;
            const Finding last{sample.effective(), std::span(&sample.id, 1), {}};
            episodes_.close(episode, &last, kClear);
        }
    }

    void close_whole(Episode& episode) {
        const auto newest = newest_moment(turn_.person, *episode.rule);
        if (!newest) return;
        const auto found = evaluate(turn_, *episode.rule, *newest);
        if (found.verdict != Verdict::Cleared) return;
        const Finding last{found.at, found.results, found.facts};
        episodes_.close(episode, &last, kClear);
    }

    bool sampled_after(const Rule& rule, EventTime at) {
        return std::any_of(rule.loinc.begin(), rule.loinc.end(), [&](const std::string& loinc) {
            const auto last = turn_.person.windows.last_of(loinc);
            return last && *last > at;
        });
    }

    /// True when its rule looks at an index over current values: that alone decides its end.
    bool closed_by_current_index(Episode& episode) {
        const auto* kind = find_index_kind(episode.rule->index);
        if (kind == nullptr) return false;
        const auto at = cleared_at(turn_.person.index_results, *episode.rule, episode.since.at);
        if (!at) return true;
        const auto* sample = observation_at(results(), *kind, *at);
        const auto evidence =
            sample == nullptr ? std::span<const RecordId>() : std::span(&sample->id, 1);
        const Finding last{{*at, episode.since.offset_minutes, Precision::Second}, evidence, {}};
        episodes_.close(episode, &last, kClear);
        return true;
    }

    std::optional<Results::Place> newest_for(const Rule& rule) {
        std::optional<Results::Place> newest;
        for (std::uint32_t s = 0; s < results().series().size(); ++s) {
            const Series& series = results().series()[s];
            if (!looks_at(rule, series)) continue;
            const auto place = newest_in(s);
            if (place && (!newest || results().at(*place).at > results().at(*newest).at))
                newest = place;
        }
        return newest;
    }

    std::optional<Results::Place> newest_in(std::uint32_t series) {
        const auto samples = results().samples(series);
        for (auto i = static_cast<std::uint32_t>(samples.size()); i-- > 0;)
            if (samples[i].live()) return Results::Place{series, i};
        return std::nullopt;
    }

    bool cleared(const Rule& rule, Results::Place place) {
        const Sample& sample = results().at(place);
        if (rule.kind == RuleKind::Threshold && rule.clear_hold.count() == 0)
            return rules::cleared_by_value(rule, sample.bounds());
        if (rule.kind == RuleKind::Threshold)
            return run_up_to(
                       results().samples(place.series), place.index, rule.max_gap,
                       [&](const Bounds& value) { return rules::cleared_by_value(rule, value); })
                .held(rule.clear_hold);
        if (rule.kind == RuleKind::Change)
            return rules::cleared_by_change(rule, {sample.at, sample.bounds()},
                                            readings_of(results().samples(place.series)));
        const auto band = stored_band(sample);
        return band && band->complete && rules::cleared_by_band(rule, band->band);
    }

    struct Next {
        std::string rule;
        std::uint32_t series;
        std::uint32_t next;
    };

    Turn& turn_;
    std::span<const Touched> touched_;
    Episodes episodes_;
    std::vector<Next> next_;
};

}  // namespace

std::vector<Judged> compute_indices(Turn& turn, std::vector<Touched>& touched, Occasion occasion) {
    std::vector<Judged> judged;
    if (nothing_to_do(touched, occasion)) return judged;
    std::stable_sort(touched.begin(), touched.end(),
                     [](const Touched& a, const Touched& b) { return a.at < b.at; });
    Indices(turn).evaluate(touched, occasion, judged);
    const WindowSamples samples(turn.person.windows);
    CurrentIndices(turn, &samples).evaluate(touched, occasion, judged);
    return judged;
}

void judge_results(Turn& turn, std::span<const Touched> touched, Occasion occasion,
                   std::span<const Judged> judged) {
    if (!nothing_to_do(touched, occasion)) Reaction(turn, touched).run(occasion, judged);
}

std::string_view HexText::of(const RecordId& id) {
    if (used_ == texts_.size()) texts_.emplace_back();
    auto& text = texts_[used_++];
    id.write_hex(text.data());
    return {text.data(), text.size()};
}

}  // namespace vitalog::processors::care
