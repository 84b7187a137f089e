#include "processors/rules/engine.h"

#include <algorithm>

namespace vitalog::processors::rules {
namespace {

using schemas::ChangeDirection;
using schemas::Rule;
using schemas::RuleKind;

Level level_of(const Rule& rule) {
    return {.priority = rule.priority,
            .task = rule.task,
            .problem = rule.problem,
            .band = {},
            .rank = 0};
}

/// Whether the change from one of the readings within the rule's time reaches `by` or `ratio`, for
/// certain.
bool changed(const Rule& rule, const Reading& current, std::span<const Reading> others,
             const std::optional<double>& by, const std::optional<double>& ratio) {
    const bool rise = rule.direction == ChangeDirection::Rise;
    return std::any_of(others.begin(), others.end(), [&](const Reading& other) {
        const auto before = current.at - other.at;
        if (before.count() <= 0 || before > rule.within) return false;
        const double from = rise ? other.value.most : other.value.least;
        const double to = rise ? current.value.least : current.value.most;
        if (by && (rise ? to - from >= *by : from - to >= *by)) return true;
        return ratio && from > 0 && (rise ? to >= *ratio * from : to <= *ratio * from);
    });
}

}  // namespace

std::optional<Level> met_by_value(const Rule& rule, const Bounds& value) {
    const bool low = rule.low && value.most <= *rule.low;
    const bool high = rule.high && value.least >= *rule.high;
    if (!low && !high) return std::nullopt;
    return level_of(rule);
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
    return (!rule.clear_low || value.least >= *rule.clear_low) &&
           (!rule.clear_high || value.most <= *rule.clear_high);
}

bool cleared_by_band(const Rule& rule, std::string_view band) {
    return std::find(rule.clear_bands.begin(), rule.clear_bands.end(), band) !=
           rule.clear_bands.end();
}

bool cleared_by_change(const Rule& rule, const Reading& current, std::span<const Reading> others) {
    return !changed(rule, current, others, rule.clear_by, rule.clear_ratio);
}

bool judges_code(const Rule& rule, std::string_view loinc) {
    return rule.kind != RuleKind::IndexBand &&
           std::find(rule.loinc.begin(), rule.loinc.end(), loinc) != rule.loinc.end();
}

bool judges_index(const Rule& rule, std::string_view method) {
    return rule.kind == RuleKind::IndexBand && rule.index == method;
}

Result<void> RulesInForce::check_ids(std::string_view name, const schemas::RulePack& pack) const {
    for (const auto& [other, rules] : packs_) {
        if (other == name) continue;
        for (const auto& rule : rules)
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
    VITALOG_CHECK(check_ids(name, pack));
    std::vector<RulePtr> rules;
    for (const auto& rule : pack.rules) rules.push_back(std::make_shared<const Rule>(rule));
    packs_.insert_or_assign(std::string(name), std::move(rules));
    rebuild();
    return {};
}

void RulesInForce::rebuild() {
    by_code_.clear();
    by_index_.clear();
    for (const auto& [name, rules] : packs_)
        for (const auto& rule : rules) {
            if (rule->kind == RuleKind::IndexBand) by_index_[rule->index].push_back(rule);
            for (const auto& code : rule->loinc) {
                auto& list = by_code_[code];
                if (list.empty() || list.back() != rule) list.push_back(rule);
            }
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
