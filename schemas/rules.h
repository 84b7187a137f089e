#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/binary.h"
#include "schemas/base/result.h"
#include "schemas/events/care.h"

// Rule packs: what raises an alert, for whom, how urgently. Published as control records of kind
// "rules"; the format is documented by schemas/rules/rule-pack.schema.json.

namespace vitalog::schemas {

enum class RuleKind : std::uint8_t {
    Threshold,  ///< a value at or beyond a limit
    IndexBand,  ///< an index reaches a band
    Change      ///< a value moved by so much within so long
};
template <>
struct EnumNames<RuleKind> {
    static constexpr std::array<std::string_view, 3> names{"threshold", "index-band", "change"};
};

enum class ChangeDirection : std::uint8_t { Rise, Fall };
template <>
struct EnumNames<ChangeDirection> {
    static constexpr std::array<std::string_view, 2> names{"rise", "fall"};
};

/// One band of an index and what it means. A rule lists its bands from the worst to the mildest.
struct RuleBand {
    std::string band;
    std::string problem;
    Priority priority = Priority::Medium;
    bool task = true;

    friend bool operator==(const RuleBand&, const RuleBand&) = default;
};

/// One rule. An open episode keeps a copy of the rule that raised it, so a Rule is whole by itself.
struct Rule {
    std::string id;
    std::string version;
    std::string pack;  ///< id of the pack it came in
    std::string pack_version;
    RuleKind kind = RuleKind::Threshold;
    std::string problem;  ///< what a doctor reads
    Priority priority = Priority::Medium;
    bool task = true;
    std::chrono::microseconds
        max_age{};       ///< received minus event time; older is recorded as retrospective
    std::string source;  ///< where the limits come from, or "needs clinical sign-off"

    std::string patient_purpose;   ///< purpose of the message to the patient after a doctor
                                   ///< confirmed; empty: none
    std::string patient_template;  ///< its template's name
    std::optional<std::chrono::microseconds>
        patient_within;  ///< how long after the decision it may still be sent

    std::vector<std::string> loinc;   ///< Threshold, Change: codes judged
    std::string unit;                 ///< Threshold, Change: UCUM unit that the values must come in
    std::optional<double> low;        ///< Threshold: at or below raises
    std::optional<double> high;       ///< Threshold: at or above raises
    std::optional<double> clear_low;  ///< Threshold: at or above this...
    std::optional<double> clear_high;  ///< ...and at or below this closes the episode

    std::string index;                     ///< IndexBand: method, for example "aki-nhs"
    std::vector<RuleBand> bands;           ///< IndexBand: worst first
    std::vector<std::string> clear_bands;  ///< IndexBand: bands that close the episode

    ChangeDirection direction = ChangeDirection::Rise;
    std::optional<double> by;     ///< Change: by at least this, in `unit`
    std::optional<double> ratio;  ///< Change: to at least (rise) or at most (fall) this multiple
    std::chrono::microseconds within{};
    std::optional<double>
        clear_by;  ///< Change: less than this within the same time closes; default `by`
    std::optional<double> clear_ratio;

    friend bool operator==(const Rule&, const Rule&) = default;
};

/// A file of rules with its own version.
struct RulePack {
    std::string id;
    std::string version;
    std::vector<Rule> rules;
};

inline constexpr std::size_t kRulePackBytesMax = 1 << 20;
inline constexpr std::size_t kRulesPerPackMax = 1000;

/// Reads a rule pack from YAML text. Configuration errors read "FILE:LINE: what is wrong; what to
/// write instead".
Result<RulePack> parse_rule_pack(std::string_view file, std::string_view yaml);

/// The stored form of a rule inside an open episode. A field that a later version adds goes to the
/// end.
void encode_rule(BinaryWriter& out, const Rule& rule);
Rule decode_rule(BinaryReader& in);

}  // namespace vitalog::schemas
