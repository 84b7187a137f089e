#include "schemas/rule_kinds.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <utility>

namespace vitalog::schemas {
namespace {

using namespace rule_yaml;

constexpr std::int64_t kPointsMax = 1'000'000;
constexpr std::size_t kConditionsMax = 8;

void read_values_judged(const YAML::Node& map, Rule& rule) {
    rule.loinc = texts(map, "loinc");
    rule.unit = required_text(map, "unit");
}

/// A limit by the word that includes its number, or the one that does not.
std::optional<Limit> limit(const YAML::Node& map, const char* inclusive, const char* strict) {
    const auto at = optional_number(map, inclusive);
    const auto beyond = optional_number(map, strict);
    if (at && beyond)
        refuse(map[strict], std::string(inclusive) + " and " + strict +
                                " are two words for one limit; keep one");
    if (at) return Limit{*at, false};
    if (beyond) return Limit{*beyond, true};
    return std::nullopt;
}

/// Whether a limit that clears lies beyond the one that raises, so that no number does both.
bool apart(const Limit& raise, const Limit& clear, bool low) {
    if (raise.value == clear.value) return raise.strict || clear.strict;
    return low ? clear.value > raise.value : clear.value < raise.value;
}

/// The limits that raise, and those that clear. `more`: what `clear` may say beside limits.
void read_limits(const YAML::Node& map, Rule& rule, std::string_view what, const Keys& more) {
    rule.low = limit(map, "low", "below");
    rule.high = limit(map, "high", "above");
    if (!rule.low && !rule.high)
        refuse(map, std::string(what) +
                        " needs 'low', 'high' or both (or 'below' and 'above', "
                        "which leave the number itself out)");
    if (rule.low && rule.high && rule.low->value >= rule.high->value)
        refuse_value(map, map["low"].IsDefined() ? "low" : "below",
                     "low must be below high; exchange them");
    const auto clear = map["clear"];
    if (clear.IsDefined()) {
        Keys keys{"low", "above", "high", "below"};
        keys.insert(keys.end(), more.begin(), more.end());
        check_keys(clear, "clear", keys);
        rule.clear_low = limit(clear, "low", "above");
        rule.clear_high = limit(clear, "high", "below");
    }
    if (rule.clear_low.has_value() != rule.low.has_value() ||
        rule.clear_high.has_value() != rule.high.has_value())
        refuse_value(
            map, "clear",
            "clear must state the same of low and high as the rule; write for example clear: "
            "{low: 3.0, high: 5.8}");
    if ((rule.low && !apart(*rule.low, *rule.clear_low, true)) ||
        (rule.high && !apart(*rule.high, *rule.clear_high, false)))
        refuse(clear,
               "clear limits must lie inside the limits that raise; write clear.low above low and "
               "clear.high below high");
    if (rule.clear_low && rule.clear_high && rule.clear_low->value > rule.clear_high->value)
        refuse(clear, "clear.low must not be above clear.high; exchange them");
}

void read_threshold(const YAML::Node& map, Rule& rule) {
    read_values_judged(map, rule);
    read_limits(map, rule, "a threshold rule", {"for"});
    rule.hold = optional_duration(map, "for", {});
    rule.clear_hold = optional_duration(map["clear"], "for", {});
    const auto longer = std::max(rule.hold, rule.clear_hold);
    if (map["max_gap"].IsDefined() && longer.count() == 0)
        refuse(map["max_gap"],
               "max_gap says how far apart samples of a 'for' may be; add for: 60s, "
               "or leave it out");
    rule.max_gap = optional_duration(map, "max_gap", longer);
}

void read_index_band(const YAML::Node& map, Rule& rule) {
    rule.index = required_name(map, "index");
    const auto bands = map["bands"];
    if (!bands.IsDefined() || !bands.IsSequence() || bands.size() == 0 || bands.size() > 32)
        refuse_value(
            map, "bands",
            "bands must list 1 to 32 bands, worst first; write bands: [{band: \"3\", priority: "
            "high, problem: ...}]");
    for (const auto& entry : bands) {
        check_keys(entry, "a band", {"band", "problem", "priority", "task"});
        RuleBand band;
        band.band = required_text(entry, "band");
        band.problem =
            entry["problem"].IsDefined() ? required_text(entry, "problem") : rule.problem;
        band.priority = word<Priority>(entry, "priority");
        band.task = yes_or_no(entry, "task", true);
        for (const auto& other : rule.bands) {
            if (other.band == band.band)
                refuse(entry, "band '" + band.band + "' is there twice; keep one");
            if (other.priority < band.priority)
                refuse(entry,
                       "band '" + band.band +
                           "' is more urgent than one listed before it; list the worst first");
        }
        rule.bands.push_back(std::move(band));
    }
    rule.clear_bands = texts(map, "clear");
    for (const auto& clear : rule.clear_bands)
        for (const auto& band : rule.bands)
            if (clear == band.band)
                refuse(map["clear"], "band '" + clear + "' both raises and clears; keep one");
    rule.priority = rule.bands.front().priority;
    rule.task = rule.bands.front().task;
}

void read_change(const YAML::Node& map, Rule& rule) {
    read_values_judged(map, rule);
    rule.direction = word<ChangeDirection>(map, "direction");
    rule.by = optional_number(map, "by");
    rule.ratio = optional_number(map, "ratio");
    rule.within = required_duration(map, "within");
    if (!rule.by && !rule.ratio)
        refuse(map, "a change rule needs 'by', 'ratio' or both; both: either is enough");
    if (rule.by && *rule.by <= 0)
        refuse(map["by"], "by must be above zero; direction says which way");
    const bool rise = rule.direction == ChangeDirection::Rise;
    if (rule.ratio && (rise ? *rule.ratio <= 1 : (*rule.ratio <= 0 || *rule.ratio >= 1)))
        refuse(map["ratio"],
               rise ? "ratio of a rise must be above 1; write for example ratio: 1.5"
                    : "ratio of a fall must be between 0 and 1; write for example ratio: 0.7");
    rule.clear_by = rule.by;
    rule.clear_ratio = rule.ratio;
    const auto clear = map["clear"];
    if (!clear.IsDefined()) return;
    check_keys(clear, "clear", {"by", "ratio"});
    if (const auto by = optional_number(clear, "by")) rule.clear_by = by;
    if (const auto ratio = optional_number(clear, "ratio")) rule.clear_ratio = ratio;
    if ((rule.by && *rule.clear_by > *rule.by) || rule.clear_by.has_value() != rule.by.has_value())
        refuse(clear, "clear.by must not be above by, and needs it; lower it");
    if (rule.clear_ratio.has_value() != rule.ratio.has_value() ||
        (rule.ratio && (rise ? *rule.clear_ratio > *rule.ratio : *rule.clear_ratio < *rule.ratio)))
        refuse(clear,
               "clear.ratio must be the smaller change, and needs ratio; bring it nearer to 1");
}

/// What a window holds for certain: it is whole buckets, and the newest has only begun.
std::chrono::microseconds held_by(WindowLength length) {
    static constexpr std::array<std::chrono::minutes, EnumNames<WindowLength>::names.size()> kHeld{
        std::chrono::minutes(55), std::chrono::hours(23), std::chrono::hours(6 * 24),
        std::chrono::hours(12 * 7 * 24)};
    return kHeld[static_cast<std::size_t>(length)];
}

void read_window_of(const YAML::Node& map, Rule& rule, std::int64_t points) {
    read_values_judged(map, rule);
    rule.window = word<WindowLength>(map, "window");
    rule.points = count(map, "points", points, kPointsMax);
    rule.covers = optional_duration(map, "covers", {});
    if (const auto most = held_by(rule.window); rule.covers > most)
        refuse(map["covers"], "covers must not be longer than " + to_string(most) +
                                  ", which a window of " + std::string(name_of_enum(rule.window)) +
                                  " holds for certain; lower it");
}

void read_trend(const YAML::Node& map, Rule& rule) {
    read_window_of(map, rule, 0);
    if (rule.points < 3)
        refuse_value(map, "points",
                     "a trend needs 'points' of at least 3: fewer values are no trend; write for "
                     "example points: 6");
    rule.direction = word<ChangeDirection>(map, "direction");
    rule.by = optional_number(map, "by");
    if (!rule.by || *rule.by <= 0)
        refuse_value(
            map, "by",
            "a trend needs 'by' above zero, the change per 'per'; write for example by: 2");
    rule.per = required_duration(map, "per");
    rule.clear_by = rule.by;
    const auto clear = map["clear"];
    if (!clear.IsDefined()) return;
    check_keys(clear, "clear", {"by"});
    if (const auto by = optional_number(clear, "by")) rule.clear_by = by;
    if (*rule.clear_by > *rule.by) refuse(clear, "clear.by must not be above by; lower it");
}

void read_window(const YAML::Node& map, Rule& rule) {
    read_window_of(map, rule, 1);
    rule.statistic = word<Statistic>(map, "statistic");
    read_limits(map, rule, "a window rule", {});
}

/// In a condition bands are names alone: what they mean is the whole rule's business.
void read_band_condition(const YAML::Node& map, Rule& condition) {
    condition.index = required_name(map, "index");
    for (auto& band : texts(map, "bands")) {
        RuleBand entry;
        entry.band = std::move(band);
        condition.bands.push_back(std::move(entry));
    }
    condition.clear_bands = texts(map, "clear");
}

void read_condition(const YAML::Node& map, Rule& whole) {
    if (!map.IsMap()) refuse(map, "a condition must be a mapping; write - kind: threshold ...");
    Rule condition;
    condition.kind = word<RuleKind>(map, "kind");
    if (condition.combines() || condition.kind == RuleKind::Silence)
        refuse(map["kind"], "a condition can't be " + std::string(name_of_enum(condition.kind)) +
                                "; write one of threshold, index-band, change, trend, window");
    Keys keys{"kind"};
    const Keys& own = keys_of(condition.kind);
    keys.insert(keys.end(), own.begin(), own.end());
    check_keys(map, "a condition of kind " + std::string(name_of_enum(condition.kind)), keys);
    if (condition.kind == RuleKind::Threshold && map["for"].IsDefined())
        refuse(map["for"],
               "a condition looks at the newest value; leave 'for' to a rule of its own");
    if (condition.kind == RuleKind::IndexBand)
        read_band_condition(map, condition);
    else
        read_kind(map, condition);
    whole.conditions.push_back(std::move(condition));
}

void read_silence(const YAML::Node& map, Rule& rule) {
    rule.loinc = texts(map, "loinc");
    rule.within = required_duration(map, "after");
    if (map["of"].IsDefined()) rule.awaits = word<Awaits>(map, "of");
    const bool goes_on = map["while"].IsDefined(), follows = map["following"].IsDefined();
    if (goes_on == follows)
        refuse_value(
            map, "following",
            "a silence rule needs either 'while', for what is to be heard as long as something "
            "goes on, or 'following', for what is to come after a finding; write for example "
            "while: inpatient");
    if (follows) return read_condition(map["following"], rule);
    rule.watch = word<Watch>(map, "while");
    if (rule.watch == Watch::Inpatient && rule.awaits == Awaits::Samples)
        refuse(
            map["while"],
            "while: inpatient waits for results from the admission on; add of: results, or write "
            "while: encounter");
}

void read_combination(const YAML::Node& map, Rule& rule) {
    const auto conditions = map["conditions"];
    if (!conditions.IsDefined() || !conditions.IsSequence() || conditions.size() < 2 ||
        conditions.size() > kConditionsMax)
        refuse_value(map, "conditions",
                     "conditions must list 2 to " + std::to_string(kConditionsMax) +
                         " conditions; write conditions: [{kind: threshold, loinc: ...}, ...]");
    rule.within = required_duration(map, "within");
    for (const auto& entry : conditions) read_condition(entry, rule);
}

}  // namespace

const Keys& keys_of(RuleKind kind) {
    static const std::array<Keys, EnumNames<RuleKind>::names.size()> kKeys{{
        {"loinc", "unit", "low", "below", "high", "above", "for", "max_gap", "clear"},
        {"index", "bands", "clear"},
        {"loinc", "unit", "direction", "by", "ratio", "within", "clear"},
        {"loinc", "unit", "window", "points", "covers", "direction", "by", "per", "clear"},
        {"loinc", "unit", "window", "points", "covers", "statistic", "low", "below", "high",
         "above", "clear"},
        {"loinc", "of", "after", "while", "following"},
        {"conditions", "within"},
        {"conditions", "within"},
        {"conditions", "within"},
    }};
    return kKeys[static_cast<std::size_t>(kind)];
}

void read_kind(const YAML::Node& map, Rule& rule) {
    switch (rule.kind) {
        case RuleKind::Threshold:
            return read_threshold(map, rule);
        case RuleKind::IndexBand:
            return read_index_band(map, rule);
        case RuleKind::Change:
            return read_change(map, rule);
        case RuleKind::Trend:
            return read_trend(map, rule);
        case RuleKind::Window:
            return read_window(map, rule);
        case RuleKind::Silence:
            return read_silence(map, rule);
        case RuleKind::AllOf:
        case RuleKind::AnyOf:
        case RuleKind::Sequence:
            return read_combination(map, rule);
    }
}

}  // namespace vitalog::schemas
