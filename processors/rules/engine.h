#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "processors/risk/bounds.h"
#include "processors/rules/statistics.h"
#include "schemas/base/time.h"
#include "schemas/rules.h"

namespace vitalog::processors::rules {

using RulePtr =
    std::shared_ptr<const schemas::Rule>;  // shared: packs in force and the episodes a rule opened

/// What a rule makes of a value or a band that meets it.
struct Level {
    schemas::Priority priority = schemas::Priority::Low;
    bool task = false;
    std::string_view problem;
    std::string_view band;  ///< index-band rules
    int rank = 0;           ///< 0 is the worst

    bool worse_than(const Level& other) const {
        return priority != other.priority ? priority > other.priority : rank < other.rank;
    }
};

/// A value at its time.
struct Reading {
    EventTime at;
    Bounds value;
};

// Judging is pure. A rule is met only by what is certain: "<3.0" does not meet "at most 2.8",
// "<2.5" does.

std::optional<Level> met_by_value(const schemas::Rule& rule, const Bounds& value);
std::optional<Level> met_by_band(const schemas::Rule& rule, std::string_view band);
/// `others`: readings of the same code and unit, any order; those up to `rule.within` before
/// `current` count.
std::optional<Level> met_by_change(const schemas::Rule& rule, const Reading& current,
                                   std::span<const Reading> others);

/// The smallest and the largest of the readings that `current` is compared with; the first above the second where there is
/// none.
std::pair<double, double> extremes_before(const schemas::Rule& rule, const Reading& current,
                                          std::span<const Reading> others);

/// A change from any value that the samples before came to: `extremes` over the rule's time.
std::optional<Level> met_by_change(const schemas::Rule& rule, double current, double least,
                                   double most);
/// Window and trend rules, by what the rule's window came to. Neither met nor cleared with fewer
/// values than the rule's `points`, or over less time than its `covers`.
std::optional<Level> met_by_statistics(const schemas::Rule& rule, const Statistics& statistics);
/// The level of a rule that has one: every kind but index bands.
Level level_of(const schemas::Rule& rule);

bool cleared_by_value(const schemas::Rule& rule, const Bounds& value);
bool cleared_by_band(const schemas::Rule& rule, std::string_view band);
bool cleared_by_change(const schemas::Rule& rule, const Reading& current,
                       std::span<const Reading> others);
bool cleared_by_change(const schemas::Rule& rule, double current, double least, double most);
bool cleared_by_statistics(const schemas::Rule& rule, const Statistics& statistics);

/// The number of the window that a window or trend rule looks at; none where it can't be said.
std::optional<double> statistic_of(const schemas::Rule& rule, const Statistics& statistics);

/// True when the rule, or a condition of it, judges values of this LOINC code.
bool judges_code(const schemas::Rule& rule, std::string_view loinc);
/// The unit in which it does; empty where it does not.
std::string unit_of(const schemas::Rule& rule, std::string_view loinc);
/// True when the rule, or a condition of it, judges bands of this index.
bool judges_index(const schemas::Rule& rule, std::string_view method);

/// The rule packs in force (law 8): replaced whole, by name.
class RulesInForce {
  public:
    /// What whoever uses the rules asks of a pack beside its grammar: a function that gives an
    /// Error for one that may not take force.
    using Check = Result<void> (*)(std::string_view name, const schemas::RulePack& pack);
    explicit RulesInForce(Check check = nullptr) : check_(check) {}

    /// Takes a pack's YAML into force under a name; an empty text retires it. Configuration when
    /// the text is wrong or an id is used by another pack: nothing has changed then.
    Result<void> put(std::string_view name, std::string_view yaml);

    /// Rules that judge values of this code, in the order of the packs' names and of the packs;
    /// those that hide others before them.
    std::span<const RulePtr> for_code(std::string_view loinc) const;
    std::span<const RulePtr> for_index(std::string_view method) const;
    std::span<const RulePtr> silence() const { return silence_; }
    /// In force by id, or null.
    RulePtr find(std::string_view id) const;

    /// What an open episode goes on under, by the pack that its rule came in.
    struct Succession {
        bool stays = true;  ///< under the version that raised it
        RulePtr rule;       ///< else under this one; null: its rule is there no more
    };
    Succession succession(const schemas::Rule& raised) const;

  private:
    using Index = std::map<std::string, std::vector<RulePtr>, std::less<>>;

    struct Pack {
        std::string id;
        schemas::OpenEpisodes open_episodes = schemas::OpenEpisodes::Stay;
        std::vector<RulePtr> rules;
    };

    Result<void> check_ids(std::string_view name, const schemas::RulePack& pack) const;
    void rebuild();
    int depth_of(const schemas::Rule& rule, int limit) const;

    Check check_;
    std::map<std::string, Pack, std::less<>> packs_;
    Index by_code_;
    Index by_index_;
    std::vector<RulePtr> silence_;
};

}  // namespace vitalog::processors::rules
