// Codes and units of rules against the tables: what would never fire is not published.
#include "topology/rule_terms.h"

#include <gtest/gtest.h>

#include "schemas/embed.h"
#include "topology/log/memory_log.h"

namespace vitalog::topology {
namespace {

std::vector<Publication> with_tables(const std::string& rule,
                                     const std::string& priority = "priority: low, ") {
    std::vector<Publication> all;
    for (const auto kind : {"units", "codes"})
        for (const auto& file : schemas::builtin_files())
            if (file.kind == kind)
                all.push_back(make_publication(kind, std::string(file.name), std::string(file.text),
                                               "built-in"));
    const std::string head =
        "format: 1\npack: p\nversion: 1\nrules:\n"
        "  - {id: fine, version: 1, kind: silence, problem: P, loinc: 8867-4, after: 1h, while: "
        "either, priority: low, max_age: "
        "24h, source: s}\n";
    all.push_back(
        make_publication("rules", "p.yaml",
                         head + "  - {id: r, version: 1, problem: P, max_age: 24h, source: s, " +
                             priority + rule + "}\n",
                         "draft/p.yaml"));
    return all;
}

std::string refusal_of(const std::string& rule) {
    const auto done = check_terms(with_tables(rule));
    return done ? "" : done.error().message();
}

TEST(RuleTerms, KnownCodesInTheirUnitAreFine) {
    EXPECT_EQ(
        refusal_of("kind: threshold, loinc: [2823-3], unit: mmol/L, high: 6, clear: {high: 5}"),
        "");
}

TEST(RuleTerms, AMisspeltCodeIsNamedWithTheOneItIsNearTo) {
    EXPECT_EQ(
        refusal_of(
            "kind: threshold, loinc: [2823-3, 2822-3], unit: mmol/L, high: 6, clear: {high: 5}"),
        "draft/p.yaml:6: rule 'r': no table knows the code '2822-3'; write for example 2823-3 "
        "(Potassium), or a LOINC "
        "code that has an entry under observables: in the tables of codes");
    EXPECT_EQ(refusal_of("kind: silence, loinc: potassium, after: 1h, while: either"),
              "draft/p.yaml:6: rule 'r': no table knows the code 'potassium'; write a LOINC code "
              "that has an entry under "
              "observables: in the tables of codes");
}

TEST(RuleTerms, BesideAKnownCodeOneOfOtherSitesMayStand) {
    EXPECT_EQ(refusal_of("kind: threshold, loinc: [2823-3, 6298-4], unit: mmol/L, high: 6, clear: "
                         "{high: 5}"),
              "");
    EXPECT_NE(refusal_of("kind: threshold, loinc: 6298-4, unit: mmol/L, high: 6, clear: {high: 5}"),
              "");
    for (const auto* no_code : {"6298-5", "6298", "6298-", "-4", "6298-44", "62a8-4", "62981234-4"})
        EXPECT_NE(refusal_of(std::string("kind: threshold, loinc: [2823-3, ") + no_code +
                             "], unit: mmol/L, high: 6, clear: {high: 5}"),
                  "")
            << no_code;
}

TEST(RuleTerms, AUnitThatValuesAreNotKeptInIsNamedWithTheOneTheyAre) {
    EXPECT_EQ(refusal_of("kind: threshold, loinc: 2823-3, unit: mEq/L, high: 6, clear: {high: 5}"),
              "draft/p.yaml:6: rule 'r': values of 2823-3 (Potassium) are kept in mmol/L, not in "
              "mEq/L; write unit: "
              "\"mmol/L\", and the limits in it");
}

TEST(RuleTerms, ConditionsAndFindingsAreHeldAgainstThemToo) {
    EXPECT_NE(
        refusal_of(
            "kind: all-of, within: 1h, conditions: [{kind: threshold, loinc: 2823-3, unit: mmol/L, "
            "high: 6, clear: "
            "{high: 5}}, {kind: threshold, loinc: 2823-3, unit: mg/dL, high: 6, clear: {high: 5}}]")
            .find("kept in mmol/L, not in mg/dL"),
        std::string::npos);
    EXPECT_NE(refusal_of("kind: silence, loinc: 2823-3, of: results, after: 1h, following: {kind: "
                         "threshold, loinc: 9999-9, "
                         "unit: mmol/L, high: 6, clear: {high: 5}}")
                  .find("no table knows the code '9999-9'"),
              std::string::npos);
}

TEST(RuleTerms, WhatReplacesAPackIsJudgedInItsPlace) {
    auto all = with_tables("kind: silence, loinc: nonsense, after: 1h, while: either");
    all.push_back(with_tables("kind: silence, loinc: 8867-4, after: 1h, while: either").back());
    EXPECT_TRUE(check_terms(all));
    all.push_back(make_publication("rules", "p.yaml", "", "p.yaml"));
    EXPECT_TRUE(check_terms(all));
}

TEST(RuleTerms, WithoutTablesNothingIsSaid) {
    auto all = with_tables("kind: silence, loinc: nonsense, after: 1h, while: either");
    EXPECT_FALSE(check_terms(all));
    EXPECT_TRUE(check_terms({all.back()}));
}

TEST(RuleTerms, WhatARuleInhibitsIsInOneOfThePacks) {
    EXPECT_TRUE(check_inhibited(
        with_tables("kind: silence, loinc: 8867-4, after: 1h, while: either, inhibits: [fine]")));
    auto all =
        with_tables("kind: silence, loinc: 8867-4, after: 1h, while: either, inhibits: [finer]");
    const auto done = check_inhibited(all);
    ASSERT_FALSE(done);
    EXPECT_EQ(
        done.error().message(),
        "draft/p.yaml:6: rule 'r': inhibits 'finer', which is in none of the packs; write for "
        "example fine, or name the pack that has it, too");
    all.push_back(make_publication(
        "rules", "q.yaml",
        "format: 1\npack: q\nversion: 1\nrules:\n  - {id: finer, version: 1, kind: silence, "
        "problem: P, loinc: 8867-4, after: 1h, while: either, priority: low, max_age: 24h, source: "
        "s}\n",
        "q.yaml"));
    EXPECT_TRUE(check_inhibited(all));
}

TEST(RuleTerms, ThePacksThatComeWithTheProgramKeepTheirTerms) {
    std::vector<Publication> all =
        with_tables("kind: silence, loinc: 8867-4, after: 1h, while: either");
    for (const auto& file : schemas::builtin_files())
        if (file.kind == "rules")
            all.push_back(make_publication("rules", std::string(file.name), std::string(file.text),
                                           std::string(file.name)));
    const auto done = check_terms(all);
    EXPECT_TRUE(done) << done.error().message();
}

TEST(RuleTerms, EveryBandIsOneOfItsIndex) {
    const auto refusal = [](const std::string& rule) {
        const bool banded = rule.starts_with("kind: index-band");
        const auto done = check_bands(with_tables(rule, banded ? "" : "priority: low, "));
        return done ? "" : done.error().message();
    };
    const std::string bands = "bands: [{band: high, priority: low}], clear: [low]";
    EXPECT_EQ(refusal("kind: index-band, index: news2, " + bands), "");
    EXPECT_EQ(refusal("kind: index-band, index: kdigo, " + bands), "");
    EXPECT_EQ(refusal("kind: index-band, index: news3, " + bands),
              "draft/p.yaml:6: rule 'r': index 'news3' is unknown; write one of aki-nhs, news2, "
              "mews, shock-index, bmi-cn, bp-cn, kdigo");
    EXPECT_EQ(refusal("kind: index-band, index: bp-cn, " + bands),
              "draft/p.yaml:6: rule 'r': index bp-cn has no band 'low'; write one of normal, "
              "high-normal, grade-1, grade-2, grade-3");
    EXPECT_EQ(refusal("kind: index-band, index: aki-nhs, bands: [{band: obese, priority: low}], "
                      "clear: [\"0\"]"),
              "draft/p.yaml:6: rule 'r': index aki-nhs has no band 'obese'; write one of 0, ?AKI, "
              "1, 2, 3");
    EXPECT_EQ(refusal("kind: any-of, within: 1h, conditions: [{kind: index-band, index: news2, "
                      "bands: [high], clear: [low]}, {kind: index-band, index: news2, "
                      "bands: [severe], clear: [low]}]"),
              "draft/p.yaml:6: rule 'r': index news2 has no band 'severe'; write one of low, "
              "low-medium, medium, high");
}

TEST(RuleTerms, BandsAreHeldToTheirIndexWhereAPackIsNew) {
    const schemas::TopicNames names;
    std::vector<TopicConfig> topics;
    for (const auto& topic : schemas::kTopics) topics.push_back({std::string(topic.name), 1});
    MemoryLog log(std::move(topics));
    const auto all = with_tables(
        "kind: index-band, index: news2, bands: [{band: high, priority: low}], clear: [normal]",
        "");
    const auto refused = publish(log, names, LogTime(0), all);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message(),
              "draft/p.yaml:6: rule 'r': index news2 has no band 'normal'; write one of low, "
              "low-medium, medium, high");
    EXPECT_TRUE(publication_history(log, names)->empty()) << "all of it or nothing";
    // A program that did not ask yet has published it: the site starts, and judges by it as before.
    for (const auto& p : all) ASSERT_TRUE(publish_one(log, names, LogTime(0), p));
    const auto again = publish(log, names, LogTime(1), all);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ(*again, 0U);
    EXPECT_TRUE(check_publications(all));
}

}  // namespace
}  // namespace vitalog::topology
