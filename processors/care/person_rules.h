#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "processors/care/person.h"
#include "processors/rules/engine.h"

namespace vitalog::processors::care {

/// The rule with the person's own limits in place of its own, where they have any.
inline rules::RulePtr as_limited(const Person& person, const rules::RulePtr& rule) {
    for (const auto& limit : person.limits) {
        if (limit.rule != rule->id) continue;
        auto own = with_limit(*rule, limit);
        return own ? own : rule;
    }
    return rule;
}

/// The rules that look at something, as they hold for this person: open episodes stay with the
/// version that raised them; the rest is in force, with the person's own limits. Most persons have
/// neither, and then what is in force is the list.
class RulesThat {
  public:
    template <class Looks>
    RulesThat(const Person& person, std::span<const rules::RulePtr> in_force, Looks looks)
        : list_(in_force) {
        if (person.episodes.empty() && person.limits.empty()) return;
        for (const auto& episode : person.episodes)
            if (episode.open && looks(*episode.rule)) own_.push_back(episode.rule);
        for (const auto& rule : in_force) {
            const bool open =
                std::any_of(person.episodes.begin(), person.episodes.end(),
                            [&](const Episode& e) { return e.open && e.rule->id == rule->id; });
            if (!open) own_.push_back(as_limited(person, rule));
        }
        list_ = own_;
    }
    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }

  private:
    std::vector<rules::RulePtr> own_;  // shared: an episode may go while its rule is looked at
    std::span<const rules::RulePtr> list_;
};

}  // namespace vitalog::processors::care
