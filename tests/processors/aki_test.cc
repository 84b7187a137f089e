#include "processors/risk/aki.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace vitalog::processors::aki {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

constexpr EventTime kNow(1'600'000'000'000'000);

Creatinine before(std::chrono::microseconds ago, double value) {
    return {kNow - ago, Bounds::of(value)};
}

/// An adult with an upper limit of 92.
Result adult(double value, std::vector<Creatinine> earlier) {
    return evaluate(
        {.current = {kNow, Bounds::of(value)}, .upper_limit = 92, .age = 50, .earlier = earlier});
}
Band band(double value, std::vector<Creatinine> earlier) {
    const auto result = adult(value, std::move(earlier));
    EXPECT_TRUE(result.complete());
    return result.band;
}

TEST(Aki, NamesItsBands) {
    EXPECT_EQ(name_of(Band::None), "0");
    EXPECT_EQ(name_of(Band::Suspected), "?AKI");
    EXPECT_EQ(name_of(Band::Stage1), "1");
    EXPECT_EQ(name_of(Band::Stage3), "3");
}

TEST(Aki, RatioEdgesAgainstTheLowestOfTheWeek) {
    EXPECT_EQ(band(89.9, {before(hours(72), 60)}), Band::None);
    EXPECT_EQ(band(90, {before(hours(72), 60)}), Band::Stage1);
    EXPECT_EQ(band(119.9, {before(hours(72), 60)}), Band::Stage1);
    EXPECT_EQ(band(120, {before(hours(72), 60)}), Band::Stage2);
    EXPECT_EQ(band(179.9, {before(hours(72), 60)}), Band::Stage2);
    EXPECT_EQ(band(180, {before(hours(72), 60)}), Band::Stage3);
}

TEST(Aki, RatioEdgesAreExactWhereDivisionWouldRound) {
    EXPECT_EQ(band(3 * 0.1, {before(hours(72), 0.1)}), Band::Stage3);
    EXPECT_EQ(band(67.2, {before(hours(72), 44.8)}), Band::Stage1);
}

TEST(Aki, TakesTheLowestOfTheWeekNotTheLatest) {
    EXPECT_EQ(band(120, {before(hours(24), 110), before(hours(100), 60)}), Band::Stage2);
}

TEST(Aki, TakesTheMedianOfTheYear) {
    const std::vector<Creatinine> odd{before(hours(24 * 10), 40), before(hours(24 * 100), 60),
                                      before(hours(24 * 200), 300)};
    EXPECT_EQ(band(119, odd), Band::Stage1);
    EXPECT_EQ(band(120, odd), Band::Stage2);
    const std::vector<Creatinine> even{before(hours(24 * 10), 50), before(hours(24 * 20), 70),
                                       before(hours(24 * 30), 10), before(hours(24 * 40), 900)};
    EXPECT_EQ(band(119.9, even), Band::Stage1);  // median 60
    EXPECT_EQ(band(120, even), Band::Stage2);
}

TEST(Aki, TheLargerOfTheTwoRatiosCounts) {
    EXPECT_EQ(band(120, {before(hours(24), 100), before(hours(24 * 30), 60)}), Band::Stage2);
    EXPECT_EQ(band(120, {before(hours(24), 60), before(hours(24 * 30), 100)}), Band::Stage2);
    EXPECT_DOUBLE_EQ(adult(120, {before(hours(24), 100), before(hours(24 * 30), 60)}).ratio.value(),
                     2.0);
}

TEST(Aki, SevenDaysBelongToTheWeekEightToTheYear) {
    // a low and a high value: only the window decides which one is the baseline
    const auto low_at = [](microseconds ago) {
        return band(120,
                    {before(ago, 60), before(hours(24 * 100), 200), before(hours(24 * 101), 200)});
    };
    EXPECT_EQ(low_at(hours(24 * 7)), Band::Stage2);
    EXPECT_EQ(low_at(hours(24 * 8) - microseconds(1)), Band::Stage2);
    EXPECT_EQ(low_at(hours(24 * 8)), Band::None);  // one of three in the median
}

TEST(Aki, TheYearEndsAfterDay365) {
    EXPECT_EQ(band(120, {before(hours(24 * 365), 60)}), Band::Stage2);
    EXPECT_EQ(band(120, {before(hours(24 * 366) - microseconds(1), 60)}), Band::Stage2);
    EXPECT_EQ(band(120, {before(hours(24 * 366), 60)}), Band::Suspected);
}

TEST(Aki, RiseWithin48HoursIsStage1) {
    EXPECT_EQ(band(126, {before(hours(48), 100)}), Band::None);
    EXPECT_EQ(band(126.1, {before(hours(48), 100)}), Band::Stage1);
    EXPECT_EQ(band(126.1, {before(hours(48) + microseconds(1), 100)}), Band::None);
}

TEST(Aki, Above354WithRatio1Point5IsStage3) {
    EXPECT_EQ(band(354, {before(hours(24), 236)}), Band::Stage1);
    EXPECT_EQ(band(354.1, {before(hours(24), 236)}), Band::Stage3);
    EXPECT_EQ(band(360, {before(hours(72), 250)}), Band::None);  // ratio 1.44
}

TEST(Aki, HighWithoutAnEarlierResultIsSuspected) {
    EXPECT_EQ(band(92, {}), Band::None);
    EXPECT_EQ(band(92.1, {}), Band::Suspected);
    EXPECT_EQ(band(400, {}), Band::Suspected);
}

TEST(Aki, ResultsOfTheSameMomentOrLaterAreNoBaseline) {
    EXPECT_EQ(band(120, {before(hours(0), 60), before(-hours(5), 60)}), Band::Suspected);
}

Result child(double value, std::optional<double> limit, std::optional<int> age,
             std::vector<Creatinine> earlier) {
    return evaluate({.current = {kNow, Bounds::of(value)},
                     .upper_limit = limit,
                     .age = age,
                     .earlier = earlier});
}

TEST(Aki, BelowEighteenThreeTimesTheUpperLimitIsStage3) {
    EXPECT_EQ(child(150, 50, 17, {before(hours(24), 100)}).band, Band::Stage1);
    EXPECT_EQ(child(150.1, 50, 17, {before(hours(24), 100)}).band, Band::Stage3);
    EXPECT_EQ(child(150.1, 50, 18, {before(hours(24), 100)}).band, Band::Stage1);
    EXPECT_EQ(child(150.1, 50, 10, {before(hours(24), 140)}).band, Band::Stage3);
    EXPECT_EQ(child(150.1, 50, 10, {}).band, Band::Stage3);
    EXPECT_EQ(child(360, 200, 17, {before(hours(24), 220)}).band,
              Band::Stage1);  // 354 is the adults' limit
}

TEST(Aki, AnUnknownBirthDateLeavesTheLeastThatIsCertain) {
    const auto open = child(160, 50, std::nullopt, {before(hours(24), 100)});
    EXPECT_FALSE(open.complete());
    EXPECT_EQ(open.band, Band::Stage1);
    EXPECT_EQ(open.possible, Band::Stage3);
    EXPECT_TRUE(open.lacks(Gap::BirthDate));
    EXPECT_FALSE(open.lacks(Gap::UpperLimit));
    EXPECT_TRUE(child(100, 50, std::nullopt, {before(hours(24), 95)}).complete());
    EXPECT_EQ(child(300, 120, std::nullopt, {before(hours(24), 100)}).band, Band::Stage3);
}

TEST(Aki, AMissingUpperLimitMattersOnlyWhereItDecides) {
    const auto first = child(120, std::nullopt, 50, {});
    EXPECT_FALSE(first.complete());
    EXPECT_EQ(first.band, Band::None);
    EXPECT_EQ(first.possible, Band::Suspected);
    EXPECT_TRUE(first.lacks(Gap::UpperLimit));
    EXPECT_FALSE(first.lacks(Gap::BirthDate));
    EXPECT_TRUE(child(120, std::nullopt, 50, {before(hours(24), 60)}).complete());
    const auto minor = child(120, std::nullopt, 12, {before(hours(24), 60)});
    EXPECT_EQ(minor.band, Band::Stage2);
    EXPECT_TRUE(minor.lacks(Gap::UpperLimit));
}

TEST(Aki, ABoundedValueCountsOnlyForWhatIsCertain) {
    const auto at = [](Bounds value, Bounds earlier) {
        const std::vector<Creatinine> list{{kNow - hours(24), earlier}};
        return evaluate({.current = {kNow, value}, .upper_limit = 92, .age = 50, .earlier = list});
    };
    const auto below = at(Bounds::at_most(15), Bounds::of(60));
    EXPECT_TRUE(below.complete());
    EXPECT_EQ(below.band, Band::None);
    const auto above = at(Bounds::at_least(120), Bounds::of(60));
    EXPECT_EQ(above.band, Band::Stage2);
    EXPECT_TRUE(above.lacks(Gap::ExactValue));
    EXPECT_TRUE(at(Bounds::at_least(1500), Bounds::of(60)).complete());
    const auto baseline = at(Bounds::of(31), Bounds::at_most(15));
    EXPECT_EQ(baseline.band, Band::Stage2);  // at least 31 / 15
    EXPECT_EQ(baseline.possible, Band::Stage3);
}

TEST(Aki, NamesTheResultsThatDecide) {
    const auto result = adult(120, {before(hours(24), 100), before(hours(72), 60),
                                    before(hours(24 * 30), 70), before(hours(24 * 400), 1)});
    EXPECT_EQ(result.lowest_week, 1U);
    EXPECT_EQ(result.lowest_two_days, 0U);
    EXPECT_EQ(result.medians, (std::vector<std::size_t>{2}));
    EXPECT_EQ(result.week.size() + result.year.size(), 3U);
}

}  // namespace
}  // namespace vitalog::processors::aki
