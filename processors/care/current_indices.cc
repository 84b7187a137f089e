#include "processors/care/current_indices.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace vitalog::processors::care {
namespace {

using schemas::IndexStatus;
using schemas::RiskEvent;
using schemas::Topic;

constexpr std::string_view kBirthDate = "birth date";
constexpr std::string_view kSex = "sex";
constexpr std::string_view kTooOld = "too old: ";
constexpr EventTime kEver(std::numeric_limits<std::int64_t>::max());

template <class Do>
void for_each_item(Items set, Do&& what) {
    for (; set != 0; set &= static_cast<Items>(set - 1))
        what(static_cast<Item>(std::countr_zero(set)));
}

RecordId risk_id(std::string_view person, std::string_view method, EventTime at) {
    return IdHash().part(person).part(method).part("at").part(at.micros()).finish();
}

std::optional<egfr::Sex> sex_of(const Person& person) {
    if (person.sex == Sex::Female) return egfr::Sex::Female;
    if (person.sex == Sex::Male) return egfr::Sex::Male;
    return std::nullopt;
}

/// When the moment was, as one of what was measured then says it.
const ZonedTime& said_time(const IndexInputs& inputs) {
    return inputs.value(static_cast<Item>(std::countr_zero(inputs.latest))).at;
}

Assessment assess(const IndexKind& kind, const IndexInputs& inputs) {
    if (!inputs.age || *inputs.age >= kind.least_age) return kind.assess(inputs);
    Assessment young;
    young.status = IndexStatus::NotApplicable;
    young.reason = kind.too_young;
    return young;
}

/// What a result says, without when.
std::uint32_t digest_of(const Assessment& assessment) {
    const auto bits = [](double value) { return std::bit_cast<std::int64_t>(value); };
    const auto id = IdHash()
                        .part(static_cast<std::int64_t>(assessment.status))
                        .part(bits(assessment.value.value_or(-1)))
                        .part(assessment.band)
                        .part(assessment.missing)
                        .part(assessment.inexact)
                        .part(assessment.reason)
                        .finish();
    return tag_of(id);
}

void name_missing(const Assessment& assessment, std::vector<std::string_view>& missing) {
    for_each_item(assessment.missing, [&](Item item) { missing.push_back(missing_name(item)); });
    for_each_item(assessment.inexact, [&](Item item) { missing.push_back(inexact_name(item)); });
    if (assessment.lacks_birth_date) missing.push_back(kBirthDate);
    if (assessment.lacks_sex) missing.push_back(kSex);
}

}  // namespace

void CurrentIndices::evaluate(std::span<const Touched> touched, Occasion occasion,
                              std::vector<Judged>& judged) {
    const auto& results = turn_.person.results;
    changes_.clear();
    Items changed = 0;
    for (const auto& t : touched) {
        const Items item = items_of(results.series()[t.series].loinc);
        if (item == 0) continue;
        changed |= item;
        changes_.emplace_back(t.at, item);
        if (t.change != Change::Replaced) continue;
        if (const auto place = results.find(t.id))
            changes_.emplace_back(results.at(*place).at, item);
    }
    if (changed == 0 && !occasion.demographics) return;
    for (std::uint8_t kind = 0; kind < index_kinds().size(); ++kind) {
        if ((index_kinds()[kind].inputs & changed) == 0 && !occasion.demographics) continue;
        collect(kind, occasion);
        for (const auto& moment : moments_)
            evaluate_at(kind, moment, moment.own && !occasion.merged, judged);
    }
}

/// The moments to look at for one index: those of the changed inputs, and those of earlier results
/// that they reach.
void CurrentIndices::collect(std::uint8_t kind, Occasion occasion) {
    const auto& index = index_kinds()[kind];
    own_.clear();
    for (const auto& [at, item] : changes_)
        if ((item & index.inputs) != 0) own_.push_back(at);
    std::sort(own_.begin(), own_.end());
    own_.erase(std::unique(own_.begin(), own_.end()), own_.end());
    moments_.clear();
    for (const auto at : own_) moments_.push_back(Moment{at, true});
    const auto fresh = turn_.index_settings.of(index.freshness);
    auto known = turn_.person.index_results.of(kind);
    if (known.size() > kReevaluatedMax) known = known.last(kReevaluatedMax);
    for (const auto& result : known) {
        const auto after = std::upper_bound(own_.begin(), own_.end(), result.at);
        const bool own = after != own_.begin() && *(after - 1) == result.at;
        const bool reached = after != own_.begin() && result.at - *(after - 1) <= fresh;
        if (!own && (reached || occasion.demographics))
            moments_.push_back(Moment{result.at, false});
    }
    std::sort(moments_.begin(), moments_.end(),
              [](const Moment& a, const Moment& b) { return a.at < b.at; });
}

bool CurrentIndices::wanted(const IndexKind& kind) const {
    if (kind.wants.front() == 0) return true;
    return std::any_of(kind.wants.begin(), kind.wants.end(), [&](Items set) {
        bool all = set != 0;
        for_each_item(set, [&](Item item) { all = all && values_.ever(item); });
        return all;
    });
}

IndexInputs CurrentIndices::inputs_at(const IndexKind& kind, EventTime moment) const {
    IndexInputs inputs;
    const auto fresh = turn_.index_settings.of(kind.freshness);
    for_each_item(kind.inputs, [&](Item item) {
        const auto value = values_.newest(item, moment);
        if (!value) return;
        if (moment - value->at.at > fresh) {
            inputs.stale |= items(item);
            return;
        }
        inputs.known |= items(item);
        if (value->at.at == moment) inputs.latest |= items(item);
        inputs.values[static_cast<std::size_t>(item)] = value;
    });
    const Person& person = turn_.person;
    inputs.sex = sex_of(person);
    inputs.scale = person.spo2_scales.at(moment);
    if (inputs.latest != 0 && person.birth_date)
        inputs.age = age_years(*person.birth_date, said_time(inputs));
    return inputs;
}

bool CurrentIndices::speaks(const IndexKind& kind, const IndexInputs& inputs) const {
    const Items seen = inputs.known | inputs.stale;
    const bool complete_set = kind.wants.front() == 0 ||
                              std::any_of(kind.wants.begin(), kind.wants.end(), [&](Items set) {
                                  return set != 0 && (set & seen) == set;
                              });
    if (!complete_set) return false;
    bool observed = false;
    for_each_item(inputs.known, [&](Item item) { observed |= inputs.value(item).observation; });
    return observed || std::popcount(inputs.known) >= kind.samples_least;
}

void CurrentIndices::evaluate_at(std::uint8_t kind, const Moment& moment, bool tell,
                                 std::vector<Judged>& judged) {
    const auto& index = index_kinds()[kind];
    auto& results = turn_.person.index_results;
    const auto* known = results.find(kind, moment.at);
    if (known == nullptr && !wanted(index)) return;
    const auto inputs = inputs_at(index, moment.at);
    if (inputs.latest == 0 || !speaks(index, inputs)) {
        // Nothing measured then stands any more. Of samples only the newest are at hand.
        if (known == nullptr || !moment.own) return;
        retract(turn_.person_id(), *known);
        return results.erase(kind, moment.at);
    }
    say(kind, {moment.at, tell}, inputs, assess(index, inputs), judged);
}

void CurrentIndices::say(std::uint8_t kind, const Moment& moment, const IndexInputs& inputs,
                         const Assessment& assessment, std::vector<Judged>& judged) {
    const auto& index = index_kinds()[kind];
    auto& results = turn_.person.index_results;
    const auto* known = results.find(kind, moment.at);
    IndexResult result{.at = moment.at,
                       .digest = known == nullptr ? 0 : known->digest,
                       .said = digest_of(assessment),
                       .known = inputs.known,
                       .offset_minutes = said_time(inputs).offset_minutes,
                       .kind = kind,
                       .band = band_number(assessment.band),
                       .settled = assessment.settled};
    const bool other_band = known == nullptr || known->band != result.band;
    write(kind, inputs, assessment, said_time(inputs), result);
    results.put(result);
    if ((moment.own || other_band) && !assessment.band.empty())
        judge(index, inputs, assessment, judged);
}

void CurrentIndices::sampled(Items changed, const ZonedTime& moment, std::vector<Judged>& judged) {
    auto& results = turn_.person.index_results;
    for (std::uint8_t kind = 0; kind < index_kinds().size(); ++kind) {
        const auto& index = index_kinds()[kind];
        if ((index.inputs & changed) == 0 || !wanted(index)) continue;
        const auto inputs = inputs_at(index, moment.at);
        if (inputs.latest == 0 || !speaks(index, inputs)) continue;
        const auto assessment = assess(index, inputs);
        const auto* before = results.newest(kind, moment.at);
        if (before != nullptr && before->said == digest_of(assessment)) continue;
        say(kind, {moment.at, true}, inputs, assessment, judged);
    }
}

void CurrentIndices::write(std::uint8_t kind, const IndexInputs& inputs,
                           const Assessment& assessment, const ZonedTime& at, IndexResult& result) {
    const auto& index = index_kinds()[kind];
    RiskEvent event{.id = turn_.hex.of(risk_id(turn_.person_id(), index.method, at.at)),
                    .person = turn_.person_id(),
                    .method = index.method,
                    .version = index.version,
                    .status = assessment.status,
                    .value = assessment.value,
                    .unit = assessment.unit,
                    .band = assessment.band,
                    .missing = {},
                    .reason = assessment.reason,
                    .occurred = at,
                    .basis = {}};
    name_missing(assessment, event.missing);
    text_.clear();
    const Items too_old = assessment.missing & inputs.stale;
    for_each_item(too_old, [&](Item item) {
        text_.append(text_.empty() ? kTooOld : ", ").append(missing_name(item));
    });
    if (!text_.empty()) event.reason = text_;
    std::string detail;
    if (assessment.status != IndexStatus::NotApplicable) index.describe(inputs, detail);
    event.detail = detail;
    event.composite = inputs.latest != inputs.known;
    for_each_item(inputs.known, [&](Item item) {
        const auto& value = inputs.value(item);
        (value.observation ? event.basis : event.samples).push_back(turn_.hex.of(value.source));
    });
    json_.clear();
    schemas::encode(event, json_);
    turn_.computed.push_back(ComputedIndex::of(event));
    const auto digest = static_cast<std::uint32_t>(hash64(json_)) | 1;
    if (digest == result.digest) return;
    result.digest = digest;
    turn_.out.emit(Topic::Risk, turn_.person_id(), RiskEvent::kType, json_,
                   {.event_time = at.at, .urgent = false});
}

void CurrentIndices::judge(const IndexKind& kind, const IndexInputs& inputs,
                           const Assessment& assessment, std::vector<Judged>& judged) const {
    Judged& verdict = judged.emplace_back();
    verdict.method = kind.method;
    verdict.band = assessment.band;
    verdict.complete = assessment.settled;
    const auto observed = [&](Items set) {
        Items found = 0;
        for_each_item(set, [&](Item item) {
            if (inputs.value(item).observation) found |= items(item);
        });
        return found;
    };
    // What was measured at the moment and made the band is evaluated, before what was only
    // measured.
    Items evaluated = observed(inputs.latest & assessment.decisive);
    if (evaluated == 0) evaluated = observed(inputs.latest);
    if (evaluated == 0) evaluated = observed(inputs.known);
    if (evaluated == 0) return;
    verdict.result = inputs.value(static_cast<Item>(std::countr_zero(evaluated))).source;
    for_each_item(observed(assessment.decisive), [&](Item item) {
        const auto& source = inputs.value(item).source;
        if (source != verdict.result) verdict.decisive.push_back(source);
    });
    verdict.decisive.push_back(verdict.result);
}

void CurrentIndices::retract(std::string_view person, const IndexResult& result) {
    if (result.digest == 0) return;
    const auto& index = index_kinds()[result.kind];
    const bool merged = person != turn_.person_id();
    turn_.out.emit_event(
        Topic::Risk, turn_.person_id(),
        RiskEvent{.id = turn_.hex.of(risk_id(person, index.method, result.at)),
                  .person = person,
                  .method = index.method,
                  .version = index.version,
                  .status = IndexStatus::NotApplicable,
                  .value = {},
                  .unit = {},
                  .band = {},
                  .missing = {},
                  .reason = merged ? "the persons were merged" : "the observation was withdrawn",
                  .occurred = {result.at, result.offset_minutes, Precision::Second},
                  .basis = {},
                  .retracted = true,
                  .merged_into = merged ? turn_.person_id() : std::string_view()},
        {.event_time = result.at, .urgent = false});
}

void CurrentIndices::take_over(std::string_view loser, const IndexResults& theirs) {
    auto& mine = turn_.person.index_results;
    for (std::uint8_t kind = 0; kind < index_kinds().size(); ++kind)
        for (IndexResult result : theirs.of(kind)) {
            retract(loser, result);
            result.digest = 0;
            if (mine.find(kind, result.at) == nullptr) mine.put(result);
        }
}

namespace {

std::optional<std::uint8_t> number_of(std::string_view method) {
    const auto* kind = find_index_kind(method);
    if (kind == nullptr) return std::nullopt;
    return static_cast<std::uint8_t>(kind - index_kinds().data());
}

std::string_view band_of(const IndexResult& result) {
    return result.band == kNoBand ? std::string_view() : band_names()[result.band];
}

}  // namespace

std::optional<std::string_view> band_at(const IndexResults& results, std::string_view method,
                                        EventTime at) {
    const auto kind = number_of(method);
    const auto* result = kind ? results.find(*kind, at) : nullptr;
    if (result == nullptr || result->band == kNoBand) return std::nullopt;
    return band_of(*result);
}

std::optional<EventTime> cleared_at(const IndexResults& results, const schemas::Rule& rule,
                                    EventTime since) {
    const auto kind = number_of(rule.index);
    const auto* newest = kind ? results.newest(*kind, kEver) : nullptr;
    const auto clear = [&](const IndexResult& result) {
        return rules::cleared_by_band(rule, band_of(result));
    };
    if (newest == nullptr || !clear(*newest)) return std::nullopt;
    if (newest->settled) return newest->at;
    Items needed = 0;
    for (const auto& result : results.of(*kind))
        if (result.at >= since && !clear(result)) needed |= result.known;
    if ((needed & static_cast<Items>(~newest->known)) != 0) return std::nullopt;
    return newest->at;
}

const Sample* observation_at(const Results& results, const IndexKind& kind, EventTime at) {
    for (std::uint32_t s = 0; s < results.series().size(); ++s) {
        if ((items_of(results.series()[s].loinc) & kind.inputs) == 0) continue;
        const auto samples = results.samples(s);
        const auto found = std::find_if(samples.begin(), samples.end(), [&](const Sample& sample) {
            return sample.at == at && sample.live();
        });
        if (found != samples.end()) return &*found;
    }
    return nullptr;
}

}  // namespace vitalog::processors::care
