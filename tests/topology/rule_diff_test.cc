// What a change of rules looks like to who must judge it.
#include "topology/operator/rule_diff.h"

#include <gtest/gtest.h>

namespace vitalog::topology {
namespace {

schemas::RulePack pack(std::string_view rules) {
    const auto parsed = schemas::parse_rule_pack(
        "t.yaml", "format: 1\npack: p\nversion: 1\nrules:\n" + std::string(rules));
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message());
    return parsed ? *parsed : schemas::RulePack{};
}

constexpr std::string_view kOther =
    "  - {id: other, version: 1, kind: silence, problem: O, loinc: a, after: 30m, while: either, "
    "priority: low, max_age: 1d, source: s}\n";

std::string potassium(std::string_view version, std::string_view limits) {
    return "  - {id: k, version: " + std::string(version) +
           ", kind: threshold, problem: K, loinc: [2823-3], unit: mmol/L, " + std::string(limits) +
           ", priority: high, max_age: 24h, source: s}\n";
}

TEST(RuleDiff, NamesWhatChangedInTheWordsOfTheFile) {
    const auto diff = diff_packs(
        pack(potassium("1", "high: 6.2, clear: {high: 6}") + std::string(kOther)),
        pack(potassium("2", "above: 6.5, for: 5m, clear: {high: 6}") + std::string(kOther)));
    const std::vector<std::string> expected{
        "~ k, version 1 -> 2",           "    high: 6.2 -> (not said)",
        "    above: (not said) -> 6.5",  "    for: (not said) -> 5m",
        "    max_gap: (not said) -> 5m",
    };
    EXPECT_EQ(diff.lines, expected);
    EXPECT_EQ(diff.changed, 1U);
    EXPECT_EQ(diff.unchanged, 1U);
    EXPECT_TRUE(diff.same_version.empty());
}

TEST(RuleDiff, TellsNewRulesWhollyAndThoseTakenOutByName) {
    const auto diff = diff_packs(pack(kOther), pack(potassium("1", "high: 6.2, clear: {high: 6}")));
    EXPECT_EQ(diff.added, 1U);
    EXPECT_EQ(diff.removed, 1U);
    EXPECT_EQ(diff.lines.front(), "- other, version 1: O");
    EXPECT_EQ(diff.lines[1], "+ k, version 1");
    EXPECT_NE(std::find(diff.lines.begin(), diff.lines.end(), "    clear.high: 6"),
              diff.lines.end());
}

TEST(RuleDiff, ARuleThatChangedUnderItsVersionIsNamed) {
    const auto diff = diff_packs(pack(potassium("1", "high: 6.2, clear: {high: 6}")),
                                 pack(potassium("1", "high: 6.3, clear: {high: 6}")));
    EXPECT_EQ(diff.same_version, std::vector<std::string>{"k"});
}

TEST(RuleDiff, SaysWhatBecomesOfOpenEpisodes) {
    const auto stays = pack(kOther);
    auto follows = stays;
    follows.open_episodes = schemas::OpenEpisodes::Follow;
    EXPECT_EQ(diff_packs(stays, follows).lines,
              std::vector<std::string>{"open_episodes: stay -> follow"});
    EXPECT_TRUE(diff_packs(follows, follows).empty());
}

TEST(RuleDiff, SequencesAndFindingsAreTakenApart) {
    const auto bleeds = [](std::string_view within) {
        return pack(
            "  - {id: b, version: 1, kind: sequence, problem: B, within: " + std::string(within) +
            ", priority: low, max_age: 1d, source: s, conditions: ["
            "{kind: threshold, loinc: a, unit: u, low: 3, clear: {low: 4}}, "
            "{kind: threshold, loinc: b, unit: u, high: 3, clear: {high: 2}}]}\n");
    };
    EXPECT_EQ(diff_packs(bleeds("2h"), bleeds("3h")).lines.back(), "    within: 2h -> 3h");
    const auto control = [](std::string_view wait) {
        return pack(
            "  - {id: c, version: 1, kind: silence, problem: C, loinc: a, of: results, "
            "after: 6h, " +
            std::string(wait) + ", priority: low, max_age: 1d, source: s}\n");
    };
    const auto diff = diff_packs(
        control("while: inpatient"),
        control("following: {kind: threshold, loinc: a, unit: u, high: 3, clear: {high: 2}}"));
    EXPECT_EQ(diff.lines[1], "    while: inpatient -> (not said)");
    EXPECT_NE(
        std::find(diff.lines.begin(), diff.lines.end(), "    following: high: (not said) -> 3"),
        diff.lines.end());
}

TEST(RuleDiff, ConditionsAreTakenApart) {
    const auto all = [](std::string_view second) {
        return pack(
            "  - {id: c, version: 1, kind: all-of, problem: C, within: 6h, priority: low, max_age: "
            "1d, source: s, conditions: ["
            "{kind: threshold, loinc: a, unit: u, high: 3, clear: {high: 2}}, {kind: index-band, "
            "index: news2, bands: [" +
            std::string(second) + "], clear: [low]}]}\n");
    };
    const auto diff = diff_packs(all("high"), all("high, medium"));
    ASSERT_EQ(diff.lines.size(), 2U);
    EXPECT_EQ(diff.lines[1], "    condition 2: band medium: (not said) -> meets");
    EXPECT_TRUE(diff_packs(all("high"), all("high")).empty());
}

}  // namespace
}  // namespace vitalog::topology
