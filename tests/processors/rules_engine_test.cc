#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "processors/rules/engine.h"
#include "schemas/rules.h"

namespace vitalog::processors::rules {
namespace {

using schemas::Priority;
using schemas::Rule;

std::string built_in() {
    std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/acute-core.yaml");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A pack of one rule whose body is given, indented by four.
std::string pack(std::string_view body) {
    return "format: 1\npack: test\nversion: 1\nrules:\n  - id: r\n    version: 1\n    problem: P\n "
           "   max_age: 24h\n"
           "    source: needs clinical sign-off\n" +
           std::string(body);
}
constexpr std::string_view kThreshold =
    "    kind: threshold\n    loinc: 2823-3\n    unit: mmol/L\n    low: 2.8\n    high: 6.2\n"
    "    clear: {low: 3.0, high: 6.0}\n    priority: high\n";

Rule rule_of(std::string_view body) {
    auto parsed = schemas::parse_rule_pack("t.yaml", pack(body));
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message());
    return parsed ? parsed->rules.front() : Rule{};
}
std::string refusal_of(const std::string& yaml) {
    auto parsed = schemas::parse_rule_pack("t.yaml", yaml);
    EXPECT_FALSE(parsed.has_value());
    return parsed ? "" : parsed.error().message();
}

TEST(RulePack, TheBuiltInPackIsValid) {
    const auto parsed = schemas::parse_rule_pack("acute-core.yaml", built_in());
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_EQ(parsed->id, "acute-core");
    EXPECT_EQ(parsed->rules.size(), 5U);
}

TEST(RulePack, ErrorsNameFileLineAndWhatToWrite) {
    EXPECT_EQ(refusal_of(pack("    kind: treshold\n")),
              "t.yaml:10: kind 'treshold' is unknown; write one of threshold, index-band, change, "
              "trend, window, silence, all-of, any-of, sequence");
    EXPECT_NE(refusal_of(pack(std::string(kThreshold) + "    prority: low\n"))
                  .find("t.yaml:17: unknown key 'prority'"),
              std::string::npos);
    EXPECT_NE(refusal_of("format: 1\npack: [\n").find("t.yaml:"), std::string::npos);
    EXPECT_NE(refusal_of("").find("t.yaml:1: a rule pack must be a mapping"), std::string::npos);
    EXPECT_NE(refusal_of("format: 2\npack: a\nversion: 1\nrules: []\n")
                  .find("t.yaml:1: format must be 1"),
              std::string::npos);
}

TEST(RulePack, RefusesWhatCouldNotWork) {
    const auto with = [](std::string_view from, std::string_view to) {
        std::string body(kThreshold);
        body.replace(body.find(from), from.size(), to);
        return refusal_of(pack(body));
    };
    EXPECT_NE(with("high: 6.2", "high: 2.0").find("low must be below high"), std::string::npos);
    EXPECT_NE(with("low: 3.0,", "low: 2.8,").find("clear limits must lie inside"),
              std::string::npos);
    EXPECT_NE(with("unit: mmol/L", "unit: ''").find("unit must be a text"), std::string::npos);
    EXPECT_NE(with("2823-3\n", "[]\n").find("loinc must list"), std::string::npos);
    EXPECT_NE(with("high: 6.2", "high: .nan").find("high must be a number"), std::string::npos);
    EXPECT_NE(with("priority: high", "priority: urgent").find("low, medium, high"),
              std::string::npos);
}

TEST(RulePack, BandsAreListedWorstFirst) {
    const std::string body =
        "    kind: index-band\n    index: aki-nhs\n    bands:\n      - {band: '1', priority: low}\n"
        "      - {band: '3', priority: high}\n    clear: ['0']\n";
    EXPECT_NE(refusal_of(pack(body)).find("list the worst first"), std::string::npos);
}

TEST(RulePack, ARuleSurvivesItsStoredForm) {
    const auto parsed = schemas::parse_rule_pack("acute-core.yaml", built_in());
    ASSERT_TRUE(parsed.has_value());
    for (const auto& rule : parsed->rules) {
        std::string bytes;
        BinaryWriter out(bytes);
        schemas::encode_rule(out, rule);
        BinaryReader in(bytes);
        EXPECT_EQ(schemas::decode_rule(in), rule);
        EXPECT_TRUE(in.ok() && in.at_end());
    }
}

TEST(Threshold, IncludesItsLimits) {
    const Rule rule = rule_of(kThreshold);
    EXPECT_TRUE(met_by_value(rule, Bounds::of(2.8)));
    EXPECT_FALSE(met_by_value(rule, Bounds::of(2.81)));
    EXPECT_FALSE(met_by_value(rule, Bounds::of(6.19)));
    EXPECT_TRUE(met_by_value(rule, Bounds::of(6.2)));
    EXPECT_EQ(met_by_value(rule, Bounds::of(6.2))->priority, Priority::High);
}

TEST(Threshold, OnlyWhatIsCertainCounts) {
    const Rule rule = rule_of(kThreshold);
    EXPECT_TRUE(met_by_value(rule, Bounds::at_most(2.5)));
    EXPECT_FALSE(met_by_value(rule, Bounds::at_most(3.0)));
    EXPECT_TRUE(met_by_value(rule, Bounds::at_least(7)));
    EXPECT_FALSE(met_by_value(rule, Bounds::at_least(6.0)));
    EXPECT_FALSE(cleared_by_value(rule, Bounds::at_most(5)));
}

TEST(Threshold, ClearsBetweenItsClearLimits) {
    const Rule rule = rule_of(kThreshold);
    EXPECT_FALSE(cleared_by_value(rule, Bounds::of(2.99)));
    EXPECT_TRUE(cleared_by_value(rule, Bounds::of(3.0)));
    EXPECT_TRUE(cleared_by_value(rule, Bounds::of(6.0)));
    EXPECT_FALSE(cleared_by_value(rule, Bounds::of(6.01)));
}

constexpr std::string_view kFall =
    "    kind: change\n    loinc: 718-7\n    unit: g/L\n    direction: fall\n    by: 20\n    "
    "ratio: 0.8\n"
    "    within: 48h\n    clear: {by: 10, ratio: 0.9}\n    priority: medium\n";

TEST(ChangeRule, LooksBackAsFarAsItsTime) {
    const Rule rule = rule_of(kFall);
    const EventTime now(1'600'000'000'000'000);
    const auto met = [&](double from, double to, std::chrono::microseconds ago) {
        const Reading earlier{now - ago, Bounds::of(from)};
        return met_by_change(rule, {now, Bounds::of(to)}, std::span(&earlier, 1)).has_value();
    };
    using std::chrono::hours;
    EXPECT_TRUE(met(140, 120, hours(48)));
    EXPECT_FALSE(met(140, 120.1, hours(48)));
    EXPECT_FALSE(met(140, 120, hours(48) + std::chrono::microseconds(1)));
    EXPECT_TRUE(met(50, 40, hours(1)));  // by ratio
    EXPECT_FALSE(met(50, 40.1, hours(1)));
    EXPECT_FALSE(met(120, 140, hours(1)));  // the other way
    EXPECT_FALSE(met(140, 100, -hours(1)));
}

TEST(ChangeRule, ClearsAtTheSmallerChange) {
    const Rule rule = rule_of(kFall);
    const EventTime now(1'600'000'000'000'000);
    const Reading earlier{now - std::chrono::hours(1), Bounds::of(140)};
    EXPECT_FALSE(cleared_by_change(rule, {now, Bounds::of(130)}, std::span(&earlier, 1)));
    EXPECT_TRUE(cleared_by_change(rule, {now, Bounds::of(131)}, std::span(&earlier, 1)));
}

/// A day of five values, 10 to 20, that rose by one an hour.
Statistics a_day() {
    return {.count = 5,
            .min = 10,
            .max = 20,
            .mean = 15,
            .deviation = 3,
            .slope = 1,
            .first = EventTime(0),
            .last = EventTime(0) + std::chrono::hours(10)};
}

Rule window_rule(std::string_view statistic, std::string_view limits) {
    return rule_of(
        "    kind: window\n    loinc: a\n    unit: u\n    window: 24h\n    priority: low\n" +
        std::string("    statistic: ") + std::string(statistic) + "\n" + std::string(limits));
}

TEST(WindowRule, LooksAtTheStatisticThatItNames) {
    struct Case {
        std::string_view statistic, reached, missed;
    };
    for (const auto& [statistic, reached, missed] :
         {Case{"count", "5", "5.1"}, Case{"min", "10", "10.1"}, Case{"max", "20", "20.1"},
          Case{"mean", "15", "15.1"}, Case{"deviation", "3", "3.1"},
          Case{"variation", "0.2", "0.21"}}) {
        const auto with = [&, &statistic = statistic](std::string_view high) {
            return window_rule(statistic,
                               "    high: " + std::string(high) + "\n    clear: {high: 0.1}\n");
        };
        EXPECT_TRUE(met_by_statistics(with(reached), a_day())) << statistic;
        EXPECT_FALSE(met_by_statistics(with(missed), a_day())) << statistic;
        EXPECT_FALSE(cleared_by_statistics(with(missed), a_day())) << statistic;
    }
    Statistics calm = a_day();
    calm.max = 0.1;
    EXPECT_TRUE(
        cleared_by_statistics(window_rule("max", "    high: 20\n    clear: {high: 0.1}\n"), calm));
}

TEST(WindowRule, SaysNothingOfWhatIsNotKnown) {
    const Rule rule = window_rule("variation", "    high: 0.1\n    clear: {high: 0.05}\n");
    Statistics one = a_day();
    one.deviation.reset();
    EXPECT_FALSE(met_by_statistics(rule, one) || cleared_by_statistics(rule, one));
    Statistics around_zero = a_day();
    around_zero.mean = 0;
    EXPECT_FALSE(met_by_statistics(rule, around_zero) || cleared_by_statistics(rule, around_zero));
}

TEST(WindowRule, NeedsItsPointsAndItsTime) {
    const auto with = [](std::string_view needs) {
        return window_rule("mean", "    high: 15\n    clear: {high: 14}\n" + std::string(needs));
    };
    EXPECT_TRUE(met_by_statistics(with("    points: 5\n    covers: 10h\n"), a_day()));
    EXPECT_FALSE(met_by_statistics(with("    points: 6\n"), a_day()));
    EXPECT_FALSE(met_by_statistics(with("    covers: 601m\n"), a_day()));
}

TEST(TrendRule, TakesTheSlopeInItsDirectionAndItsTime) {
    const auto with = [](std::string_view direction, std::string_view by, std::string_view per) {
        return rule_of(
            "    kind: trend\n    loinc: a\n    unit: u\n    window: 24h\n    points: 3\n"
            "    priority: low\n    direction: " +
            std::string(direction) + "\n    by: " + std::string(by) +
            "\n    per: " + std::string(per) + "\n    clear: {by: 0.5}\n");
    };
    EXPECT_TRUE(met_by_statistics(with("rise", "1", "1h"), a_day()));
    EXPECT_FALSE(met_by_statistics(with("rise", "1.01", "1h"), a_day()));
    EXPECT_TRUE(met_by_statistics(with("rise", "24", "24h"), a_day()));
    EXPECT_FALSE(met_by_statistics(with("fall", "1", "1h"), a_day()));
    EXPECT_TRUE(cleared_by_statistics(with("fall", "1", "1h"), a_day()));
    EXPECT_FALSE(cleared_by_statistics(with("rise", "2", "1h"), a_day()));
    Statistics moment = a_day();
    moment.slope.reset();
    EXPECT_FALSE(cleared_by_statistics(with("fall", "1", "1h"), moment));
}

TEST(RulesInForce, AWrongPackLeavesTheOldOneInForce) {
    RulesInForce rules;
    ASSERT_TRUE(rules.put("a.yaml", pack(kThreshold)));
    EXPECT_FALSE(rules.put("a.yaml", "nonsense"));
    EXPECT_EQ(rules.for_code("2823-3").size(), 1U);
    ASSERT_TRUE(rules.put("a.yaml", ""));
    EXPECT_TRUE(rules.for_code("2823-3").empty());
}

TEST(RulesInForce, OneIdBelongsToOnePack) {
    RulesInForce rules;
    ASSERT_TRUE(rules.put("a.yaml", pack(kThreshold)));
    const auto second = rules.put("b.yaml", pack(kThreshold));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message().find("is also in a.yaml"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::processors::rules
