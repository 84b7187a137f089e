#include "processors/risk/news2.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vitalog::processors::news2 {
namespace {

/// A row of the RCP's chart: points for the values from `from` to `to`.
struct Row {
    int from;
    int to;
    int points;
};

constexpr int kAbove = 100000;

int charted(const std::vector<Row>& chart, int value) {
    for (const auto& row : chart)
        if (value >= row.from && value <= row.to) return row.points;
    ADD_FAILURE() << "the chart has no row for " << value;
    return -1;
}

Input well() {
    return {.respiratory_rate = Bounds::of(16),
            .oxygen_saturation = Bounds::of(97),
            .scale = Scale::One,
            .on_oxygen = false,
            .systolic_pressure = Bounds::of(120),
            .pulse = Bounds::of(70),
            .consciousness = Consciousness::Alert,
            .temperature = Bounds::of(36.8)};
}

int points_of_only(const Input& input, Parameter parameter) {
    const auto result = evaluate(input);
    EXPECT_TRUE(result.of(parameter).certain());
    EXPECT_TRUE(result.total.certain());
    int others = 0;
    for (std::size_t i = 0; i < kParameters; ++i)
        if (i != static_cast<std::size_t>(parameter)) others += result.points[i].least;
    EXPECT_EQ(result.total.least, others + result.of(parameter).least);
    return result.of(parameter).least;
}

TEST(News2, GivesEveryRespiratoryRateThePointsOfTheChart) {
    const std::vector<Row> chart{{0, 8, 3}, {9, 11, 1}, {12, 20, 0}, {21, 24, 2}, {25, kAbove, 3}};
    for (int value = 0; value <= 200; ++value) {
        Input input = well();
        input.respiratory_rate = Bounds::of(value);
        EXPECT_EQ(points_of_only(input, Parameter::RespiratoryRate), charted(chart, value))
            << value;
    }
}

TEST(News2, GivesEverySaturationThePointsOfScale1) {
    const std::vector<Row> chart{{0, 91, 3}, {92, 93, 2}, {94, 95, 1}, {96, 100, 0}};
    for (const bool oxygen : {false, true})
        for (int value = 0; value <= 100; ++value) {
            Input input = well();
            input.on_oxygen = oxygen;
            input.oxygen_saturation = Bounds::of(value);
            EXPECT_EQ(points_of_only(input, Parameter::OxygenSaturation), charted(chart, value))
                << value;
        }
}

TEST(News2, GivesEverySaturationThePointsOfScale2) {
    const std::vector<Row> air{{0, 83, 3}, {84, 85, 2}, {86, 87, 1}, {88, 100, 0}};
    const std::vector<Row> oxygen{{0, 83, 3},  {84, 85, 2}, {86, 87, 1}, {88, 92, 0},
                                  {93, 94, 1}, {95, 96, 2}, {97, 100, 3}};
    for (int value = 0; value <= 100; ++value) {
        Input input = well();
        input.scale = Scale::Two;
        input.oxygen_saturation = Bounds::of(value);
        EXPECT_EQ(points_of_only(input, Parameter::OxygenSaturation), charted(air, value)) << value;
        input.on_oxygen = true;
        EXPECT_EQ(points_of_only(input, Parameter::OxygenSaturation), charted(oxygen, value))
            << value;
    }
}

TEST(News2, GivesEverySystolicPressureThePointsOfTheChart) {
    const std::vector<Row> chart{
        {0, 90, 3}, {91, 100, 2}, {101, 110, 1}, {111, 219, 0}, {220, kAbove, 3}};
    for (int value = 0; value <= 400; ++value) {
        Input input = well();
        input.systolic_pressure = Bounds::of(value);
        EXPECT_EQ(points_of_only(input, Parameter::SystolicPressure), charted(chart, value))
            << value;
    }
}

TEST(News2, GivesEveryPulseThePointsOfTheChart) {
    const std::vector<Row> chart{{0, 40, 3},   {41, 50, 1},   {51, 90, 0},
                                 {91, 110, 1}, {111, 130, 2}, {131, kAbove, 3}};
    for (int value = 0; value <= 500; ++value) {
        Input input = well();
        input.pulse = Bounds::of(value);
        EXPECT_EQ(points_of_only(input, Parameter::Pulse), charted(chart, value)) << value;
    }
}

TEST(News2, GivesEveryTenthOfADegreeThePointsOfTheChart) {
    const std::vector<Row> chart{
        {0, 350, 3}, {351, 360, 1}, {361, 380, 0}, {381, 390, 1}, {391, kAbove, 2}};
    for (int tenths = 100; tenths <= 500; ++tenths) {
        Input input = well();
        input.temperature = Bounds::of(tenths / 10.0);
        EXPECT_EQ(points_of_only(input, Parameter::Temperature), charted(chart, tenths)) << tenths;
    }
}

TEST(News2, GivesThreePointsForEveryLevelBelowAlertAndTwoForOxygen) {
    for (const auto level : {Consciousness::NewConfusion, Consciousness::Voice, Consciousness::Pain,
                             Consciousness::Unresponsive}) {
        Input input = well();
        input.consciousness = level;
        EXPECT_EQ(points_of_only(input, Parameter::Consciousness), 3);
    }
    EXPECT_EQ(points_of_only(well(), Parameter::Consciousness), 0);
    Input input = well();
    EXPECT_EQ(points_of_only(input, Parameter::Oxygen), 0);
    input.on_oxygen = true;
    EXPECT_EQ(points_of_only(input, Parameter::Oxygen), 2);
}

/// A set of observations with its total and band, worked by hand from the chart.
struct Vector {
    double rate, saturation;
    Scale scale;
    bool oxygen;
    double pressure, pulse;
    Consciousness level;
    double temperature;
    int total;
    std::string_view band;
};

TEST(News2, AgreesWithTheWorkedExamples) {
    constexpr auto kA = Consciousness::Alert;
    const Vector vectors[] = {
        {24, 93, Scale::One, true, 105, 105, kA, 38.5, 9, "high"},
        {16, 90, Scale::One, false, 120, 70, kA, 36.8, 3, "low-medium"},
        {16, 90, Scale::Two, false, 120, 70, kA, 36.8, 0, "low"},
        {16, 97, Scale::Two, true, 120, 70, kA, 36.8, 5, "medium"},
        {21, 96, Scale::One, false, 95, 95, kA, 36.8, 5, "medium"},
        {21, 96, Scale::One, false, 95, 115, kA, 36.8, 6, "medium"},
        {21, 96, Scale::One, false, 95, 115, kA, 35.5, 7, "high"},
        {9, 97, Scale::One, false, 105, 70, kA, 36.8, 2, "low"},
        {16, 97, Scale::One, false, 120, 70, Consciousness::NewConfusion, 36.8, 3, "low-medium"},
    };
    for (const auto& v : vectors) {
        const auto result = evaluate({Bounds::of(v.rate), Bounds::of(v.saturation), v.scale,
                                      v.oxygen, Bounds::of(v.pressure), Bounds::of(v.pulse),
                                      v.level, Bounds::of(v.temperature)});
        EXPECT_EQ(result.total, (Points{v.total, v.total}));
        EXPECT_EQ(name_of(result.band), v.band);
        EXPECT_EQ(result.band, result.worst);
    }
}

TEST(News2, RoundsHalvesUpToThePublishedResolution) {
    const auto temperature = [](double value) {
        Input input = well();
        input.temperature = Bounds::of(value);
        return evaluate(input).total.least;
    };
    EXPECT_EQ(temperature(36.049), 1);
    EXPECT_EQ(temperature(36.05), 0);
    EXPECT_EQ(temperature(35.049), 3);
    EXPECT_EQ(temperature(35.05), 1);
    EXPECT_EQ(temperature(38.049), 0);
    EXPECT_EQ(temperature(38.05), 1);
    EXPECT_EQ(temperature(39.049), 1);
    EXPECT_EQ(temperature(39.05), 2);
    const auto rate = [](double value) {
        Input input = well();
        input.respiratory_rate = Bounds::of(value);
        return evaluate(input).total.least;
    };
    EXPECT_EQ(rate(20.49), 0);
    EXPECT_EQ(rate(20.5), 2);
    EXPECT_EQ(rate(24.49), 2);
    EXPECT_EQ(rate(24.5), 3);
    EXPECT_EQ(rate(11.5), 0);
    EXPECT_EQ(rate(8.5), 1);
    Input saturation = well();
    saturation.oxygen_saturation = Bounds::of(91.5);
    EXPECT_EQ(evaluate(saturation).total.least, 2);
}

// A public implementation writes its bands as `8 <= rr >= 25` and `36.0 >= t >= 38.1`, which no
// value satisfies.
TEST(News2, ReachesEveryBandOfRateAndTemperature) {
    for (const double rate : {5.0, 10.0, 15.0, 22.0, 30.0}) {
        Input input = well();
        input.respiratory_rate = Bounds::of(rate);
        const int expected = rate < 9 || rate > 24 ? 3 : rate < 12 ? 1 : rate > 20 ? 2 : 0;
        EXPECT_EQ(evaluate(input).total.least, expected) << rate;
    }
    Input cold = well();
    cold.temperature = Bounds::of(35.8);
    EXPECT_EQ(evaluate(cold).total.least, 1);
    Input warm = well();
    warm.temperature = Bounds::of(38.1);
    EXPECT_EQ(evaluate(warm).total.least, 1);
}

TEST(News2, CarriesTheLeastCertainScoreOfWhatIsKnown) {
    const auto nothing = evaluate({});
    EXPECT_EQ(nothing.total, (Points{0, 20}));
    EXPECT_EQ(nothing.band, Band::Low);
    EXPECT_EQ(nothing.worst, Band::High);

    Input input;
    input.respiratory_rate = Bounds::of(30);
    input.pulse = Bounds::of(140);
    const auto two = evaluate(input);
    EXPECT_EQ(two.total.least, 6);
    EXPECT_EQ(two.band, Band::Medium);
    EXPECT_EQ(two.worst, Band::High);

    input.pulse = Bounds::of(70);
    EXPECT_EQ(evaluate(input).total.least, 3);
    EXPECT_EQ(evaluate(input).band, Band::LowMedium) << "a red score is certain";
}

TEST(News2, ABoundedValueGivesThePointsThatItsIntervalAllows) {
    Input input = well();
    input.oxygen_saturation = Bounds::at_most(91);
    EXPECT_EQ(evaluate(input).of(Parameter::OxygenSaturation), (Points{3, 3}));
    input.oxygen_saturation = Bounds::at_most(95);
    EXPECT_EQ(evaluate(input).of(Parameter::OxygenSaturation), (Points{1, 3}));
    EXPECT_EQ(evaluate(input).band, Band::Low);
    EXPECT_EQ(evaluate(input).worst, Band::LowMedium);
    input = well();
    input.pulse = Bounds::at_least(131);
    EXPECT_EQ(evaluate(input).of(Parameter::Pulse), (Points{3, 3}));
    input.pulse = Bounds::at_least(100);
    EXPECT_EQ(evaluate(input).of(Parameter::Pulse), (Points{1, 3}));
    input.systolic_pressure = Bounds::at_least(111);
    EXPECT_EQ(evaluate(input).of(Parameter::SystolicPressure), (Points{0, 3}));
}

TEST(News2, OnScale2OxygenDecidesWhatAHighSaturationMeans) {
    Input input = well();
    input.scale = Scale::Two;
    input.on_oxygen.reset();
    // On air 97 % is 0; on oxygen it is 3, and the oxygen 2 more.
    EXPECT_EQ(evaluate(input).total, (Points{0, 5}));
    EXPECT_EQ(evaluate(input).band, Band::Low);
    EXPECT_EQ(evaluate(input).worst, Band::Medium);
    // Below 93 % the points are the same either way.
    input.oxygen_saturation = Bounds::of(86);
    EXPECT_EQ(evaluate(input).total, (Points{1, 3}));
    EXPECT_EQ(evaluate(input).of(Parameter::OxygenSaturation), (Points{1, 1}));
}

TEST(News2, BandsHaveTheirEdgesAtFiveAndSeven) {
    Input input = well();
    input.temperature = Bounds::of(38.5);     // 1
    input.pulse = Bounds::of(100);            // 1
    input.respiratory_rate = Bounds::of(22);  // 2
    EXPECT_EQ(evaluate(input).total.least, 4);
    EXPECT_EQ(evaluate(input).band, Band::Low);
    input.systolic_pressure = Bounds::of(105);  // 1
    EXPECT_EQ(evaluate(input).total.least, 5);
    EXPECT_EQ(evaluate(input).band, Band::Medium);
    input.oxygen_saturation = Bounds::of(95);  // 1
    EXPECT_EQ(evaluate(input).total.least, 6);
    EXPECT_EQ(evaluate(input).band, Band::Medium);
    input.pulse = Bounds::of(111);  // 2
    EXPECT_EQ(evaluate(input).total.least, 7);
    EXPECT_EQ(evaluate(input).band, Band::High);
}

}  // namespace
}  // namespace vitalog::processors::news2
