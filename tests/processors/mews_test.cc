#include "processors/risk/mews.h"

#include <gtest/gtest.h>

#include <vector>

namespace vitalog::processors::mews {
namespace {

Input well() {
    return {.systolic_pressure = Bounds::of(120),
            .pulse = Bounds::of(80),
            .respiratory_rate = Bounds::of(12),
            .temperature = Bounds::of(36.5),
            .consciousness = Consciousness::Alert};
}

struct Row {
    int from;
    int to;
    int points;
};

int charted(const std::vector<Row>& chart, int value) {
    for (const auto& row : chart)
        if (value >= row.from && value <= row.to) return row.points;
    ADD_FAILURE() << "the table has no row for " << value;
    return -1;
}

TEST(Mews, GivesEveryValueThePointsOfTheTable) {
    const std::vector<Row> pressure{
        {0, 70, 3}, {71, 80, 2}, {81, 100, 1}, {101, 199, 0}, {200, 400, 2}};
    const std::vector<Row> pulse{{0, 39, 2},    {40, 50, 1},   {51, 100, 0},
                                 {101, 110, 1}, {111, 129, 2}, {130, 400, 3}};
    const std::vector<Row> rate{{0, 8, 2}, {9, 14, 0}, {15, 20, 1}, {21, 29, 2}, {30, 400, 3}};
    const std::vector<Row> tenths{{0, 349, 2}, {350, 384, 0}, {385, 500, 2}};
    for (int value = 0; value <= 400; ++value) {
        Input input = well();
        input.systolic_pressure = Bounds::of(value);
        EXPECT_EQ(evaluate(input).total.least, charted(pressure, value)) << value;
        input = well();
        input.pulse = Bounds::of(value);
        EXPECT_EQ(evaluate(input).total.least, charted(pulse, value)) << value;
        input = well();
        input.respiratory_rate = Bounds::of(value);
        EXPECT_EQ(evaluate(input).total.least, charted(rate, value)) << value;
    }
    for (int value = 200; value <= 500; ++value) {
        Input input = well();
        input.temperature = Bounds::of(value / 10.0);
        EXPECT_EQ(evaluate(input).total.least, charted(tenths, value)) << value;
    }
}

// A public implementation has holes between 38.4 and 38.5 and between 39.0 and 40.
TEST(Mews, HasNoHolesBetweenItsBands) {
    const auto temperature = [](double value) {
        Input input = well();
        input.temperature = Bounds::of(value);
        return evaluate(input).total.least;
    };
    EXPECT_EQ(temperature(38.449), 0);
    EXPECT_EQ(temperature(38.45), 2);
    EXPECT_EQ(temperature(39.5), 2);
    EXPECT_EQ(temperature(34.949), 2);
    EXPECT_EQ(temperature(34.95), 0);
}

TEST(Mews, CountsAvpu) {
    const auto level = [](Consciousness value) {
        Input input = well();
        input.consciousness = value;
        return evaluate(input).total.least;
    };
    EXPECT_EQ(level(Consciousness::Alert), 0);
    EXPECT_EQ(level(Consciousness::NewConfusion), 0) << "AVPU has no confusion";
    EXPECT_EQ(level(Consciousness::Voice), 1);
    EXPECT_EQ(level(Consciousness::Pain), 2);
    EXPECT_EQ(level(Consciousness::Unresponsive), 3);
}

TEST(Mews, AgreesWithTheWorkedExamples) {
    const auto seven = evaluate(
        {Bounds::of(95), Bounds::of(115), Bounds::of(22), Bounds::of(38.6), Consciousness::Alert});
    EXPECT_EQ(seven.total, (Points{7, 7}));
    EXPECT_EQ(name_of(seven.band), "high");
    const auto none = evaluate(well());
    EXPECT_EQ(none.total, (Points{0, 0}));
    EXPECT_EQ(name_of(none.band), "low");
}

TEST(Mews, FivePointsAreHigh) {
    Input input = well();
    input.systolic_pressure = Bounds::of(75);  // 2
    input.pulse = Bounds::of(115);             // 2
    EXPECT_EQ(evaluate(input).band, Band::Low);
    input.respiratory_rate = Bounds::of(15);  // 1
    EXPECT_EQ(evaluate(input).total.least, 5);
    EXPECT_EQ(evaluate(input).band, Band::High);
}

TEST(Mews, CarriesTheLeastOfWhatIsKnown) {
    EXPECT_EQ(evaluate({}).total, (Points{0, 14}));
    EXPECT_EQ(evaluate({}).worst, Band::High);
    Input input;
    input.systolic_pressure = Bounds::at_most(70);
    input.pulse = Bounds::at_least(130);
    EXPECT_EQ(evaluate(input).total.least, 6);
    EXPECT_EQ(evaluate(input).band, Band::High);
}

}  // namespace
}  // namespace vitalog::processors::mews
