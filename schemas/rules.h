#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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
    Threshold,  ///< a value at or beyond a limit, for so long
    IndexBand,  ///< an index reaches a band
    Change,     ///< a value moved by so much within so long
    Trend,      ///< the slope over a window lies beyond a limit
    Window,     ///< a statistic of a window lies beyond a limit
    Silence,    ///< nothing for so long that a device, an encounter or a finding should bring
    AllOf,      ///< several conditions at once
    AnyOf,      ///< one of several conditions
    Sequence    ///< several conditions one after the other
};
template <>
struct EnumNames<RuleKind> {
    static constexpr std::array<std::string_view, 9> names{"threshold", "index-band", "change",
                                                           "trend",     "window",     "silence",
                                                           "all-of",    "any-of",     "sequence"};
};

enum class ChangeDirection : std::uint8_t { Rise, Fall };
template <>
struct EnumNames<ChangeDirection> {
    static constexpr std::array<std::string_view, 2> names{"rise", "fall"};
};

/// The rolling windows that are kept.
enum class WindowLength : std::uint8_t { Hour, Day, Week, Quarter };
template <>
struct EnumNames<WindowLength> {
    static constexpr std::array<std::string_view, 4> names{"1h", "24h", "7d", "90d"};
};
std::chrono::microseconds duration_of(WindowLength length);

enum class Statistic : std::uint8_t { Count, Min, Max, Mean, Deviation, Variation };
template <>
struct EnumNames<Statistic> {
    static constexpr std::array<std::string_view, 6> names{"count", "min",       "max",
                                                           "mean",  "deviation", "variation"};
};

/// What has to go on for silence to be an alarm. Either: binding or encounter.
enum class Watch : std::uint8_t { Binding, Encounter, Either, Inpatient };
template <>
struct EnumNames<Watch> {
    static constexpr std::array<std::string_view, 4> names{"binding", "encounter", "either",
                                                           "inpatient"};
};

/// What breaks a silence.
enum class Awaits : std::uint8_t { Samples, Results, Both };
template <>
struct EnumNames<Awaits> {
    static constexpr std::array<std::string_view, 3> names{"samples", "results", "both"};
};

/// One band of an index and what it means. A rule lists its bands from the worst to the mildest.
struct RuleBand {
    std::string band;
    std::string problem;
    Priority priority = Priority::Medium;
    bool task = true;

    friend bool operator==(const RuleBand&, const RuleBand&) = default;
};

/// A number that values are compared with; `strict` leaves the number itself out.
struct Limit {
    double value = 0;
    bool strict = false;

    bool reached_from_above(double number) const {
        return strict ? number < value : number <= value;
    }
    bool reached_from_below(double number) const {
        return strict ? number > value : number >= value;
    }
    friend bool operator==(const Limit&, const Limit&) = default;
};

/// One rule, or one condition of a rule. An open episode keeps a copy of the rule that raised it,
/// so a Rule is whole by itself.
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

    std::chrono::microseconds
        cool_down{};  ///< after an end, no new episode for so long unless it is worse
    std::vector<std::string>
        inhibits;           ///< rules whose episodes make no task while this one's lasts
    std::string group;      ///< one task for all rules of a group while it is open
    bool personal = false;  ///< limits of one person stand in for the rule's own

    std::vector<std::string> loinc;          ///< codes judged; not of index bands and combinations
    std::string unit;                        ///< UCUM unit that the values must come in
    std::optional<Limit> low;                ///< Threshold, Window: at or below raises
    std::optional<Limit> high;               ///< Threshold, Window: at or above raises
    std::optional<Limit> clear_low;          ///< at or above this...
    std::optional<Limit> clear_high;         ///< ...and at or below this closes the episode
    std::chrono::microseconds hold{};        ///< Threshold: beyond the limit for so long raises
    std::chrono::microseconds clear_hold{};  ///< Threshold: within clear limits for so long closes
    std::chrono::microseconds max_gap{};     ///< Threshold: a longer gap ends both

    std::string index;                     ///< IndexBand: method, for example "aki-nhs"
    std::vector<RuleBand> bands;           ///< IndexBand: worst first
    std::vector<std::string> clear_bands;  ///< IndexBand: bands that close the episode

    ChangeDirection direction = ChangeDirection::Rise;  ///< Change, Trend
    std::optional<double> by;     ///< Change: by at least this, in `unit`; Trend: per `per`
    std::optional<double> ratio;  ///< Change: to at least (rise) or at most (fall) this multiple
    std::chrono::microseconds within{};  ///< Change: how far back; Silence: how long; AllOf, AnyOf:
                                         ///< how old a value may be; Sequence: first to last
    std::optional<double> clear_by;      ///< Change, Trend: less than this closes; default `by`
    std::optional<double> clear_ratio;

    WindowLength window = WindowLength::Day;  ///< Trend, Window
    std::int64_t points = 1;                  ///< Trend, Window: values at least
    std::chrono::microseconds covers{};     ///< Trend, Window: from the first to the last at least
    std::chrono::microseconds per{};        ///< Trend
    Statistic statistic = Statistic::Mean;  ///< Window
    Watch watch = Watch::Binding;           ///< Silence without a finding
    Awaits awaits = Awaits::Samples;        ///< Silence
    std::vector<Rule> conditions;           ///< AllOf, AnyOf, Sequence: in order; Silence: the
                                            ///< finding that something is to follow, or none

    bool combines() const {
        return kind == RuleKind::AllOf || kind == RuleKind::AnyOf || kind == RuleKind::Sequence;
    }
    friend bool operator==(const Rule&, const Rule&) = default;
};

/// What becomes of the open episodes of a pack's rules when it is published.
enum class OpenEpisodes : std::uint8_t {
    Stay,   ///< they go on under the version that raised them
    Follow  ///< they go on under this version; those of rules that it no longer has end
};
template <>
struct EnumNames<OpenEpisodes> {
    static constexpr std::array<std::string_view, 2> names{"stay", "follow"};
};

/// A file of rules with its own version.
struct RulePack {
    std::string id;
    std::string version;
    OpenEpisodes open_episodes = OpenEpisodes::Stay;
    std::vector<Rule> rules;
    std::vector<int> lines;  ///< where each rule begins, for errors
};

inline constexpr std::size_t kRulePackBytesMax = 1 << 20;
inline constexpr std::size_t kRulesPerPackMax = 1000;

/// Reads a rule pack from YAML text. Configuration errors read "FILE:LINE: what is wrong; what to
/// write instead".
Result<RulePack> parse_rule_pack(std::string_view file, std::string_view yaml);

/// What a reader of a pack finds wrong with a rule, and what to write instead; empty: nothing.
using RuleFault = std::function<std::string(const Rule&)>;
/// Configuration with the first fault: "FILE:LINE: rule 'ID': FAULT".
Result<void> check_rules(std::string_view file, const RulePack& pack, const RuleFault& fault_of);

/// The stored form of a rule inside an open episode: see rules_stored.cc.
void encode_rule(BinaryWriter& out, const Rule& rule);
Rule decode_rule(BinaryReader& in);
Rule decode_rule_form_2(BinaryReader& in);

}  // namespace vitalog::schemas
