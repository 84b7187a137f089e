#include "processors/rules/engine.h"

#include <algorithm>
#include <limits>

namespace vitalog::processors::rules {
namespace {

using schemas::ChangeDirection;
using schemas::Rule;
using schemas::RuleKind;

bool is_before(const Rule& rule, const Reading& current, const Reading& other) {
    const auto before = current.at - other.at;
    return before.count() > 0 && before <= rule.within;
}

/// Whether the change from one of the readings within the rule's time reaches `by` or `ratio`, for
/// certain.
bool changed(const Rule& rule, const Reading& current, std::span<const Reading> others,
             const std::optional<double>& by, const std::optional<double>& ratio) {
    const bool rise = rule.direction == ChangeDirection::Rise;
    return std::any_of(others.begin(), others.end(), [&](const Reading& other) {
        if (!is_before(rule, current, other)) return false;
        const double from = rise ? other.value.most : other.value.least;
        const double to = rise ? current.value.least : current.value.most;
        if (by && (rise ? to - from >= *by : from - to >= *by)) return true;
        return ratio && from > 0 && (rise ? to >= *ratio * from : to <= *ratio * from);
    });
}

/// The same from values of which only the smallest and largest are known.
bool changed(const Rule& rule, double current, double least, double most,
             const std::optional<double>& by, const std::optional<double>& ratio) {
    const bool rise = rule.direction == ChangeDirection::Rise;
    const double from = rise ? least : most;
    if (by && (rise ? current - from >= *by : from - current >= *by)) return true;
    return ratio && from > 0 && (rise ? current >= *ratio * from : current <= *ratio * from);
}

/// Whether a window holds what its rule asks for before it says anything.
bool enough(const Rule& rule, const Statistics& statistics) {
    return statistics.count >= rule.points && statistics.last - statistics.first >= rule.covers;
}

/// The slope of a trend in the direction of its rule, per `per`.
double towards(const Rule& rule, double slope_per_hour) {
    const double hours = std::chrono::duration<double, std::ratio<3600>>(rule.per).count();
    return (rule.direction == ChangeDirection::Rise ? slope_per_hour : -slope_per_hour) * hours;
}

}  // namespace

Level level_of(const Rule& rule) {
    return {.priority = rule.priority,
            .task = rule.task,
            .problem = rule.problem,
            .band = {},
            .rank = 0};
}

std::optional<Level> met_by_value(const Rule& rule, const Bounds& value) {
    const bool low = rule.low && rule.low->reached_from_above(value.most);
    const bool high = rule.high && rule.high->reached_from_below(value.least);
    if (!low && !high) return std::nullopt;
    return level_of(rule);
}

std::pair<double, double> extremes_before(const Rule& rule, const Reading& current,
                                          std::span<const Reading> others) {
    std::pair extremes{std::numeric_limits<double>::infinity(),
                       -std::numeric_limits<double>::infinity()};
    for (const Reading& other : others)
        if (is_before(rule, current, other)) {
            extremes.first = std::min(extremes.first, other.value.least);
            extremes.second = std::max(extremes.second, other.value.most);
        }
    return extremes;
}

std::optional<Level> met_by_change(const Rule& rule, double current, double least, double most) {
    if (!changed(rule, current, least, most, rule.by, rule.ratio)) return std::nullopt;
    return level_of(rule);
}

std::optional<double> statistic_of(const Rule& rule, const Statistics& statistics) {
    if (rule.kind == RuleKind::Trend) return statistics.slope;
    switch (rule.statistic) {
        case schemas::Statistic::Count:
            return static_cast<double>(statistics.count);
        case schemas::Statistic::Min:
            return statistics.min;
        case schemas::Statistic::Max:
            return statistics.max;
        case schemas::Statistic::Mean:
            return statistics.mean;
        case schemas::Statistic::Deviation:
            return statistics.deviation;
        case schemas::Statistic::Variation:
            return statistics.variation();
    }
    return std::nullopt;
}

std::optional<Level> met_by_statistics(const Rule& rule, const Statistics& statistics) {
    const auto number = statistic_of(rule, statistics);
    if (!number || !enough(rule, statistics)) return std::nullopt;
    if (rule.kind == RuleKind::Trend)
        return towards(rule, *number) >= *rule.by ? std::optional(level_of(rule)) : std::nullopt;
    return met_by_value(rule, Bounds::of(*number));
}

bool cleared_by_statistics(const Rule& rule, const Statistics& statistics) {
    const auto number = statistic_of(rule, statistics);
    if (!number || !enough(rule, statistics)) return false;
    if (rule.kind == RuleKind::Trend) return towards(rule, *number) < *rule.clear_by;
    return cleared_by_value(rule, Bounds::of(*number));
}

std::optional<Level> met_by_band(const Rule& rule, std::string_view band) {
    for (std::size_t i = 0; i < rule.bands.size(); ++i)
        if (const auto& entry = rule.bands[i]; entry.band == band)
            return Level{.priority = entry.priority,
                         .task = entry.task,
                         .problem = entry.problem,
                         .band = entry.band,
                         .rank = static_cast<int>(i)};
    return std::nullopt;
}

std::optional<Level> met_by_change(const Rule& rule, const Reading& current,
                                   std::span<const Reading> others) {
    if (!changed(rule, current, others, rule.by, rule.ratio)) return std::nullopt;
    return level_of(rule);
}

bool cleared_by_value(const Rule& rule, const Bounds& value) {
    return (!rule.clear_low || rule.clear_low->reached_from_below(value.least)) &&
           (!rule.clear_high || rule.clear_high->reached_from_above(value.most));
}

bool cleared_by_band(const Rule& rule, std::string_view band) {
    return std::find(rule.clear_bands.begin(), rule.clear_bands.end(), band) !=
           rule.clear_bands.end();
}

bool cleared_by_change(const Rule& rule, const Reading& current, std::span<const Reading> others) {
    return !changed(rule, current, others, rule.clear_by, rule.clear_ratio);
}

bool cleared_by_change(const Rule& rule, double current, double least, double most) {
    return !changed(rule, current, least, most, rule.clear_by, rule.clear_ratio);
}

bool judges_code(const Rule& rule, std::string_view loinc) {
    if (rule.combines())
        return std::any_of(rule.conditions.begin(), rule.conditions.end(),
                           [&](const Rule& condition) { return judges_code(condition, loinc); });
    return rule.kind != RuleKind::IndexBand && rule.kind != RuleKind::Silence &&
           std::find(rule.loinc.begin(), rule.loinc.end(), loinc) != rule.loinc.end();
}

std::string unit_of(const Rule& rule, std::string_view loinc) {
    for (const auto& condition : rule.conditions)
        if (judges_code(condition, loinc)) return condition.unit;
    return judges_code(rule, loinc) ? rule.unit : std::string();
}

bool judges_index(const Rule& rule, std::string_view method) {
    if (rule.combines())
        return std::any_of(rule.conditions.begin(), rule.conditions.end(),
                           [&](const Rule& condition) { return judges_index(condition, method); });
    return rule.kind == RuleKind::IndexBand && rule.index == method;
}

Result<void> RulesInForce::check_ids(std::string_view name, const schemas::RulePack& pack) const {
    for (const auto& [other, known] : packs_) {
        if (other == name) continue;
        for (const auto& rule : known.rules)
            for (const auto& mine : pack.rules)
                if (mine.id == rule->id)
                    return fail(Errc::Configuration, std::string(name) + ": rule '" + mine.id +
                                                         "' is also in " + other +
                                                         "; rename it, or retire it there");
    }
    return {};
}

Result<void> RulesInForce::put(std::string_view name, std::string_view yaml) {
    if (yaml.empty()) {
        if (const auto found = packs_.find(name); found != packs_.end()) packs_.erase(found);
        rebuild();
        return {};
    }
    VITALOG_TRY(const auto pack, schemas::parse_rule_pack(name, yaml));
    if (check_ != nullptr) VITALOG_CHECK(check_(name, pack));
    VITALOG_CHECK(check_ids(name, pack));
    Pack taken{pack.id, pack.open_episodes, {}};
    for (const auto& rule : pack.rules) taken.rules.push_back(std::make_shared<const Rule>(rule));
    packs_.insert_or_assign(std::string(name), std::move(taken));
    rebuild();
    return {};
}

RulePtr RulesInForce::find(std::string_view id) const {
    for (const auto& [name, pack] : packs_)
        for (const auto& rule : pack.rules)
            if (rule->id == id) return rule;
    return nullptr;
}

RulesInForce::Succession RulesInForce::succession(const Rule& raised) const {
    for (const auto& [name, pack] : packs_) {
        if (pack.id != raised.pack || pack.open_episodes == schemas::OpenEpisodes::Stay) continue;
        for (const auto& rule : pack.rules) {
            if (rule->id != raised.id) continue;
            const bool same =
                rule->version == raised.version && rule->pack_version == raised.pack_version;
            return same ? Succession{} : Succession{false, rule};
        }
        if (!find(raised.id)) return {false, nullptr};  // else it moved to another pack
    }
    return {};
}

/// How many rules lie in a chain of those that this one hides; packs that hide each other in a
/// ring stop at the limit.
int RulesInForce::depth_of(const Rule& rule, int limit) const {
    int depth = 0;
    for (const auto& id : rule.inhibits) {
        const auto hidden = limit > 0 ? find(id) : nullptr;
        if (hidden) depth = std::max(depth, 1 + depth_of(*hidden, limit - 1));
    }
    return depth;
}

void RulesInForce::rebuild() {
    constexpr int kChainMax = 4;
    by_code_.clear();
    by_index_.clear();
    silence_.clear();
    std::vector<std::pair<int, RulePtr>> ordered;
    for (const auto& [name, pack] : packs_)
        for (const auto& rule : pack.rules) ordered.emplace_back(depth_of(*rule, kChainMax), rule);
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    const auto enter = [](Index& index, const std::string& name, const RulePtr& rule) {
        auto& list = index[name];
        if (list.empty() || list.back() != rule) list.push_back(rule);
    };
    for (const auto& [depth, rule] : ordered) {
        if (rule->kind == RuleKind::Silence) {
            silence_.push_back(rule);  // judged by its timer, not by what comes
            continue;
        }
        const auto enter_all = [&, &rule = rule](const Rule& judged) {
            if (judged.kind == RuleKind::IndexBand) return enter(by_index_, judged.index, rule);
            for (const auto& code : judged.loinc) enter(by_code_, code, rule);
        };
        enter_all(*rule);
        for (const auto& condition : rule->conditions) enter_all(condition);
    }
}

std::span<const RulePtr> RulesInForce::for_code(std::string_view loinc) const {
    const auto found = by_code_.find(loinc);
    return found == by_code_.end() ? std::span<const RulePtr>()
                                   : std::span<const RulePtr>(found->second);
}

std::span<const RulePtr> RulesInForce::for_index(std::string_view method) const {
    const auto found = by_index_.find(method);
    return found == by_index_.end() ? std::span<const RulePtr>()
                                    : std::span<const RulePtr>(found->second);
}

}  // namespace vitalog::processors::rules
