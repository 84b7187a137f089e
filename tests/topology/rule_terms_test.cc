// Codes and units of rules against the tables: what would never fire is not published.
#include "topology/rule_terms.h"

#include <gtest/gtest.h>

#include "schemas/embed.h"

namespace vitalog::topology {
namespace {

std::vector<Publication> with_tables(const std::string& rule) {
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
    all.push_back(make_publication(
        "rules", "p.yaml",
        head + "  - {id: r, version: 1, problem: P, priority: low, max_age: 24h, source: s, " +
            rule + "}\n",
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

}  // namespace
}  // namespace vitalog::topology
