#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

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

/// Reads back what encode() wrote, and expects it to be the same.
void expect_survives(const Results& results, std::string& bytes) {
    bytes.clear();
    results.encode(bytes);
    Results again;
    BinaryReader in(bytes);
    ASSERT_TRUE(again.decode(in) && in.at_end());
    ASSERT_EQ(again.series().size(), results.series().size());
    for (std::uint32_t s = 0; s < results.series().size(); ++s) {
        ASSERT_EQ(again.samples(s).size(), results.samples(s).size());
        for (std::size_t i = 0; i < again.samples(s).size(); ++i) {
            EXPECT_EQ(again.samples(s)[i], results.samples(s)[i]);
            EXPECT_EQ(again.range_of(again.samples(s)[i]), results.range_of(results.samples(s)[i]));
            EXPECT_TRUE(again.find(results.samples(s)[i].id).has_value());
        }
    }
}

TEST_F(Series_, SurvivesItsStoredForm) {
    for (int i = 0; i < 20; ++i) report(creatinine(i, kNow - hours(i * 7), 60 + i));
    std::string bytes;
    expect_survives(results, bytes);
    EXPECT_LT(bytes.size(), 20U * 52 + 80) << "an event each";
}

TEST_F(Series_, ResultsOfOneRecordShareItsIdInTheStoredForm) {
    for (int round = 0; round < 10; ++round) {
        for (const char* loinc : {"14682-9", "2823-3", "2951-2"}) {
            auto r = creatinine(round * 10 + loinc[0] + loinc[1], kNow + hours(round), 4.4);
            r.loinc = loinc;
            r.sample.event = id(5000 + round);
            report(r);
        }
    }
    std::string bytes;
    expect_survives(results, bytes);
    EXPECT_LT(bytes.size(), 30U * 36 + 10 * 16 + 150);
}

TEST_F(Series_, EveryValueAndTimeSurvivesToTheLastBit) {
    int number = 0;
    for (const double value : {0.0, -0.0, 0.1, -4.25, 88.375, 0.0005, 1e15, 999999999999999.0,
                               1e300, 1.0 / 3, -1e-300, 123456789012.345}) {
        ++number;
        auto r = creatinine(number, kNow + std::chrono::microseconds(number % 2), value);
        r.sample.sent = kNow + hours(number % 3);
        r.sample.offset_minutes = static_cast<std::int16_t>(number % 4 * 60 - 60);
        r.sample.flags = {'H', number % 2 == 0 ? 'H' : '\0', '\0', '\0'};
        r.sample.band = static_cast<std::uint8_t>(number % 3);
        r.sample.digest = number % 3 == 0 ? 0xdeadbeef : 0;
        r.sample.order = static_cast<std::uint64_t>(number % 2);
        r.range = number % 2 == 0 ? Range{} : Range{0.1 * number, std::nullopt};
        report(r);
    }
    std::string bytes;
    expect_survives(results, bytes);
    bool negative_zero = false;
    for (const auto& sample : results.samples(0))
        negative_zero = negative_zero || (sample.value == 0 && std::signbit(sample.value));
    EXPECT_TRUE(negative_zero);
}

TEST_F(Series_, RefusesAStoredFormThatIsCutOrPointsNowhere) {
    report(creatinine(1, kNow, 60));
    std::string bytes;
    results.encode(bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Results again;
        BinaryReader in(std::string_view(bytes).substr(0, size));
        EXPECT_FALSE(again.decode(in) && in.at_end()) << size;
    }
    const auto place =
        bytes.find(std::string(reinterpret_cast<const char*>(id(1).bytes.data()), 16));
    ASSERT_NE(place, std::string::npos);
    for (const auto& [at, value] :
         {std::pair{place + 16, 1}, {place - 1, 0x80}, {place - 2, 0x07}}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(value);
        Results again;
        BinaryReader in(damaged);
        EXPECT_FALSE(again.decode(in) && in.at_end()) << at - place;
    }
}

TEST_F(Series_, KeepTheirOrderWhileSeriesGrowAndShrinkSideBySide) {
    std::mt19937 random(7);
    std::map<std::pair<std::string, EventTime>, double> expected;
    for (int i = 0; i < 400; ++i) {
        const std::string loinc = "L-" + std::to_string(random() % 7);
        const EventTime at = kNow - hours(random() % 9000);
        if (expected.contains({loinc, at})) continue;
        auto r = creatinine(i, at, i);
        r.loinc = loinc;
        r.sample.order = 0;
        expected[{loinc, at}] = i;
        report(r);
        // Another time for the same result takes it out of one place and into another.
        if (i % 5 == 0 && !expected.contains({loinc, at + hours(1)})) {
            expected.erase({loinc, at});
            r.sample.at = at + hours(1);
            expected[{loinc, r.sample.at}] = i;
            report(r);
        }
    }
    std::map<std::pair<std::string, EventTime>, double> found;
    for (std::uint32_t s = 0; s < results.series().size(); ++s) {
        const auto list = results.samples(s);
        EXPECT_TRUE(std::is_sorted(list.begin(), list.end(),
                                   [](const Sample& a, const Sample& b) { return a.at < b.at; }));
        for (const auto& sample : list) {
            found[{results.series()[s].loinc, sample.at}] = sample.value;
            EXPECT_EQ(results.at(*results.find(sample.id)), sample);
        }
    }
    EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace vitalog::processors::care
