// What is refused in a rule pack, each with the whole sentence that its writer reads: the file, the
// line, and what to write instead. Kinds of rules have their own cases in rule_kinds_test.cc.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "schemas/rules.h"

namespace vitalog::schemas {
namespace {

constexpr std::string_view kPack = R"(format: 1
pack: ward
version: 1
rules:
  - id: potassium
    version: 1
    kind: threshold
    problem: Potassium
    loinc: 2823-3
    unit: mmol/L
    low: 2.5
    high: 6.2
    clear: {low: 3, high: 5.8}
    priority: high
    max_age: 24h
    source: s
  - id: score
    version: 1
    kind: index-band
    problem: Score
    index: news2
    bands:
      - {band: high, priority: high}
      - {band: medium, priority: medium}
    clear: [low]
    max_age: 24h
    source: s
  - id: creatinine
    version: 1
    kind: change
    problem: Creatinine
    loinc: 2160-0
    unit: umol/L
    direction: rise
    by: 26
    ratio: 1.5
    within: 48h
    clear: {by: 20, ratio: 1.2}
    priority: high
    max_age: 24h
    source: s
  - id: falls
    version: 1
    kind: trend
    problem: Falls
    loinc: 59408-5
    unit: "%"
    window: 1h
    points: 6
    direction: fall
    by: 2
    per: 1h
    clear: {by: 1}
    priority: low
    max_age: 24h
    source: s
  - id: both
    version: 1
    kind: all-of
    problem: Both
    within: 15m
    conditions:
      - {kind: threshold, loinc: a, unit: u, high: 3, clear: {high: 2}}
      - {kind: index-band, index: news2, bands: [high], clear: [low]}
    priority: low
    max_age: 24h
    source: s
)";

struct Case {
    std::string_view from;
    std::string_view to;
    std::string_view said;
};

constexpr auto kCases = std::to_array<Case>({
    {"format: 1\n", "", "ward.yaml:1: 'format' is missing; write format: ..."},
    {"format: 1", "format: 2", "ward.yaml:1: format must be 1; this program reads no other"},
    {"pack: ward\n", "", "ward.yaml:1: 'pack' is missing; write pack: ..."},
    {"pack: ward", "pack: ward 7",
     "ward.yaml:2: pack 'ward 7' must be at most 64 letters, digits, '.', '-' or '_'"},
    {"pack: ward", "pack: [ward]", "ward.yaml:2: pack must be a text; write pack: ..."},
    {"pack: ward", "rules_of: ward",
     "ward.yaml:2: unknown key 'rules_of' in a rule pack; write one of format, pack, version, "
     "description, open_episodes, rules"},
    {"version: 1\nrules", "version:\nrules",
     "ward.yaml:3: 'version' has no value; write version: ..."},
    {"format: 1", "? [a]\n: b\nformat: 1", "ward.yaml:1: a key must be a word; write key: value"},
    {"rules:\n", "rules: []\nrule:\n",
     "ward.yaml:5: unknown key 'rule' in a rule pack; write one of format, pack, version, "
     "description, open_episodes, rules"},
    {"rules:\n", "rulez:\n",
     "ward.yaml:4: unknown key 'rulez' in a rule pack; write one of format, pack, version, "
     "description, open_episodes, rules"},
    {"  - id: potassium\n", "  - potassium\n  - id: potassium\n",
     "ward.yaml:5: a rule must be a mapping; write - id: ..."},
    {"id: score", "id: potassium",
     "ward.yaml:17: rule 'potassium' is there twice; give one another id"},
    {"format: 1\n", "format: 1\nformat: 1\n", "ward.yaml:2: key 'format' is there twice; keep one"},
    {"  - id: potassium\n    version: 1\n", "  - id: potassium\n",
     "ward.yaml:5: 'version' is missing; write version: ..."},
    {"id: potassium", "id: ka/lium",
     "ward.yaml:5: id 'ka/lium' must be at most 64 letters, digits, '.', '-' or '_'"},
    {"kind: threshold", "kind: limit",
     "ward.yaml:7: kind 'limit' is unknown; write one of threshold, index-band, change, trend, "
     "window, silence, all-of, any-of, sequence"},
    {"    problem: Potassium\n", "", "ward.yaml:5: 'problem' is missing; write problem: ..."},
    {"problem: Potassium", "problem: [Potassium]",
     "ward.yaml:8: problem must be a text; write problem: ..."},
    {"priority: high", "priority: urgent",
     "ward.yaml:14: priority 'urgent' is unknown; write one of low, medium, high"},
    {"    priority: high\n", "",
     "ward.yaml:5: 'priority' is missing; write priority: one of low, medium, high"},
    {"priority: high", "priority: high\n    task: maybe", "ward.yaml:15: task must be yes or no"},
    {"max_age: 24h", "max_age: 1 day",
     "ward.yaml:15: max_age must be a duration above zero; write for example max_age: 48h"},
    {"    max_age: 24h\n", "", "ward.yaml:5: 'max_age' is missing; write for example max_age: 48h"},
    {"max_age: 24h", "max_age: 0s",
     "ward.yaml:15: max_age must be a duration above zero; write for example max_age: 48h"},
    {"    source: s\n", "",
     "ward.yaml:5: 'source' is missing; name the publication, or write source: needs clinical "
     "sign-off"},
    {"source: s", "source: s\n    patient: yes",
     "ward.yaml:17: patient must be a mapping; write 'key: value' lines"},
    {"source: s", "source: s\n    patient: {purpose: alert}",
     "ward.yaml:17: 'template' is missing; write template: ..."},
    {"source: s", "source: s\n    patient: {purpose: alert, template: t, within: soon}",
     "ward.yaml:17: within must be a duration above zero; write for example within: 48h"},
    {"source: s", "source: s\n    inhibits: score",
     "ward.yaml:17: inhibits must list 1 to 16 ids of rules; write inhibits: [milder-rule]"},
    {"source: s", "source: s\n    inhibits: [sco re]",
     "ward.yaml:17: inhibits 'sco re' must be at most 64 letters, digits, '.', '-' or '_'"},
    {"source: s", "source: s\n    cool_down: -1h",
     "ward.yaml:17: cool_down must be a duration above zero; write for example cool_down: 48h"},
    {"source: s", "source: s\n    group: [a]",
     "ward.yaml:17: group must be a text; write group: ..."},
    {"    loinc: 2823-3\n", "", "ward.yaml:5: 'loinc' is missing; write loinc: [...]"},
    {"loinc: 2823-3", "loinc: []", "ward.yaml:9: loinc must list 1 to 64 entries"},
    {"loinc: 2823-3", "loinc: {a: b}", "ward.yaml:9: loinc must be a text; write loinc: ..."},
    {"    unit: mmol/L\n", "", "ward.yaml:5: 'unit' is missing; write unit: ..."},
    {"low: 2.5", "low: two", "ward.yaml:11: low must be a number; write for example low: 6.2"},
    {"low: 2.5", "low: .nan", "ward.yaml:11: low must be a number; write for example low: 6.2"},
    {"    low: 2.5\n    high: 6.2\n", "",
     "ward.yaml:5: a threshold rule needs 'low', 'high' or both (or 'below' and 'above', which "
     "leave the number itself out)"},
    {"low: 2.5", "low: 7", "ward.yaml:11: low must be below high; exchange them"},
    {"clear: {low: 3, high: 5.8}", "clear: 3",
     "ward.yaml:13: clear must be a mapping; write 'key: value' lines"},
    {"clear: {low: 3, high: 5.8}", "clear: {low: 3}",
     "ward.yaml:13: clear must state the same of low and high as the rule; write for example "
     "clear: {low: 3.0, high: 5.8}"},
    {"    clear: {low: 3, high: 5.8}\n", "",
     "ward.yaml:5: clear must state the same of low and high as the rule; write for example clear: "
     "{low: 3.0, high: 5.8}"},
    {"clear: {low: 3, high: 5.8}", "clear: {low: 2.4, high: 5.8}",
     "ward.yaml:13: clear limits must lie inside the limits that raise; write clear.low above low "
     "and clear.high below high"},
    {"clear: {low: 3, high: 5.8}", "clear: {low: 6, high: 5.8}",
     "ward.yaml:13: clear.low must not be above clear.high; exchange them"},
    {"clear: {low: 3, high: 5.8}", "clear: {low: 3, high: 5.8, hi: 1}",
     "ward.yaml:13: unknown key 'hi' in clear; write one of low, above, high, below, for"},
    {"clear: {low: 3, high: 5.8}", "clear: {low: 3, high: 5.8}\n    max_gap: 30s",
     "ward.yaml:14: max_gap says how far apart samples of a 'for' may be; add for: 60s, or leave "
     "it out"},
    {"    index: news2\n", "", "ward.yaml:17: 'index' is missing; write index: ..."},
    {"{band: high, priority: high}", "{band: medium, priority: high}",
     "ward.yaml:24: band 'medium' is there twice; keep one"},
    {"{band: medium, priority: medium}",
     "{band: medium, priority: high}\n      - {band: low, priority: high}",
     "ward.yaml:26: band 'low' both raises and clears; keep one"},
    {"{band: high, priority: high}", "{band: high, priority: low}",
     "ward.yaml:24: band 'medium' is more urgent than one listed before it; list the worst first"},
    {"{band: high, priority: high}", "{priority: high}",
     "ward.yaml:23: 'band' is missing; write band: ..."},
    {"clear: [low]", "clear: [low, medium]",
     "ward.yaml:25: band 'medium' both raises and clears; keep one"},
    {"    clear: [low]\n", "", "ward.yaml:17: 'clear' is missing; write clear: [...]"},
    {"    bands:\n      - {band: high, priority: high}\n      - {band: medium, priority: medium}\n",
     "",
     "ward.yaml:17: bands must list 1 to 32 bands, worst first; write bands: [{band: \"3\", "
     "priority: high, problem: ...}]"},
    {"    by: 26\n    ratio: 1.5\n", "",
     "ward.yaml:28: a change rule needs 'by', 'ratio' or both; both: either is enough"},
    {"by: 26", "by: -26", "ward.yaml:35: by must be above zero; direction says which way"},
    {"ratio: 1.5", "ratio: 0.5",
     "ward.yaml:36: ratio of a rise must be above 1; write for example ratio: 1.5"},
    {"direction: rise", "direction: fall",
     "ward.yaml:36: ratio of a fall must be between 0 and 1; write for example ratio: 0.7"},
    {"direction: rise", "direction: up",
     "ward.yaml:34: direction 'up' is unknown; write one of rise, fall"},
    {"within: 48h", "within: 48",
     "ward.yaml:37: within must be a duration above zero; write for example within: 48h"},
    {"    within: 48h\n", "", "ward.yaml:28: 'within' is missing; write for example within: 48h"},
    {"clear: {by: 20, ratio: 1.2}", "clear: {by: 30, ratio: 1.2}",
     "ward.yaml:38: clear.by must not be above by, and needs it; lower it"},
    {"clear: {by: 20, ratio: 1.2}", "clear: {by: 20, ratio: 1.6}",
     "ward.yaml:38: clear.ratio must be the smaller change, and needs ratio; bring it nearer to 1"},
    {"window: 1h", "window: 2h",
     "ward.yaml:48: window '2h' is unknown; write one of 1h, 24h, 7d, 90d"},
    {"points: 6", "points: 2",
     "ward.yaml:49: a trend needs 'points' of at least 3: fewer values are no trend; write for "
     "example points: 6"},
    {"points: 6", "points: 2000000",
     "ward.yaml:49: points must be a whole number from 1 to 1000000; write for example points: 6"},
    {"by: 2\n    per", "by: 0\n    per",
     "ward.yaml:51: a trend needs 'by' above zero, the change per 'per'; write for example by: 2"},
    {"    per: 1h\n", "", "ward.yaml:42: 'per' is missing; write for example per: 48h"},
    {"clear: {by: 1}", "clear: {by: 3}", "ward.yaml:53: clear.by must not be above by; lower it"},
    {"clear: {by: 1}", "clear: {to: 1}",
     "ward.yaml:53: unknown key 'to' in clear; write one of by"},
    {"    within: 15m\n", "", "ward.yaml:57: 'within' is missing; write for example within: 48h"},
    {"      - {kind: index-band, index: news2, bands: [high], clear: [low]}\n", "",
     "ward.yaml:63: conditions must list 2 to 8 conditions; write conditions: [{kind: threshold, "
     "loinc: ...}, ...]"},
    {"      - {kind: index-band, index: news2, bands: [high], clear: [low]}", "      - index-band",
     "ward.yaml:64: a condition must be a mapping; write - kind: threshold ..."},
    {"kind: index-band, index: news2, bands: [high]", "kind: sequence, index: news2, bands: [high]",
     "ward.yaml:64: a condition can't be sequence; write one of threshold, index-band, change, "
     "trend, window"},
    {"bands: [high], clear: [low]", "bands: [high]",
     "ward.yaml:64: 'clear' is missing; write clear: [...]"},
    {"high: 3, clear: {high: 2}", "high: 3, for: 60s, clear: {high: 2}",
     "ward.yaml:63: a condition looks at the newest value; leave 'for' to a rule of its own"},
    {"    unit: mmol/L\n", "    unitt:\n",
     "ward.yaml:10: unknown key 'unitt' in a threshold rule; write one of id, version, kind, "
     "problem, priority, task, max_age, source, patient, cool_down, inhibits, group, loinc, unit, "
     "low, below, high, above, for, max_gap, clear"},
    {"    unit: umol/L\n", "    unit:\n", "ward.yaml:33: 'unit' has no value; write unit: ..."},
    {"    kind: trend", "    kind:", "ward.yaml:44: 'kind' has no value; write kind: ..."},
});

std::string refusal_of(std::string_view yaml) {
    const auto parsed = parse_rule_pack("ward.yaml", yaml);
    return parsed ? "" : parsed.error().message();
}

TEST(RuleErrors, NameFileLineAndWhatToWrite) {
    ASSERT_EQ(refusal_of(kPack), "");
    for (const auto& [from, to, said] : kCases) {
        std::string yaml(kPack);
        ASSERT_NE(yaml.find(from), std::string::npos) << from;
        yaml.replace(yaml.find(from), from.size(), to);
        EXPECT_EQ(refusal_of(yaml), said) << "where '" << from << "' became '" << to << "'";
    }
}

TEST(RuleErrors, AnEmptyDescriptionPasses) {
    std::string yaml(kPack);
    EXPECT_EQ(refusal_of(yaml.replace(0, 0, "description:\n")), "") << "there are such in logs";
}

}  // namespace
}  // namespace vitalog::schemas
