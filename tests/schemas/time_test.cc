#include "schemas/base/time.h"

#include <gtest/gtest.h>

namespace vitalog {
namespace {

TEST(ZonedTime, ReadsBackWhatItWrites) {
    for (const auto text : {"2020", "2020-02", "2020-02-29", "2020-05-01T14:06:43+08:00",
                            "2020-05-01T14:06:43.25-03:30", "1969-12-31T23:59:59.999999+00:00",
                            "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+14:00"}) {
        const auto time = parse_zoned_time(text);
        ASSERT_TRUE(time.has_value()) << text;
        EXPECT_EQ(to_string(*time), text);
    }
}

TEST(ZonedTime, KeepsTheInstantAndTheOffsetApart) {
    const auto east = *parse_zoned_time("2020-05-01T14:06:43+08:00");
    const auto utc = *parse_zoned_time("2020-05-01T06:06:43Z");
    EXPECT_EQ(east.at, utc.at);
    EXPECT_EQ(east.at.micros(), 1'588'313'203'000'000);
    EXPECT_EQ(east.offset_minutes, 480);
    EXPECT_NE(east, utc);
}

TEST(ZonedTime, RefusesWhatIsNoTime) {
    for (const auto text :
         {"", "20", "2020-", "2020-13", "2020-00-01", "2021-02-29", "2020-05-01T", "2020-05-01T14",
          "2020-05-01T14:06", "2020-05-01T14:06:43", "2020-05-01T24:00:00Z", "2020-05-01T14:60:00Z",
          "2020-05-01T14:06:61Z", "2020-05-01T14:06:43+15:00", "2020-05-01T14:06:43.Z",
          "2020-05-01T14:06:43.1234567890Z", "2020-05-01T14:06:43Zx", "0000-01-01"})
        EXPECT_FALSE(parse_zoned_time(text).has_value()) << text;
}

TEST(ZonedTime, TakesALeapSecondAsTheLastOfItsMinute) {
    EXPECT_EQ(parse_zoned_time("2016-12-31T23:59:60Z")->at,
              parse_zoned_time("2016-12-31T23:59:59Z")->at);
}

TEST(Rfc3339, IsWrittenInUtcWithAFractionOnlyWhereThereIsOne) {
    EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(1), "1970-01-01T00:00:00.000001Z");
    EXPECT_EQ(to_rfc3339(-1), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(to_rfc3339(1'588'313'203'250'000), "2020-05-01T06:06:43.25Z");
    EXPECT_EQ(parse_rfc3339("2020-05-01T06:06:43.25Z"), 1'588'313'203'250'000);
    EXPECT_FALSE(parse_rfc3339("2020-05-01").has_value());
}

TEST(Date, KeepsWhatWasNotSaid) {
    EXPECT_EQ(*parse_date("1980"), (Date{1980, 0, 0}));
    EXPECT_EQ(*parse_date("1980-05"), (Date{1980, 5, 0}));
    EXPECT_EQ(*parse_date("1980-05-31"), (Date{1980, 5, 31}));
    for (const auto text : {"1980", "1980-05", "1980-05-31"})
        EXPECT_EQ(to_string(*parse_date(text)), text);
    EXPECT_FALSE(parse_date("1980-05-31T00:00:00Z").has_value());
    EXPECT_FALSE(parse_date("1980-04-31").has_value());
}

TEST(Calendar, KnowsLeapYears) {
    EXPECT_TRUE(is_valid_date(2000, 2, 29));
    EXPECT_FALSE(is_valid_date(1900, 2, 29));
    EXPECT_TRUE(is_valid_date(2024, 2, 29));
    EXPECT_FALSE(is_valid_date(2023, 2, 29));
    EXPECT_EQ(days_from_civil(1970, 1, 1), 0);
    EXPECT_EQ(days_from_civil(2000, 3, 1), 11'017);
    for (const std::int64_t day : {-719'162LL, -1LL, 0LL, 59LL, 11'016LL, 11'017LL, 2'932'896LL}) {
        const Date date = civil_from_days(day);
        EXPECT_EQ(days_from_civil(date.year, date.month, date.day), day);
    }
}

TEST(Age, RisesOnTheBirthdayInTheTimesOwnOffset) {
    const Date birth{2000, 6, 15};
    EXPECT_EQ(age_years(birth, *parse_zoned_time("2020-06-14T23:59:59+08:00")), 19);
    EXPECT_EQ(age_years(birth, *parse_zoned_time("2020-06-15T00:00:00+08:00")), 20);
    EXPECT_EQ(age_years(birth, *parse_zoned_time("2020-06-14T16:00:00Z")), 19);
    EXPECT_EQ(age_years({2000, 2, 29}, *parse_zoned_time("2001-02-28T12:00:00Z")), 0);
    EXPECT_EQ(age_years({2000, 2, 29}, *parse_zoned_time("2001-03-01T00:00:00Z")), 1);
    EXPECT_EQ(age_years({2000, 0, 0}, *parse_zoned_time("2020-01-01T00:00:00Z")), 20);
}

TEST(Instant, CountsMillisecondsDownBelowZero) {
    EXPECT_EQ(EventTime(1999).millis(), 1);
    EXPECT_EQ(EventTime(-1).millis(), -1);
    EXPECT_EQ(EventTime(-1000).millis(), -1);
    EXPECT_EQ(EventTime(-1001).millis(), -2);
    EXPECT_EQ(EventTime::from_millis(-2).micros(), -2000);
}

TEST(Duration, IsANumberWithItsUnit) {
    using std::chrono::microseconds;
    EXPECT_EQ(*parse_duration("60m"), microseconds(3'600'000'000));
    EXPECT_EQ(*parse_duration("500ms"), microseconds(500'000));
    EXPECT_EQ(*parse_duration("2w"), microseconds(1'209'600'000'000));
    EXPECT_EQ(*parse_duration("0s"), microseconds(0));
    for (const auto text : {"", "5", "m", "-5m", "5 m", "5x", "1.5h", "99999999999999999999s",
                            "9223372036854775807w"})
        EXPECT_FALSE(parse_duration(text).has_value()) << text;
    for (const auto text : {"1h", "90m", "7w", "8d", "1us", "0s"})
        EXPECT_EQ(to_string(*parse_duration(text)), text);
}

}  // namespace
}  // namespace vitalog
