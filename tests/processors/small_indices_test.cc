#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "processors/risk/bands.h"
#include "processors/risk/bmi_cn.h"
#include "processors/risk/bp_cn.h"
#include "processors/risk/egfr.h"
#include "processors/risk/kdigo.h"
#include "processors/risk/shock_index.h"

namespace vitalog::processors {
namespace {

TEST(Bands, TakeHalvesUpInStepsOfThePublishedResolution) {
    EXPECT_EQ(in_steps(36.05, 10), 361);
    EXPECT_EQ(in_steps(36.0499, 10), 360);
    EXPECT_EQ(in_steps(20.5, 1), 21);
    EXPECT_EQ(in_steps(20.4999, 1), 20);
    EXPECT_EQ(in_steps(0, 1), 0);
    for (int tenths = 0; tenths <= 500; ++tenths)
        EXPECT_EQ(in_steps(tenths / 10.0 + 0.05, 10), tenths + 1) << tenths;
    EXPECT_EQ(in_steps(std::numeric_limits<double>::infinity(), 1), kNoEnd);
}

TEST(Bands, AnIntervalHasThePointsOfAllItsBands) {
    constexpr std::array<ScoreBand, 3> kTable{{{10, 2}, {20, 0}, {kNoEnd, 3}}};
    EXPECT_EQ(points_of(kTable, Bounds::of(10)), (Points{2, 2}));
    EXPECT_EQ(points_of(kTable, Bounds::of(11)), (Points{0, 0}));
    EXPECT_EQ(points_of(kTable, Bounds::at_most(10)), (Points{2, 2}));
    EXPECT_EQ(points_of(kTable, Bounds::at_most(11)), (Points{0, 2}));
    EXPECT_EQ(points_of(kTable, Bounds::at_least(5)), (Points{0, 3}));
    EXPECT_EQ(points_of(kTable, Bounds::at_least(21)), (Points{3, 3}));
    EXPECT_EQ(any_points(kTable), (Points{0, 3}));
}

TEST(ShockIndex, AgreesWithTheWorkedExamples) {
    const auto high = shock_index::evaluate(Bounds::of(110), Bounds::of(100));
    EXPECT_NEAR(*high.value, 1.10, 1e-12);
    EXPECT_EQ(high.band, shock_index::Band::High);
    const auto normal = shock_index::evaluate(Bounds::of(80), Bounds::of(120));
    EXPECT_NEAR(*normal.value, 0.67, 0.005);
    EXPECT_EQ(normal.band, shock_index::Band::Normal);
}

TEST(ShockIndex, HasItsEdgesAtNineTenthsAndOne) {
    const auto band = [](double rate, double pressure) {
        return shock_index::evaluate(Bounds::of(rate), Bounds::of(pressure)).band;
    };
    EXPECT_EQ(band(89, 100), shock_index::Band::Normal);
    EXPECT_EQ(band(90, 100), shock_index::Band::Raised);
    EXPECT_EQ(band(99, 110), shock_index::Band::Raised) << "0.9 exactly";
    EXPECT_EQ(band(99, 100), shock_index::Band::Raised);
    EXPECT_EQ(band(100, 100), shock_index::Band::High);
}

TEST(ShockIndex, IsNotComputedWithoutAPressure) {
    const auto none = shock_index::evaluate(Bounds::of(80), Bounds::of(0));
    EXPECT_FALSE(none.value);
    EXPECT_NE(none.band, none.worst);
    const auto bounded = shock_index::evaluate(Bounds::at_least(120), Bounds::of(100));
    EXPECT_FALSE(bounded.value);
    EXPECT_EQ(bounded.band, shock_index::Band::High);
    EXPECT_EQ(bounded.band, bounded.worst);
    const auto open = shock_index::evaluate(Bounds::of(80), Bounds::at_most(100));
    EXPECT_EQ(open.band, shock_index::Band::Normal);
    EXPECT_EQ(open.worst, shock_index::Band::High);
}

TEST(BmiCn, AgreesWithTheWorkedExamples) {
    const auto bmi = [](double weight, double height) {
        return bmi_cn::body_mass_index(Bounds::of(weight), Bounds::of(height));
    };
    EXPECT_NEAR(bmi(70, 175).stated, 22.86, 0.005);
    EXPECT_NEAR(bmi(80, 170).stated, 27.68, 0.005);
    EXPECT_EQ(bmi_cn::band_of(bmi(80, 170), 50), bmi_cn::Band::Overweight);
    EXPECT_EQ(bmi_cn::band_of(bmi(69.36, 170), 50), bmi_cn::Band::Overweight) << "24 exactly";
}

TEST(BmiCn, HasItsEdgesOnTheValueItself) {
    const auto band = [](double bmi) { return *bmi_cn::band_of(Bounds::of(bmi), 79); };
    EXPECT_EQ(band(18.49), bmi_cn::Band::Underweight);
    EXPECT_EQ(band(18.5), bmi_cn::Band::Normal);
    EXPECT_EQ(band(23.99), bmi_cn::Band::Normal);
    EXPECT_EQ(band(24.0), bmi_cn::Band::Overweight);
    EXPECT_EQ(band(27.99), bmi_cn::Band::Overweight);
    EXPECT_EQ(band(28.0), bmi_cn::Band::Obese);
}

TEST(BmiCn, HasASuitableRangeFrom80YearsOn) {
    const auto band = [](double bmi) { return *bmi_cn::band_of(Bounds::of(bmi), 80); };
    EXPECT_EQ(band(21.94), bmi_cn::Band::BelowSuitable);
    EXPECT_EQ(band(21.95), bmi_cn::Band::Suitable);
    EXPECT_EQ(band(22.0), bmi_cn::Band::Suitable);
    EXPECT_EQ(band(26.9), bmi_cn::Band::Suitable);
    EXPECT_EQ(band(26.94), bmi_cn::Band::Suitable);
    EXPECT_EQ(band(26.95), bmi_cn::Band::AboveSuitable);
    EXPECT_EQ(bmi_cn::band_of(Bounds::of(27.5), 79), bmi_cn::Band::Overweight);
}

TEST(BmiCn, ABoundedWeightHasABandOnlyWhereItIsCertain) {
    const auto light = bmi_cn::body_mass_index(Bounds::at_most(40), Bounds::of(170));
    EXPECT_EQ(bmi_cn::band_of(light, 50), bmi_cn::Band::Underweight);
    const auto open = bmi_cn::body_mass_index(Bounds::at_least(60), Bounds::of(170));
    EXPECT_FALSE(bmi_cn::band_of(open, 50));
}

bp_cn::Result pressure(double systolic, double diastolic) {
    return bp_cn::evaluate(Bounds::of(systolic), Bounds::of(diastolic));
}

TEST(BpCn, AgreesWithTheWorkedExamples) {
    EXPECT_EQ(bp_cn::name_of(pressure(118, 76).grade), "normal");
    EXPECT_EQ(bp_cn::name_of(pressure(128, 76).grade), "high-normal");
    EXPECT_EQ(bp_cn::name_of(pressure(150, 85).grade), "grade-1");
    EXPECT_EQ(bp_cn::name_of(pressure(150, 105).grade), "grade-2");
    EXPECT_EQ(bp_cn::name_of(pressure(182, 90).grade), "grade-3");
}

TEST(BpCn, HasItsEdgesFromBothSides) {
    using bp_cn::Grade;
    const auto systolic = [](double value) { return pressure(value, 70).grade; };
    EXPECT_EQ(systolic(119), Grade::Normal);
    EXPECT_EQ(systolic(119.49), Grade::Normal);
    EXPECT_EQ(systolic(119.5), Grade::HighNormal);
    EXPECT_EQ(systolic(120), Grade::HighNormal);
    EXPECT_EQ(systolic(139), Grade::HighNormal);
    EXPECT_EQ(systolic(140), Grade::Grade1);
    EXPECT_EQ(systolic(159), Grade::Grade1);
    EXPECT_EQ(systolic(160), Grade::Grade2);
    EXPECT_EQ(systolic(179), Grade::Grade2);
    EXPECT_EQ(systolic(180), Grade::Grade3);
    const auto diastolic = [](double value) { return pressure(110, value).grade; };
    EXPECT_EQ(diastolic(79), Grade::Normal);
    EXPECT_EQ(diastolic(80), Grade::HighNormal);
    EXPECT_EQ(diastolic(89), Grade::HighNormal);
    EXPECT_EQ(diastolic(90), Grade::Grade1);
    EXPECT_EQ(diastolic(99), Grade::Grade1);
    EXPECT_EQ(diastolic(100), Grade::Grade2);
    EXPECT_EQ(diastolic(109), Grade::Grade2);
    EXPECT_EQ(diastolic(110), Grade::Grade3);
}

TEST(BpCn, IsolatedSystolicHypertensionKeepsItsGrade) {
    EXPECT_TRUE(pressure(140, 89).isolated_systolic);
    EXPECT_EQ(pressure(165, 89).grade, bp_cn::Grade::Grade2);
    EXPECT_TRUE(pressure(165, 89).isolated_systolic);
    EXPECT_FALSE(pressure(139, 89).isolated_systolic);
    EXPECT_FALSE(pressure(140, 90).isolated_systolic);
}

TEST(BpCn, OneOfTheTwoGivesTheLeastGrade) {
    const auto alone = bp_cn::evaluate(Bounds::of(165), std::nullopt);
    EXPECT_EQ(alone.grade, bp_cn::Grade::Grade2);
    EXPECT_EQ(alone.worst, bp_cn::Grade::Grade3);
    EXPECT_FALSE(alone.isolated_systolic);
    EXPECT_EQ(bp_cn::evaluate(std::nullopt, Bounds::of(110)).grade, bp_cn::Grade::Grade3);
}

TEST(Kdigo, FollowsTheMap) {
    using kdigo::Risk;
    struct Cell {
        double egfr, ratio;
        Risk risk;
    };
    const Cell cells[] = {
        {95, 10, Risk::Low},      {95, 100, Risk::Moderate}, {95, 400, Risk::High},
        {75, 10, Risk::Low},      {75, 100, Risk::Moderate}, {75, 400, Risk::High},
        {50, 10, Risk::Moderate}, {50, 100, Risk::High},     {50, 400, Risk::VeryHigh},
        {40, 10, Risk::High},     {40, 100, Risk::VeryHigh}, {40, 400, Risk::VeryHigh},
        {20, 10, Risk::VeryHigh}, {20, 100, Risk::VeryHigh}, {20, 400, Risk::VeryHigh},
        {10, 10, Risk::VeryHigh}, {10, 100, Risk::VeryHigh}, {10, 400, Risk::VeryHigh},
    };
    for (const auto& cell : cells) {
        const auto result = kdigo::evaluate(Bounds::of(cell.egfr), Bounds::of(cell.ratio));
        EXPECT_EQ(result.risk, cell.risk) << cell.egfr << " " << cell.ratio;
        EXPECT_EQ(result.worst, cell.risk);
    }
}

TEST(Kdigo, HasItsEdgesFromBothSides) {
    EXPECT_EQ(kdigo::albuminuria(29.99), "A1");
    EXPECT_EQ(kdigo::albuminuria(30), "A2");
    EXPECT_EQ(kdigo::albuminuria(300), "A2");
    EXPECT_EQ(kdigo::albuminuria(300.01), "A3");
    const auto risk = [](double egfr, double ratio) {
        return kdigo::evaluate(Bounds::of(egfr), Bounds::of(ratio)).risk;
    };
    EXPECT_EQ(risk(60, 10), kdigo::Risk::Low);
    EXPECT_EQ(risk(59.99, 10), kdigo::Risk::Moderate);
    EXPECT_EQ(risk(45, 10), kdigo::Risk::Moderate);
    EXPECT_EQ(risk(44.99, 10), kdigo::Risk::High);
    EXPECT_EQ(risk(30, 10), kdigo::Risk::High);
    EXPECT_EQ(risk(29.99, 10), kdigo::Risk::VeryHigh);
    // The rows of the map are egfr::category's.
    for (double egfr = 0; egfr < 120; egfr += 0.25) {
        const auto category = egfr::category(egfr);
        const auto expected = category == "G1" || category == "G2" ? kdigo::Risk::Low
                              : category == "G3a"                  ? kdigo::Risk::Moderate
                              : category == "G3b"                  ? kdigo::Risk::High
                                                                   : kdigo::Risk::VeryHigh;
        EXPECT_EQ(risk(egfr, 10), expected) << egfr;
    }
}

TEST(Kdigo, OneOfTheTwoGivesTheLeastRisk) {
    const auto albumin = kdigo::evaluate(std::nullopt, Bounds::of(400));
    EXPECT_EQ(albumin.risk, kdigo::Risk::High);
    EXPECT_EQ(albumin.worst, kdigo::Risk::VeryHigh);
    const auto rate = kdigo::evaluate(Bounds::of(20), std::nullopt);
    EXPECT_EQ(rate.risk, kdigo::Risk::VeryHigh);
    EXPECT_EQ(rate.worst, kdigo::Risk::VeryHigh);
}

}  // namespace
}  // namespace vitalog::processors
