#include <gtest/gtest.h>

#include "ingest/intake/number.h"

namespace vitalog::ingest {
namespace {

TEST(ParseNumber, ReadsExactNumbers) {
    for (const auto& [text, value] :
         std::vector<std::pair<std::string_view, double>>{{"98.00", 98},
                                                          {"0", 0},
                                                          {"-2.5", -2.5},
                                                          {"+4", 4},
                                                          {" 5.6 ", 5.6},
                                                          {".5", 0.5},
                                                          {"1e3", 1000}}) {
        const auto number = parse_number(text);
        ASSERT_TRUE(number.has_value()) << text;
        EXPECT_EQ(number->value, value) << text;
        EXPECT_EQ(number->comparator, "") << text;
    }
}

TEST(ParseNumber, ReadsComparators) {
    for (const auto& [text, comparator, value] :
         std::vector<std::tuple<std::string_view, std::string_view, double>>{{"<15", "<", 15},
                                                                             {"< 15", "<", 15},
                                                                             {">=3", ">=", 3},
                                                                             {"=>3", ">=", 3},
                                                                             {"≤0.5", "<=", 0.5},
                                                                             {"≥ 90", ">=", 90},
                                                                             {"＞200", ">", 200},
                                                                             {"=<7", "<=", 7},
                                                                             {">-1", ">", -1}}) {
        const auto number = parse_number(text);
        ASSERT_TRUE(number.has_value()) << text;
        EXPECT_EQ(number->comparator, comparator) << text;
        EXPECT_EQ(number->value, value) << text;
    }
}

TEST(ParseNumber, RefusesWhatIsNoNumber) {
    for (const auto text : {"", " ", "None", "<", "<<5", "5 6", "5,6", "0x10", "1.2.3", "+-4",
                            "5~6", "< > 3", "12mg"}) {
        const auto number = parse_number(text);
        ASSERT_FALSE(number.has_value()) << text;
        EXPECT_EQ(number.error().code(), Errc::Malformed) << text;
    }
}

TEST(ParseNumber, RefusesWhatIsNotFinite) {
    for (const auto text : {"NaN", "inf", "-infinity", "1e400", "<1e999"}) {
        const auto number = parse_number(text);
        ASSERT_FALSE(number.has_value()) << text;
        EXPECT_EQ(number.error().code(), Errc::OutOfRange) << text;
    }
}

TEST(ParseNumber, ReadsStructuredNumbers) {
    EXPECT_EQ(parse_number("<", "15")->comparator, "<");
    EXPECT_EQ(parse_number("=", "15")->comparator, "");
    EXPECT_EQ(parse_number("", "15")->value, 15);
    EXPECT_FALSE(parse_number("<>", "15").has_value());
    EXPECT_FALSE(parse_number("<", ">15").has_value());
    EXPECT_FALSE(parse_number("<", "").has_value());
}

void expect_range(std::string_view text, std::optional<double> low, std::optional<double> high) {
    const Range range = parse_range(text);
    EXPECT_EQ(range.low, low) << text;
    EXPECT_EQ(range.high, high) << text;
}

TEST(ParseRange, ReadsClosedRanges) {
    expect_range("49 - 92", 49, 92);
    expect_range("3.5-5.3", 3.5, 5.3);
    expect_range("[ 0.38 - 0.52 ]", 0.38, 0.52);
    expect_range("(3.5–5.3)", 3.5, 5.3);
    expect_range("3.5--5.3", 3.5, 5.3);
    expect_range("3.5~5.3", 3.5, 5.3);
    expect_range("3.5～5.3", 3.5, 5.3);
    expect_range("-3 - -1", -3, -1);
    expect_range("-2-2", -2, 2);
    expect_range("（0.5 至 1.5）", 0.5, 1.5);
}

TEST(ParseRange, ReadsOpenRanges) {
    expect_range("[ < 4.5]", std::nullopt, 4.5);
    expect_range("> 1.5", 1.5, std::nullopt);
    expect_range("≤5.2", std::nullopt, 5.2);
    expect_range(">=60", 60, std::nullopt);
}

TEST(ParseRange, SaysNothingWhereNothingIsSaid) {
    for (const auto text : {"", " ", "--", "-", "[ ]", "negative", "5", "5 -", "- 5", "92 - 49",
                            "<", "< a", "1-2-3", "阴性"})
        expect_range(text, std::nullopt, std::nullopt);
}

}  // namespace
}  // namespace vitalog::ingest
