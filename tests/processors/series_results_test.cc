#include <gtest/gtest.h>

#include "processors/care/results.h"

namespace vitalog::processors::care {
namespace {

using std::chrono::hours;

constexpr EventTime kNow(1'600'000'000'000'000);

RecordId id(int number) {
    return IdHash().part(std::int64_t{number}).finish();
}

Reported creatinine(int number, EventTime at, double value) {
    Reported r{.loinc = "14682-9",
               .unit = "umol/L",
               .display = "Creatinine",
               .sample = {},
               .range = {49.0, 92.0}};
    r.sample.id = id(number);
    r.sample.event = id(number + 1000);
    r.sample.order = 7;
    r.sample.at = at;
    r.sample.sent = at;
    r.sample.value = value;
    return r;
}

class Series_ : public ::testing::Test {
  protected:
    void report(const Reported& reported) {
        touched.clear();
        results.report(reported, kNow, touched);
    }
    std::vector<double> live() const {
        std::vector<double> values;
        for (const auto& sample : results.samples(0))
            if (sample.live()) values.push_back(sample.value);
        return values;
    }

    Results results;
    std::vector<Touched> touched;
};

TEST_F(Series_, StandsInTheOrderOfItsTimes) {
    report(creatinine(1, kNow, 1));
    report(creatinine(2, kNow - hours(2), 2));
    report(creatinine(3, kNow - hours(1), 3));
    EXPECT_EQ(live(), (std::vector<double>{2, 3, 1}));
}

TEST_F(Series_, DropsARepeat) {
    report(creatinine(1, kNow, 80));
    EXPECT_EQ(touched.size(), 1U);
    report(creatinine(1, kNow, 80));
    EXPECT_TRUE(touched.empty());
    EXPECT_EQ(live().size(), 1U);
}

TEST_F(Series_, ALaterMessageHasTheWord) {
    auto first = creatinine(1, kNow, 80);
    auto second = creatinine(1, kNow, 90);
    second.sample.sent = kNow + hours(1);
    report(second);
    report(first);
    EXPECT_TRUE(touched.empty());
    EXPECT_EQ(live(), (std::vector<double>{90}));
}

TEST_F(Series_, ACorrectionIsNotUndoneByTheOriginal) {
    auto correction = creatinine(1, kNow, 90);
    correction.sample.standing = Standing::Corrected;
    report(correction);
    report(creatinine(1, kNow, 80));
    EXPECT_EQ(live(), (std::vector<double>{90}));
}

TEST_F(Series_, ACorrectionWithAnotherTimeReplacesTheNewestOfItsOrder) {
    report(creatinine(1, kNow - hours(3), 70));
    report(creatinine(2, kNow - hours(2), 80));
    auto correction = creatinine(3, kNow - hours(1), 90);
    correction.sample.standing = Standing::Corrected;
    report(correction);
    EXPECT_EQ(live(), (std::vector<double>{70, 90}));
    ASSERT_EQ(touched.size(), 2U);
    EXPECT_EQ(touched[0].change, Change::Withdrawn);
    EXPECT_EQ(touched[0].id, id(2));
    EXPECT_TRUE(touched[1].corrects);
    report(creatinine(2, kNow - hours(2), 80));  // the original again
    EXPECT_EQ(live(), (std::vector<double>{70, 90}));
}

TEST_F(Series_, ADeletionBeforeItsOriginalHolds) {
    report(creatinine(1, kNow, 70));
    touched.clear();
    results.retract({.loinc = "14682-9",
                     .id = id(2),
                     .event = id(9),
                     .order = 0,
                     .effective = {kNow, 0, Precision::Second},
                     .sent = kNow + hours(1)},
                    touched);
    EXPECT_TRUE(touched.empty());
    report(creatinine(2, kNow, 99));
    EXPECT_EQ(live(), (std::vector<double>{70}));
}

TEST_F(Series_, KeepsFourHundredDays) {
    report(creatinine(1, kNow - hours(24 * 400), 1));
    report(creatinine(2, kNow - hours(24 * 400) - std::chrono::seconds(1), 2));
    report(creatinine(3, kNow, 3));
    EXPECT_EQ(live(), (std::vector<double>{1, 3}));
    report(creatinine(4, kNow - hours(24 * 401), 4));
    EXPECT_TRUE(touched.empty());
}

TEST_F(Series_, ADateInTheFutureDropsNothing) {
    report(creatinine(1, kNow, 1));
    report(creatinine(2, kNow + hours(24 * 10000), 2));
    report(creatinine(3, kNow + hours(1), 3));
    EXPECT_EQ(live(), (std::vector<double>{1, 3, 2}));
}

TEST_F(Series_, IsBounded) {
    for (int i = 0; i < static_cast<int>(kResultsPerSeriesMax) + 10; ++i)
        report(creatinine(i, kNow + std::chrono::minutes(i), i));
    EXPECT_EQ(results.samples(0).size(), kResultsPerSeriesMax);
    EXPECT_EQ(results.samples(0).front().value, 10);
    report(creatinine(9999, kNow - hours(1), 5));
    EXPECT_TRUE(touched.empty());
}

TEST_F(Series_, CodesAndUnitsKeepApart) {
    report(creatinine(1, kNow, 1));
    auto other = creatinine(2, kNow, 2);
    other.unit = "mg/dL";
    report(other);
    EXPECT_EQ(results.series().size(), 2U);
    report(creatinine(3, kNow - hours(1), 3));
    EXPECT_EQ(live(), (std::vector<double>{3, 1}));
    EXPECT_EQ(results.samples(1).front().value, 2);
}

TEST_F(Series_, SurvivesItsStoredForm) {
    for (int i = 0; i < 20; ++i) report(creatinine(i, kNow - hours(i * 7), 60 + i));
    std::string bytes;
    BinaryWriter out(bytes);
    results.encode(out);
    Results again;
    BinaryReader in(bytes);
    ASSERT_TRUE(again.decode(in) && in.at_end());
    ASSERT_EQ(again.samples(0).size(), results.samples(0).size());
    for (std::size_t i = 0; i < again.samples(0).size(); ++i)
        EXPECT_EQ(again.samples(0)[i], results.samples(0)[i]);
    EXPECT_EQ(again.range_of(again.samples(0)[0]), (Range{49.0, 92.0}));
    EXPECT_LT(bytes.size(), 20U * 70 + 60);
}

}  // namespace
}  // namespace vitalog::processors::care
