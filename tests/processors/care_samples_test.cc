#include <gtest/gtest.h>

#include "schemas/events/wearable.h"
#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::AlertEvent;
using schemas::AlertState;
using schemas::Topic;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kSpo2 = "59408-5";
constexpr std::string_view kRate = "8867-4";

/// Speaks to one care stage as identity does with a wearable's batches.
class Samples : public CareTest {
  protected:
    Samples() { driver.set_now(kMorning.as<ReceivedTime>()); }

    void rules(const std::string& body) {
        ASSERT_TRUE(driver.control("rules", "test.yaml", "1",
                                   "format: 1\npack: test\nversion: 1\nrules:\n" + body));
    }
    /// A rule with the members that every rule has, and these.
    static std::string rule(std::string_view id, std::string_view members) {
        return "  - id: " + std::string(id) + "\n    version: 1\n    problem: P of " +
               std::string(id) + "\n    priority: medium\n    max_age: 24h\n    source: test\n" +
               std::string(members);
    }
    static std::string saturation() {
        return rule("spo2-low",
                    "    kind: threshold\n    loinc: 59408-5\n    unit: \"%\"\n    below: 88\n"
                    "    for: 60s\n    max_gap: 30s\n    clear: {above: 90, for: 120s}\n");
    }

    /// Values `step` apart from `from` (after kMorning), in one batch.
    void batch(std::string_view loinc, std::string_view unit, seconds from, seconds step,
               std::vector<std::int64_t> values, int rank = 0, std::string_view source = "watch") {
        schemas::PersonSamples record;
        record.person = person;
        record.event.identifiers = {{"HUAWEI", "1", {}}};
        auto& series = record.event.series.emplace_back();
        series.loinc = loinc;
        series.unit = unit;
        series.display = "a measure";
        series.source = source;
        series.rank = rank;
        series.start = (kMorning + from).millis();
        for (std::size_t i = 0; i < values.size(); ++i)
            series.steps.push_back(i == 0 ? 0 : std::chrono::milliseconds(step).count());
        series.values = std::move(values);
        const auto end = (kMorning + from).as<ReceivedTime>() + step * series.values.size();
        driver.set_now(std::max(driver.now(), end));
        ASSERT_TRUE(driver.event(person, record));
    }
    void spo2(seconds from, std::vector<std::int64_t> values, seconds step = seconds(10)) {
        batch(kSpo2, "%", from, step, std::move(values));
    }
    static std::vector<std::int64_t> times(std::size_t n, std::int64_t value) {
        return std::vector<std::int64_t>(n, value);
    }
};

TEST_F(Samples, BelowTheLimitForLongEnoughRaisesOnce) {
    rules(saturation());
    spo2(seconds(0), times(6, 87));  // 50 s
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(seconds(60), {87});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().since.at, kMorning + seconds(60));
    EXPECT_EQ(last_alert().evidence.front().value, 87);
    EXPECT_EQ(last_alert().evidence.front().source, "watch");
    EXPECT_EQ(last_alert().evidence.front().text, "for 1m");
    EXPECT_EQ(tasks(), 1U);
    spo2(seconds(70), times(30, 85));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(tasks(), 1U);
}

TEST_F(Samples, AtTheLimitIsNotBelowIt) {
    rules(saturation());
    spo2(seconds(0), times(30, 88));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

TEST_F(Samples, OneValueWithinTheLimitBeginsTheTimeAnew) {
    rules(saturation());
    spo2(seconds(0), {87, 87, 87, 87, 88, 87, 87, 87, 87, 87, 87});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(seconds(110), {87});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Samples, AGapLongerThanAllowedBeginsTheTimeAnew) {
    rules(saturation());
    spo2(seconds(0), {87, 87, 87, 87}, seconds(20));  // to 60 s would raise: 20, 40, 60
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    person = "22222222222222222222222222222222";
    spo2(seconds(0), {87, 87, 87}, seconds(31));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    person = "33333333333333333333333333333333";
    spo2(seconds(0), {87, 87, 87}, seconds(30));
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
}

TEST_F(Samples, ClearsAboveItsOwnLimitAfterItsOwnTime) {
    rules(saturation());
    spo2(seconds(0), times(7, 85));
    spo2(seconds(70), times(20, 90));  // at the clear limit, not above
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    spo2(seconds(270), times(12, 91));  // 110 s
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    spo2(seconds(390), {91});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
    EXPECT_EQ(last_alert().occurred.at, kMorning + seconds(390));
    spo2(seconds(400), times(7, 85));
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
}

TEST_F(Samples, ARepeatedBatchHasNoEffect) {
    rules(saturation());
    for (int i = 0; i < 3; ++i) spo2(seconds(0), times(6, 87));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(seconds(60), {87});
    const auto outputs = driver.outputs().size();
    spo2(seconds(60), {87});
    spo2(seconds(0), times(6, 87));
    EXPECT_EQ(driver.outputs().size(), outputs);
}

TEST_F(Samples, BatchesInTheWrongOrderMakeOneStretch) {
    rules(saturation());
    spo2(seconds(40), times(3, 87));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(seconds(0), times(4, 87));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Samples, ALateStretchRaisesAndANewerClearValueEndsIt) {
    rules(saturation());
    spo2(seconds(600), times(3, 97));
    spo2(seconds(0), times(8, 85));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    spo2(seconds(630), times(13, 97));
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Samples, OlderThanMaxAgeIsRetrospective) {
    rules(saturation());
    driver.set_now(kMorning.as<ReceivedTime>() + hours(30));
    spo2(seconds(0), times(8, 85));
    EXPECT_TRUE(last_alert().retrospective);
    EXPECT_EQ(tasks(), 0U);
}

TEST_F(Samples, AnOutrankedSourceIsNotJudged) {
    rules(saturation());
    batch(kSpo2, "%", seconds(0), seconds(60), times(3, 97), 0, "watch");
    batch(kSpo2, "%", seconds(5), seconds(10), times(12, 80), 1, "phone");
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
}

TEST_F(Samples, ThoseOfTheFutureAreRefused) {
    rules(saturation());
    driver.set_now(kMorning.as<ReceivedTime>() - hours(2));
    schemas::PersonSamples record;
    record.person = person;
    auto& series = record.event.series.emplace_back();
    series.loinc = kSpo2;
    series.unit = "%";
    series.start = kMorning.millis();
    series.steps = {0};
    series.values = {80};
    ASSERT_TRUE(driver.event(person, record));
    ASSERT_EQ(driver.dead_letters.size(), 1U);
    EXPECT_NE(driver.dead_letters[0].reason.find("clock"), std::string::npos);
}

TEST_F(Samples, PersonalLimitsStandInForTheRulesAndAreShown) {
    rules(saturation());
    schemas::PersonBinding binding;
    binding.person = person;
    binding.entry.patient = "HIS|1";
    binding.entry.limits = std::vector<schemas::LimitEntry>{
        {.rule = "spo2-low", .low = 84.0, .high = {}, .clear = schemas::ClearEntry{86.0, {}}}};
    ASSERT_TRUE(driver.event(person, binding));
    spo2(seconds(0), times(20, 85));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(seconds(200), times(7, 84));
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().limits, "low 84, clear from 86");
    spo2(seconds(270), times(13, 86));
    EXPECT_EQ(alerts(AlertState::Closed), 1U);

    person = "22222222222222222222222222222222";
    spo2(seconds(500), times(20, 85));
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
    EXPECT_EQ(last_alert().limits, "");
}

TEST_F(Samples, AfterTheEndNothingNewWhileItCoolsDownUnlessWorse) {
    rules(rule("rate-high",
               "    kind: threshold\n    loinc: 8867-4\n    unit: /min\n    high: 130\n"
               "    clear: {high: 110}\n    cool_down: 30m\n"));
    const auto beat = [&](minutes from, std::int64_t value) {
        batch(kRate, "/min", from, seconds(10), {value});
    };
    beat(minutes(0), 140);
    beat(minutes(1), 100);
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
    beat(minutes(30), 140);
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(driver.counts["vitalog_alerts_withheld_total/rate-high/cool-down"], 1);
    beat(minutes(31), 140);
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
}

TEST_F(Samples, AHigherRuleHidesALowerOneUntilItIsOver) {
    rules(rule("severe",
               "    kind: threshold\n    loinc: 59408-5\n    unit: \"%\"\n    below: 85\n"
               "    clear: {low: 88}\n    inhibits: [mild]\n") +
          rule("mild",
               "    kind: threshold\n    loinc: 59408-5\n    unit: \"%\"\n    below: 92\n"
               "    clear: {low: 94}\n"));
    spo2(seconds(0), {84});
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
    EXPECT_EQ(tasks(), 1U);
    spo2(seconds(10), {90});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
    ASSERT_EQ(tasks(), 2U);
    EXPECT_EQ(last<schemas::TaskOpen>(Topic::Task).rule, "mild");
}

TEST_F(Samples, AGroupMakesOneTaskWhileItIsOpen) {
    rules(rule("low",
               "    kind: threshold\n    loinc: 59408-5\n    unit: \"%\"\n    below: 90\n"
               "    clear: {low: 92}\n    group: breathing\n") +
          rule("fast",
               "    kind: threshold\n    loinc: 9279-1\n    unit: /min\n    high: 25\n"
               "    clear: {high: 20}\n    group: breathing\n"));
    spo2(seconds(0), {85});
    batch("9279-1", "/min", seconds(10), seconds(10), {30});
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
    EXPECT_EQ(tasks(), 1U);
    const auto told = last<schemas::TaskEvidence>(Topic::Task);
    EXPECT_EQ(told.problem, "P of fast");
    EXPECT_EQ(told.task, last<schemas::TaskOpen>(Topic::Task).task);
    decide(schemas::DecisionAction::Confirm);
    batch("9279-1", "/min", seconds(20), seconds(10), {15});
    batch("9279-1", "/min", seconds(30), seconds(10), {30});
    EXPECT_EQ(tasks(), 2U);  // the first was decided: another doctor's look is due
}

TEST_F(Samples, AWindowsStatisticRaisesAndClears) {
    rules(rule("mean",
               "    kind: window\n    loinc: 8867-4\n    unit: /min\n    window: 1h\n"
               "    statistic: mean\n    points: 3\n    above: 100\n"
               "    clear: {high: 90}\n"));
    batch(kRate, "/min", seconds(0), minutes(5), {120, 120});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    batch(kRate, "/min", minutes(10), minutes(5), {90});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().evidence.front().value, 110);
    EXPECT_EQ(last_alert().evidence.front().text, "mean over 1h: 3 values");
    batch(kRate, "/min", minutes(15), minutes(5), times(9, 60));
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Samples, AWindowSaysNothingOverLessTimeThanItsRuleCovers) {
    rules(rule("mean",
               "    kind: window\n    loinc: 8867-4\n    unit: /min\n    window: 1h\n"
               "    statistic: mean\n    covers: 30m\n    above: 100\n"
               "    clear: {high: 90}\n"));
    batch(kRate, "/min", seconds(0), seconds(10), times(60, 120));
    batch(kRate, "/min", minutes(29), seconds(59), times(2, 120));  // to 29 m 59 s
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    batch(kRate, "/min", minutes(30), seconds(10), {120});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    batch(kRate, "/min", hours(3), seconds(10), times(12, 60));
    EXPECT_EQ(alerts(AlertState::Closed), 0U);  // two minutes are no half hour either
    batch(kRate, "/min", hours(3) + minutes(30), seconds(10), {60});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Samples, ATrendNeedsItsPointsAndItsSlope) {
    rules(rule("falls",
               "    kind: trend\n    loinc: 59408-5\n    unit: \"%\"\n    window: 1h\n"
               "    direction: fall\n    by: 4\n    per: 1h\n    points: 4\n"
               "    clear: {by: 2}\n"));
    spo2(seconds(0), {98, 97, 96}, minutes(10));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(minutes(30), {95}, minutes(10));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_NEAR(*last_alert().evidence.front().value, -6, 1e-9);
}

TEST_F(Samples, AChangeIsMeasuredAgainstTheTimeBefore) {
    rules(rule("jump",
               "    kind: change\n    loinc: 8867-4\n    unit: /min\n"
               "    direction: rise\n    by: 40\n    within: 30m\n"));
    batch(kRate, "/min", seconds(0), minutes(5), {70});
    batch(kRate, "/min", minutes(20), minutes(5), {109});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    batch(kRate, "/min", minutes(25), minutes(5), {110});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(Samples, AllConditionsAtOnce) {
    rules(rule("shock",
               "    kind: all-of\n    within: 15m\n    conditions:\n"
               "      - {kind: threshold, loinc: 8867-4, unit: /min, high: 110, "
               "clear: {high: 100}}\n"
               "      - {kind: threshold, loinc: 59408-5, unit: \"%\", below: 92, "
               "clear: {low: 94}}\n"));
    batch(kRate, "/min", seconds(0), seconds(10), {120});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    spo2(minutes(16), {90});  // the pulse is too old by now
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    batch(kRate, "/min", minutes(17), seconds(10), {115});
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().evidence.size(), 2U);
    spo2(minutes(18), {95});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Samples, AnyConditionIsEnough) {
    rules(rule("either",
               "    kind: any-of\n    within: 15m\n    conditions:\n"
               "      - {kind: threshold, loinc: 8867-4, unit: /min, high: 110, "
               "clear: {high: 100}}\n"
               "      - {kind: threshold, loinc: 59408-5, unit: \"%\", below: 92, "
               "clear: {low: 94}}\n"));
    spo2(seconds(0), {91});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    batch(kRate, "/min", seconds(10), seconds(10), {120});
    spo2(seconds(20), {96});
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    batch(kRate, "/min", seconds(30), seconds(10), {80});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Samples, FeedEarlyWarningAndItsRule) {
    ASSERT_TRUE(driver.control("rules", "ward.yaml", "1",
                               "format: 1\npack: ward\nversion: 1\nrules:\n"
                               "  - id: early\n    version: 1\n    kind: index-band\n"
                               "    problem: Early warning\n    index: news2\n"
                               "    bands: [{band: high, priority: high}, {band: medium, "
                               "priority: medium}, {band: low-medium, priority: low}]\n"
                               "    clear: [low]\n    max_age: 12h\n    source: test\n"));
    ASSERT_TRUE(results({}, "1950-01-01"));
    batch("9279-1", "/min", seconds(0), seconds(10), {26});
    batch("8480-6", "mm[Hg]", seconds(0), seconds(10), {88});
    batch(kRate, "/min", seconds(0), seconds(10), {135});
    spo2(seconds(0), {90});
    const auto risk = last<schemas::RiskEvent>(Topic::Risk);
    EXPECT_EQ(risk.occurred.at, kMorning);
    ASSERT_GE(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().rule, "early");
    EXPECT_EQ(last_alert().band, "high");
    EXPECT_FALSE(last_alert().evidence.empty());
    const auto written = driver.of<schemas::RiskEvent>(Topic::Risk).size();
    spo2(seconds(10), times(30, 90));
    EXPECT_LE(driver.of<schemas::RiskEvent>(Topic::Risk).size(), written + 6);  // once per batch
}

class Silence : public Samples {
  protected:
    Silence() {
        rules(rule("silent",
                   "    kind: silence\n    loinc: 8867-4\n    after: 30m\n"
                   "    while: either\n"));
    }
    void bind() {
        schemas::PersonBinding binding;
        binding.person = person;
        binding.entry.patient = "HIS|1";
        binding.entry.accounts = {"HUAWEI|1"};
        ASSERT_TRUE(driver.event(person, binding));
    }
    void encounter(std::string_view trigger, EventTime at) {
        schemas::PersonClinical record;
        record.person = person;
        record.event.identifiers = {{"HIS", "1", {}}};
        record.event.trigger = "ADT";
        record.event.occurred = {at, 0, Precision::Second};
        auto& event = record.event.encounter.emplace();
        event.visit = "V1";
        event.trigger = trigger;
        event.occurred = record.event.occurred;
        ASSERT_TRUE(driver.event(person, record));
    }
    ReceivedTime after(std::chrono::microseconds length) const {
        return kMorning.as<ReceivedTime>() + length;
    }
};

TEST_F(Silence, OfABoundDeviceIsFoundByItsTimerAlone) {
    bind();
    driver.advance_to(after(minutes(30) - seconds(1)));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    driver.advance_to(after(minutes(30)));
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().since.at, kMorning + minutes(30));
    EXPECT_EQ(tasks(), 1U);
    batch(kRate, "/min", minutes(40), seconds(10), {70});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
    driver.advance_to(after(minutes(70) - seconds(1)));
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    driver.advance_to(after(minutes(70)));
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
}

TEST_F(Silence, SamplesDoNotTouchTheTimer) {
    bind();
    const auto before = driver.timers(person);
    ASSERT_EQ(before.size(), 1U);
    batch(kRate, "/min", minutes(20), seconds(10), {70});
    EXPECT_EQ(driver.timers(person).front().due, before.front().due);
    driver.advance_to(after(minutes(45)));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    ASSERT_EQ(driver.timers(person).size(), 1U);
    EXPECT_EQ(driver.timers(person).front().due, after(minutes(50)));
}

TEST_F(Silence, IsNothingWhereNoDeviceWasHeardInTheEncounter) {
    encounter("A01", kMorning);
    EXPECT_TRUE(driver.timers(person).empty());
    batch(kRate, "/min", minutes(5), seconds(10), {70});
    EXPECT_EQ(driver.timers(person).size(), 1U);
    encounter("A03", kMorning + minutes(10));
    driver.advance_to(after(minutes(60)));
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    EXPECT_TRUE(driver.timers(person).empty());
}

TEST_F(Silence, EndsWithTheEncounter) {
    encounter("A01", kMorning);
    batch(kRate, "/min", minutes(5), seconds(10), {70});
    driver.advance_to(after(minutes(60)));
    ASSERT_EQ(alerts(AlertState::Raised), 1U);
    encounter("A03", kMorning + minutes(70));
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

}  // namespace
}  // namespace vitalog::tests
