#include "processors/care/judge_samples.h"

#include <algorithm>
#include <cmath>

#include "processors/care/conditions.h"
#include "processors/care/current_indices.h"
#include "processors/care/episodes.h"
#include "processors/care/latest_samples.h"
#include "processors/care/person_rules.h"

namespace vitalog::processors::care {
namespace {

using rules::RulePtr;
using schemas::Rule;
using schemas::RuleKind;

constexpr std::string_view kClear = "within its limits again";
constexpr std::string_view kHeardAgain = "samples come again";

ZonedTime zoned(EventTime at, const CareSeries& series) {
    const bool whole = at.micros() % 1'000'000 == 0;
    return {at, static_cast<std::int16_t>(series.offset_minutes),
            whole ? Precision::Second : Precision::Fraction};
}

SampleFact fact_of(const Turn& turn, const CareSeries& series, const Taken& sample,
                   const rules::Run& run) {
    SampleFact fact;
    fact.id = IdHash()
                  .part(turn.person_id())
                  .part(series.loinc)
                  .part(series.source)
                  .part(sample.at.micros())
                  .finish();
    fact.event = turn.input.id;
    fact.loinc = series.loinc;
    fact.unit = series.unit;
    fact.display = series.display;
    fact.source = series.source;
    fact.value = sample.value;
    fact.at = zoned(sample.at, series);
    if (const auto length = run.last - run.since; run.going && length.count() > 0)
        fact.text = "for " + to_string(length);
    return fact;
}

/// Whether a value lies further beyond its limit than another.
bool worse(const Rule& rule, double value, double than) {
    const auto beyond = [&](double v) {
        double distance = 0;
        if (rule.low) distance = std::max(distance, rule.low->value - v);
        if (rule.high) distance = std::max(distance, v - rule.high->value);
        return distance;
    };
    return beyond(value) > beyond(than);
}

/// One threshold rule over the samples of one series.
class ThresholdOver {
  public:
    ThresholdOver(Turn& turn, const RulePtr& rule, const Arrival& arrival)
        : turn_(turn), rule_(rule), arrival_(arrival), episodes_(turn) {}

    /// Nothing to do for values within limits while nothing is under way.
    bool idle(double least, double most) const {
        return !rules::met_by_value(*rule_, Bounds::of(least)) &&
               !rules::met_by_value(*rule_, Bounds::of(most)) &&
               turn_.person.runs.find(key()) == nullptr &&
               turn_.person.open_episode(rule_->id) == nullptr;
    }

    void run() {
        state_.key = key();
        if (const auto* known = turn_.person.runs.find(state_.key)) state_ = *known;
        const auto& samples = arrival_.samples;
        std::size_t i = 0;
        for (; i < samples.size() && is_late(samples[i]); ++i) late(samples[i]);
        if (i > 0) join_late(samples[i - 1]);
        for (; i < samples.size(); ++i) in_order(samples[i]);
        tell(samples.back(), is_late(samples.back()) ? late_ : state_.raise);
        if (worst_ && open() != nullptr) say_more();
        if (open() == nullptr) state_.clear = {};
        turn_.person.runs.put(state_);
    }

    /// What the newest sample was found to be.
    void tell(const Taken& sample, const rules::Run& run) const {
        if (turn_.trace == nullptr) return;
        turn_.trace->judged({.rule = *rule_,
                             .of = Judgement::Of::Value,
                             .met = meets(sample),
                             .at = sample.at,
                             .value = Bounds::of(sample.value),
                             .what = arrival_.series->loinc,
                             .run = run});
    }

  private:
    std::uint64_t key() const { return RuleRuns::key_of(rule_->id, arrival_.series->loinc); }
    Episode* open() const { return turn_.person.open_episode(rule_->id); }
    bool is_late(const Taken& sample) const {
        return arrival_.before && sample.at <= *arrival_.before;
    }
    bool meets(const Taken& sample) const {
        return rules::met_by_value(*rule_, Bounds::of(sample.value)).has_value();
    }

    /// What is older than what was judged is a stretch of its own: it may raise, and ends nothing.
    void late(const Taken& sample) {
        late_.follow(sample.at, sample.span, meets(sample), rule_->max_gap);
        if (late_.held(rule_->hold)) met(sample, late_);
    }

    /// It may also be the beginning of the stretch that goes on.
    void join_late(const Taken& last) {
        state_.raise.precede(late_, rule_->max_gap);
        if (open() == nullptr && late_.going && state_.raise.held(rule_->hold) &&
            rule_->hold.count() > 0)
            met(last, state_.raise);
    }

    void in_order(const Taken& sample) {
        state_.raise.follow(sample.at, sample.span, meets(sample), rule_->max_gap);
        if (state_.raise.held(rule_->hold)) met(sample, state_.raise);
        Episode* episode = open();
        if (episode == nullptr) return;
        const bool clears = rules::cleared_by_value(*rule_, Bounds::of(sample.value));
        state_.clear.follow(sample.at, sample.span, clears, rule_->max_gap);
        if (!state_.clear.held(rule_->clear_hold) || sample.at < newest_result()) return;
        const auto fact = fact_of(turn_, *arrival_.series, sample, state_.clear);
        const Finding last{fact.at, {}, std::span(&fact, 1)};
        episodes_.close(*episode, &last, kClear);
        state_.clear = {};
        worst_.reset();
    }

    void met(const Taken& sample, const rules::Run& run) {
        Episode* episode = open();
        const auto level = rules::level_of(*rule_);
        if (episode == nullptr || episodes_.changes(*episode, level, sample.at)) {
            const auto fact = fact_of(turn_, *arrival_.series, sample, run);
            episodes_.meet(rule_, level, {fact.at, {}, std::span(&fact, 1)});
        } else if (!worst_ || worse(*rule_, sample.value, worst_->value)) {
            worst_ = sample;
        }
    }

    void say_more() {
        const Episode& episode = *open();
        if (!episode.facts.empty() && worst_->at - episode.facts.back().at.at < kFactEvery) return;
        const auto fact = fact_of(turn_, *arrival_.series, *worst_, {});
        episodes_.meet(rule_, rules::level_of(*rule_), {fact.at, {}, std::span(&fact, 1)});
    }

    /// Event time of the newest observation of the measure: a sample before it ends nothing.
    EventTime newest_result() const {
        const auto& results = turn_.person.results;
        const auto series = results.find_series(arrival_.series->loinc, arrival_.series->unit);
        if (!series) return EventTime(INT64_MIN);
        const auto samples = results.samples(*series);
        for (std::size_t i = samples.size(); i-- > 0;)
            if (samples[i].live()) return samples[i].at;
        return EventTime(INT64_MIN);
    }

    Turn& turn_;
    const RulePtr& rule_;
    const Arrival& arrival_;
    Episodes episodes_;
    RuleRun state_;
    rules::Run late_;
    std::optional<Taken> worst_;
};

/// Every rule over everything that the record brought.
class SampleJudge {
  public:
    explicit SampleJudge(Turn& turn) : turn_(turn), episodes_(turn) {}

    void judge(std::span<const Arrival> arrivals) {
        for (const auto& arrival : arrivals) judge_series(arrival);
        judge_indices(arrivals);
        for (const auto& rule : whole_) judge_whole(rule);
        if (turn_.person.episodes.empty()) return;
        close_indices(arrivals);
        for (const auto& arrival : arrivals) end_silence(arrival);
        turn_.person.forget_old_episodes(turn_.input.received.as<EventTime>());
    }

  private:
    void judge_series(const Arrival& arrival) {
        const CareSeries& series = *arrival.series;
        const auto in_force = turn_.rules.for_code(series.loinc);
        if (in_force.empty() && turn_.person.episodes.empty()) return;
        const auto [least, most] =
            std::minmax_element(arrival.samples.begin(), arrival.samples.end(),
                                [](const Taken& a, const Taken& b) { return a.value < b.value; });
        for (const auto& rule : RulesThat(turn_.person, in_force, [&](const Rule& r) {
                 return rules::judges_code(r, series.loinc);
             })) {
            const auto unit = rules::unit_of(*rule, series.loinc);
            if (unit != series.unit) {
                refuse_unit(*rule, unit, series);
            } else if (rule->kind == RuleKind::Threshold) {
                ThresholdOver over(turn_, rule, arrival);
                if (over.idle(least->value, most->value))
                    over.tell(arrival.samples.back(), {});
                else
                    over.run();
            } else if (std::find(whole_.begin(), whole_.end(), rule) == whole_.end()) {
                whole_.push_back(rule);
            }
        }
    }

    void refuse_unit(const Rule& rule, std::string_view unit, const CareSeries& series) {
        if (turn_.trace != nullptr)
            turn_.trace->judged({.rule = rule,
                                 .of = Judgement::Of::OtherUnit,
                                 .at = turn_.input.received.as<EventTime>(),
                                 .what = series.unit});
        turn_.out.dead_letter(
            Error(Errc::Configuration, "rule '" + rule.id + "' judges " +
                                           std::string(series.loinc) + " in " + std::string(unit) +
                                           " but samples came in " + std::string(series.unit) +
                                           "; change the rule's unit or the table of measures"),
            series.loinc);
    }

    /// A rule over several values, as of the newest of them.
    void judge_whole(const RulePtr& rule) {
        const auto newest = newest_moment(turn_.person, *rule);
        if (!newest) return;
        const auto found = evaluate(turn_, *rule, *newest);
        Episode* open = turn_.person.open_episode(rule->id);
        const Finding finding{found.at, found.results, found.facts};
        if (found.verdict == Verdict::Cleared && open != nullptr)
            episodes_.close(*open, &finding, kClear);
        if (found.verdict != Verdict::Met) return;
        const auto level = rules::level_of(*rule);
        if (open == nullptr || !quiet(*open, found.at.at) ||
            episodes_.changes(*open, level, found.at.at))
            episodes_.meet(rule, level, finding);
    }

    /// Indices over current values, once for all that the record brought.
    void judge_indices(std::span<const Arrival> arrivals) {
        Items changed = 0;
        const Arrival* newest = nullptr;
        for (const auto& arrival : arrivals) {
            const Items item = items_of(arrival.series->loinc);
            changed |= item;
            if (item == 0) continue;
            if (newest == nullptr || arrival.samples.back().at > newest->samples.back().at)
                newest = &arrival;
        }
        if (newest == nullptr) return;
        const ZonedTime moment = zoned(newest->samples.back().at, *newest->series);
        const WindowSamples samples(turn_.person.windows);
        std::vector<Judged> judged;
        CurrentIndices(turn_, &samples).sampled(changed, moment, judged);
        for (const auto& verdict : judged) judge_band(verdict, moment, arrivals);
    }

    void judge_band(const Judged& verdict, const ZonedTime& moment,
                    std::span<const Arrival> arrivals) {
        const auto in_force = turn_.rules.for_index(verdict.method);
        if (in_force.empty() && turn_.person.episodes.empty()) return;
        for (const auto& rule : RulesThat(turn_.person, in_force, [&](const Rule& r) {
                 return rules::judges_index(r, verdict.method);
             })) {
            if (rule->combines()) {
                if (std::find(whole_.begin(), whole_.end(), rule) == whole_.end())
                    whole_.push_back(rule);
                continue;
            }
            const auto level = rules::met_by_band(*rule, verdict.band);
            if (turn_.trace != nullptr)
                turn_.trace->judged({.rule = *rule,
                                     .of = Judgement::Of::Band,
                                     .met = level.has_value(),
                                     .at = moment.at,
                                     .what = verdict.band});
            if (!level) continue;
            const Episode* open = turn_.person.open_episode(rule->id);
            if (open != nullptr && quiet(*open, moment.at) &&
                !episodes_.changes(*open, *level, moment.at))
                continue;
            const auto facts = facts_of(rule->index, arrivals);
            episodes_.meet(rule, *level, {moment, verdict.decisive, facts});
        }
    }

    /// The newest samples among what an index reads.
    std::vector<SampleFact> facts_of(std::string_view method, std::span<const Arrival> arrivals) {
        const auto* kind = find_index_kind(method);
        std::vector<SampleFact> facts;
        for (const auto& arrival : arrivals)
            if (kind != nullptr && (items_of(arrival.series->loinc) & kind->inputs) != 0)
                facts.push_back(fact_of(turn_, *arrival.series, arrival.samples.back(), {}));
        return facts;
    }

    void close_indices(std::span<const Arrival> arrivals) {
        for (auto& episode : turn_.person.episodes) {
            if (!episode.open || find_index_kind(episode.rule->index) == nullptr) continue;
            const auto at = cleared_at(turn_.person.index_results, *episode.rule, episode.since.at);
            if (!at) continue;
            const auto facts = facts_of(episode.rule->index, arrivals);
            const Finding last{{*at, episode.since.offset_minutes, Precision::Second}, {}, facts};
            episodes_.close(episode, &last, kClear);
        }
    }

    static bool quiet(const Episode& open, EventTime at) {
        return !open.facts.empty() && at - open.facts.back().at.at < kFactEvery;
    }

    void end_silence(const Arrival& arrival) {
        const Taken& newest = arrival.samples.back();
        for (auto& episode : turn_.person.episodes) {
            const Rule& rule = *episode.rule;
            if (!episode.open || rule.kind != RuleKind::Silence ||
                rule.awaits == schemas::Awaits::Results ||
                std::find(rule.loinc.begin(), rule.loinc.end(), arrival.series->loinc) ==
                    rule.loinc.end())
                continue;
            if (episode.since.at - newest.at >= rule.within) continue;
            const auto fact = fact_of(turn_, *arrival.series, newest, {});
            const Finding last{fact.at, {}, std::span(&fact, 1)};
            episodes_.close(episode, &last, kHeardAgain);
        }
    }

    Turn& turn_;
    Episodes episodes_;
    std::vector<RulePtr> whole_;
};

}  // namespace

void judge_samples(Turn& turn, std::span<const Arrival> arrivals) {
    if (!arrivals.empty()) SampleJudge(turn).judge(arrivals);
}

}  // namespace vitalog::processors::care
