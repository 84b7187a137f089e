// Why a rule raised nothing, and whether an alert had to be raised: both asked of a log that the
// care stage has written, as `vitalog explain` asks.
#include "care_history.h"
#include "schemas/events/directory.h"
#include "schemas/events/identity.h"

namespace vitalog::topology {
namespace {

using Reason = WhyNot::Reason;

const std::string kFalls =
    "  - {id: order" + common() +
    "kind: sequence, within: 2h, conditions: [\n"
    "     {kind: threshold, loinc: 2951-2, unit: mmol/L, low: 125, clear: {low: 130}},\n"
    "     {kind: threshold, loinc: 2823-3, unit: mmol/L, high: 6, clear: {high: 5}}]}\n";
const std::string kFollowUp =
    "  - {id: control" + common() +
    "kind: silence, of: results, loinc: 2951-2, after: 3h,\n"
    "     following: {kind: threshold, loinc: 2823-3, unit: mmol/L, high: 6, clear: {high: 5}}}\n";
const std::string kBound =
    "  - {id: still" + common() +
    "kind: silence, of: results, loinc: 2951-2, after: 3h, while: binding}\n";

std::string lines_of(const WhyNot& told) {
    std::string text;
    for (const auto& line : told.lines) text += line + "\n";
    return text;
}

#define EXPECT_SAYS(told, text) \
    EXPECT_NE(lines_of(told).find(text), std::string::npos) << lines_of(told)

TEST_F(History, ASequenceSaysWhichStepIsMissing) {
    rules(pack("version: 1\n", kFalls));
    result(kPotassium, 6.5);
    const LogTime nothing = now();
    pass(minutes(10));
    result(kSodium, 140);
    pass(minutes(10));
    result(kPotassium, 6.6);
    const LogTime normal = now();
    pass(minutes(10));
    result(kPotassium, 4.0);

    const auto missing = ask("order", nothing);
    EXPECT_EQ(missing.reason, Reason::Missing);
    EXPECT_SAYS(
        missing,
        "condition 1: nothing of 2951-2 in mmol/L came before what follows it, in the 2h up to "
        "2026-01-01T00:00:00Z");
    EXPECT_SAYS(missing, "condition 2: 2823-3 6.5 mmol/L of 2026-01-01T00:00:00Z: meets it");
    const auto within = ask("order", normal);
    EXPECT_EQ(within.reason, Reason::WithinLimits);
    EXPECT_SAYS(within, "condition 1: 2951-2 140 mmol/L of 2026-01-01T00:10:00Z");
    EXPECT_SAYS(within, "at or below 125 is 15 less");
    const auto last = ask("order");
    EXPECT_EQ(last.reason, Reason::WithinLimits);
    EXPECT_SAYS(last, "condition 2: 2823-3 4 mmol/L of 2026-01-01T00:30:00Z");
}

TEST_F(History, ASequenceSaysWhatCameTooEarly) {
    rules(pack("version: 1\n", kFalls));
    result(kSodium, 120);
    pass(minutes(30));
    result(kSodium, 140);
    pass(minutes(120));
    result(kPotassium, 6.5);
    const auto told = ask("order");
    EXPECT_EQ(told.reason, Reason::Stale);
    EXPECT_SAYS(told,
                "condition 1: 2951-2 120 mmol/L of 2026-01-01T00:00:00Z: meets it, which is older "
                "than 2h as of 2026-01-01T02:30:00Z");
}

TEST_F(History, AnAlertOfASequenceComesOutTheSame) {
    rules(pack("version: 1\n", kFalls));
    result(kSodium, 120);
    pass(minutes(119));
    result(kPotassium, 6.5);
    const LogTime open = now();
    pass(minutes(10));
    result(kPotassium, 4.5);
    EXPECT_EQ(alerts_agree(), 1U);
    EXPECT_EQ(ask("order", open).reason, Reason::Fired);
    const auto ended = ask("order");
    EXPECT_EQ(ended.reason, Reason::WithinLimits);
    EXPECT_SAYS(ended, "its last episode, alert");
}

TEST_F(History, AnAlertThatFollowsItsPackComesOutTheSame) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 6.5);
    pass(minutes(10));
    rules(pack("version: 2\nopen_episodes: follow\n", limit("2", "7", "6.8")));
    pass(minutes(10));
    result(kPotassium, 6.9);  // goes on under version 2
    const LogTime under = now();
    pass(minutes(10));
    result(kPotassium, 6.7);  // ends by version 2's limit, not by version 1's
    EXPECT_EQ(alerts_agree(), 1U);
    EXPECT_EQ(last_reason, "within its limits again");
    const auto open = ask("limit", under);
    EXPECT_EQ(open.reason, Reason::Fired);
    EXPECT_EQ(open.rule_version, "2");
    EXPECT_EQ(ask("limit").reason, Reason::WithinLimits);
}

TEST_F(History, AnAlertWhoseRuleWasTakenOutComesOutTheSame) {
    rules(pack("version: 1\n", limit("1", "6", "5") + kFalls));
    result(kPotassium, 6.5);
    pass(minutes(10));
    rules(pack("version: 2\nopen_episodes: follow\n", kFalls));
    pass(minutes(10));
    result(kPotassium, 6.6);
    EXPECT_EQ(alerts_agree(), 1U);
    EXPECT_EQ(last_reason, "its rule was taken out of the pack");
    EXPECT_EQ(ask("limit").reason, Reason::NotInForce);
}

TEST_F(History, ACombinationThatWasTakenOutIsForgotten) {
    rules(pack("version: 1\n", kFalls));
    result(kPotassium, 6.5);
    rules(pack("version: 2\n", limit("1", "6", "5")));
    result(kPotassium, 6.6);
    EXPECT_EQ(ask("order").reason, Reason::NotInForce);
}

TEST_F(History, WhatIsWaitedForAfterAFindingCameOrIsWaitedFor) {
    rules(pack("version: 1\n", kFollowUp));
    result(kPotassium, 4);
    const LogTime no_finding = now();
    pass(minutes(10));
    result(kPotassium, 6.5);
    pass(minutes(60));
    const LogTime waiting = now();
    result(kSodium, 140);
    pass(minutes(30));
    const LogTime came = now();
    result(kPotassium, 6.6);  // a finding again, and nothing follows
    pass(minutes(181));

    EXPECT_EQ(ask("control", no_finding).reason, Reason::WithinLimits);
    EXPECT_SAYS(ask("control", no_finding), "no finding: 2823-3 4 mmol/L");
    const auto waits = ask("control", waiting - std::chrono::microseconds(1));
    EXPECT_EQ(waits.reason, Reason::Waiting);
    EXPECT_SAYS(waits, "nothing of 2951-2 came since the finding of 2026-01-01T00:10:00Z");
    const auto heard = ask("control", came - std::chrono::microseconds(1));
    EXPECT_EQ(heard.reason, Reason::Heard);
    EXPECT_SAYS(heard, "2026-01-01T01:10:00Z");
    EXPECT_EQ(ask("control").reason, Reason::Fired);
    EXPECT_EQ(alerts_agree(), 1U);
}

TEST_F(History, SilenceWhileSomethingIsHeard) {
    rules(pack("version: 1\n", kBound));
    result(kSodium, 140);
    const LogTime unbound = now();
    pass(minutes(10));
    schemas::PersonBinding binding;
    binding.person = person;
    binding.entry.patient = "MRN|1";
    binding.entry.accounts = {"WATCH|1"};
    say(binding);
    pass(minutes(60));
    result(kSodium, 141);
    pass(minutes(90));
    const LogTime heard = now();
    pass(minutes(120));

    EXPECT_EQ(ask("still", unbound).reason, Reason::NotWatched);
    const auto told = ask("still", heard);
    EXPECT_EQ(told.reason, Reason::Heard);
    EXPECT_SAYS(told, "waits since 2026-01-01T01:10:00Z, for 90m of 3h");
    EXPECT_EQ(ask("still").reason, Reason::Fired);
    EXPECT_EQ(alerts_agree(), 1U);
}

TEST_F(History, AValueInAnotherUnitIsRefused) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 25, "mg/dL");
    const auto told = ask("limit");
    EXPECT_EQ(told.reason, Reason::OtherUnit);
    EXPECT_SAYS(told, "a value of 2823-3 in mmol/L came in mg/dL: refused");
}

TEST_F(History, AValueAtTheEndOfItsAgeCounts) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 6.5, "mmol/L", hours(48));  // max_age
    const LogTime at_its_end = now();
    pass(minutes(10));
    EXPECT_EQ(ask("limit", at_its_end).reason, Reason::Fired);
}

TEST_F(History, AValueOlderThanItsAgeRaisesAnAlertWithoutATask) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 6.5, "mmol/L", hours(49));
    const auto told = ask("limit");
    EXPECT_EQ(told.reason, Reason::NoTask);
    EXPECT_SAYS(told, "no task: its values were older than 2d when they came");
}

TEST_F(History, AnIndexWhoseInputIsTooOldIsStale) {
    rules(pack(
        "version: 1\n",
        "  - {id: shock, version: \"1\", kind: index-band, index: shock-index, problem: Shock,\n"
        "     bands: [{band: high, priority: high, task: yes}], clear: [normal],\n"
        "     max_age: 12h, source: a test}\n"));
    result("8867-4", 120, "/min");
    const LogTime half = now();
    pass(minutes(24 * 60));
    result("8480-6", 90, "mm[Hg]");
    EXPECT_EQ(ask("shock", half).reason, Reason::Missing);
    const auto told = ask("shock");
    EXPECT_EQ(told.reason, Reason::Stale);
    EXPECT_SAYS(told, "shock-index of 2026-01-02T00:00:00Z is stale, missing");
}

TEST_F(History, OfAMergedPersonTheOtherIsToBeAsked) {
    rules(pack("version: 1\n", limit("1", "6", "5")));
    result(kPotassium, 4);
    const LogTime before = now();
    pass(minutes(10));
    const std::string survivor = IdHash().part("survivor").finish().to_string();
    say(schemas::PersonMerged{.survivor = survivor, .loser = person, .reason = {}});
    EXPECT_EQ(ask("limit", before).reason, Reason::WithinLimits);
    const auto told = ask("limit");
    EXPECT_EQ(told.reason, Reason::Merged);
    EXPECT_SAYS(told, "become part of " + survivor);
}

}  // namespace
}  // namespace vitalog::topology
