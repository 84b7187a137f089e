#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/rules.h"

namespace vitalog::topology {

/// What a rule says, in the words and the order of its file: ("high", "6.2"), ("clear.high", "6").
using RuleWords = std::vector<std::pair<std::string, std::string>>;
RuleWords words_of(const schemas::Rule& rule);

/// How one version of a pack became another, for people to read.
struct RuleDiff {
    std::vector<std::string> lines;
    std::size_t added = 0;
    std::size_t removed = 0;
    std::size_t changed = 0;
    std::size_t unchanged = 0;
    /// Rules that changed under their old version: alerts could not tell which of the two raised
    /// them.
    std::vector<std::string> same_version;

    bool empty() const { return lines.empty(); }
};
RuleDiff diff_packs(const schemas::RulePack& before, const schemas::RulePack& after);

}  // namespace vitalog::topology
