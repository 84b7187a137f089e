#include "topology/operator/rule_diff.h"

#include <fmt/format.h>

#include <algorithm>

namespace vitalog::topology {
namespace {

using schemas::name_of_enum;
using schemas::Rule;
using schemas::RuleKind;

/// Collects the words of one rule; what a rule does not say is left out.
class Words {
  public:
    explicit Words(std::string prefix) : prefix_(std::move(prefix)) {}

    void text(std::string_view name, std::string_view value) {
        if (!value.empty()) words_.emplace_back(prefix_ + std::string(name), value);
    }
    void number(std::string_view name, const std::optional<double>& value) {
        if (value) text(name, fmt::format("{}", *value));
    }
    void time(std::string_view name, std::chrono::microseconds value) {
        if (value.count() != 0) text(name, to_string(value));
    }
    void list(std::string_view name, const std::vector<std::string>& values) {
        text(name, fmt::format("{}", fmt::join(values, ", ")));
    }
    /// A limit under the word that includes its number, or the one that does not.
    void limit(std::string_view inclusive, std::string_view strict,
               const std::optional<schemas::Limit>& at) {
        if (at) text(at->strict ? strict : inclusive, fmt::format("{}", at->value));
    }
    void add(RuleWords more) {
        words_.insert(words_.end(), std::make_move_iterator(more.begin()),
                      std::make_move_iterator(more.end()));
    }
    RuleWords take() { return std::move(words_); }

  private:
    std::string prefix_;
    RuleWords words_;
};

void limit_words(const Rule& rule, Words& words) {
    words.limit("low", "below", rule.low);
    words.limit("high", "above", rule.high);
    words.time("for", rule.hold);
    if (rule.hold.count() != 0 || rule.clear_hold.count() != 0) words.time("max_gap", rule.max_gap);
    words.limit("clear.low", "clear.above", rule.clear_low);
    words.limit("clear.high", "clear.below", rule.clear_high);
    words.time("clear.for", rule.clear_hold);
}

void window_words(const Rule& rule, Words& words) {
    words.text("window", name_of_enum(rule.window));
    words.text("points", std::to_string(rule.points));
    words.time("covers", rule.covers);
}

void change_words(const Rule& rule, Words& words) {
    words.text("direction", name_of_enum(rule.direction));
    words.number("by", rule.by);
    words.number("ratio", rule.ratio);
    words.time("per", rule.per);
    words.time("within", rule.within);
    words.number("clear.by", rule.clear_by);
    words.number("clear.ratio", rule.clear_ratio);
}

void band_words(const Rule& rule, bool condition, Words& words) {
    words.text("index", rule.index);
    for (const auto& band : rule.bands)
        words.text("band " + band.band,
                   condition ? "meets"
                             : fmt::format("{}, {}, {}", name_of_enum(band.priority),
                                           band.task ? "a task" : "no task", band.problem));
    words.list("clear", rule.clear_bands);
}

RuleWords kind_words(const Rule& rule, const std::string& prefix, bool condition) {
    Words words(prefix);
    words.text("kind", name_of_enum(rule.kind));
    words.list("loinc", rule.loinc);
    words.text("unit", rule.unit);
    switch (rule.kind) {
        case RuleKind::Threshold:
            limit_words(rule, words);
            break;
        case RuleKind::IndexBand:
            band_words(rule, condition, words);
            break;
        case RuleKind::Change:
            change_words(rule, words);
            break;
        case RuleKind::Trend:
            window_words(rule, words);
            change_words(rule, words);
            break;
        case RuleKind::Window:
            window_words(rule, words);
            words.text("statistic", name_of_enum(rule.statistic));
            limit_words(rule, words);
            break;
        case RuleKind::Silence:
            words.text("of", name_of_enum(rule.awaits));
            words.time("after", rule.within);
            if (rule.conditions.empty())
                words.text("while", name_of_enum(rule.watch));
            else
                words.add(kind_words(rule.conditions.front(), prefix + "following: ", true));
            break;
        case RuleKind::AllOf:
        case RuleKind::AnyOf:
        case RuleKind::Sequence:
            words.time("within", rule.within);
            for (std::size_t i = 0; i < rule.conditions.size(); ++i)
                words.add(kind_words(rule.conditions[i],
                                     fmt::format("{}condition {}: ", prefix, i + 1), true));
            break;
    }
    return words.take();
}

const Rule* find(const schemas::RulePack& pack, std::string_view id) {
    const auto found = std::find_if(pack.rules.begin(), pack.rules.end(),
                                    [&](const Rule& rule) { return rule.id == id; });
    return found == pack.rules.end() ? nullptr : &*found;
}

std::string_view value_of(const RuleWords& words, std::string_view name) {
    const auto found = std::find_if(words.begin(), words.end(),
                                    [&](const auto& word) { return word.first == name; });
    return found == words.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<std::string> changes(const Rule& before, const Rule& after) {
    const RuleWords was = words_of(before), is = words_of(after);
    std::vector<std::string> lines;
    for (const auto& [name, value] : was)
        if (value_of(is, name).empty())
            lines.push_back(fmt::format("    {}: {} -> (not said)", name, value));
    for (const auto& [name, value] : is) {
        const auto old = value_of(was, name);
        if (old == value) continue;
        lines.push_back(
            fmt::format("    {}: {} -> {}", name, old.empty() ? "(not said)" : old, value));
    }
    return lines;
}

void compare(const Rule& before, const Rule& after, RuleDiff& diff) {
    const auto lines = changes(before, after);
    if (lines.empty() && before.version == after.version) {
        ++diff.unchanged;
        return;
    }
    ++diff.changed;
    if (before.version == after.version) {
        diff.same_version.push_back(after.id);
        diff.lines.push_back(fmt::format("~ {}, still version {}", after.id, after.version));
    } else {
        diff.lines.push_back(
            fmt::format("~ {}, version {} -> {}", after.id, before.version, after.version));
    }
    diff.lines.insert(diff.lines.end(), lines.begin(), lines.end());
}

}  // namespace

RuleWords words_of(const Rule& rule) {
    Words words("");
    words.text("problem", rule.problem);
    if (rule.kind != RuleKind::IndexBand) {
        words.text("priority", name_of_enum(rule.priority));
        words.text("task", rule.task ? "yes" : "no");
    }
    words.add(kind_words(rule, "", false));
    words.time("max_age", rule.max_age);
    words.time("cool_down", rule.cool_down);
    words.list("inhibits", rule.inhibits);
    words.text("group", rule.group);
    words.text("patient.purpose", rule.patient_purpose);
    words.text("patient.template", rule.patient_template);
    if (rule.patient_within) words.time("patient.within", *rule.patient_within);
    words.text("source", rule.source);
    return words.take();
}

RuleDiff diff_packs(const schemas::RulePack& before, const schemas::RulePack& after) {
    RuleDiff diff;
    if (before.open_episodes != after.open_episodes)
        diff.lines.push_back(fmt::format("open_episodes: {} -> {}",
                                         name_of_enum(before.open_episodes),
                                         name_of_enum(after.open_episodes)));
    for (const Rule& rule : before.rules) {
        if (find(after, rule.id) != nullptr) continue;
        ++diff.removed;
        diff.lines.push_back(
            fmt::format("- {}, version {}: {}", rule.id, rule.version, rule.problem));
    }
    for (const Rule& rule : after.rules) {
        if (const Rule* old = find(before, rule.id)) {
            compare(*old, rule, diff);
            continue;
        }
        ++diff.added;
        diff.lines.push_back(fmt::format("+ {}, version {}", rule.id, rule.version));
        for (const auto& [name, value] : words_of(rule))
            diff.lines.push_back(fmt::format("    {}: {}", name, value));
    }
    return diff;
}

}  // namespace vitalog::topology
