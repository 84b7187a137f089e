#include "processors/site_time.h"

#include <gtest/gtest.h>

namespace vitalog::processors {
namespace {

constexpr int kShanghai = 480;

ReceivedTime at(std::string_view text) {
    return ReceivedTime(*parse_rfc3339(text));
}

TEST(ClockMinutes, ReadsATimeOfDay) {
    EXPECT_EQ(clock_minutes("00:00"), 0);
    EXPECT_EQ(clock_minutes("08:30"), 510);
    EXPECT_EQ(clock_minutes("23:59"), 1439);
    EXPECT_EQ(clock_minutes("24:00"), 1440);
    for (const char* bad :
         {"", "8:30", "08.30", "24:01", "25:00", "12:60", "-1:00", "12:3a", "12:300"})
        EXPECT_EQ(clock_minutes(bad), std::nullopt) << bad;
}

TEST(WallTime, IsTheSitesOwn) {
    const auto late = wall_time(at("2026-11-21T15:59:59.999999Z"), kShanghai);  // a Saturday
    EXPECT_EQ(late.weekday, 5);
    EXPECT_EQ(late.minute, 1439);
    const auto next = wall_time(at("2026-11-21T16:00:00Z"), kShanghai);
    EXPECT_EQ(next.weekday, 6);
    EXPECT_EQ(next.minute, 0);
    EXPECT_EQ(wall_time(ReceivedTime(0), 0).weekday, 3) << "1970-01-01 was a Thursday";
    EXPECT_EQ(wall_time(ReceivedTime(-1), 0).weekday, 2);
    EXPECT_EQ(wall_time(ReceivedTime(-1), 0).minute, 1439);
}

TEST(WithinSpan, HoldsItsBeginningAndNotItsEnd) {
    EXPECT_FALSE(within_span(479, 480, 1200));
    EXPECT_TRUE(within_span(480, 480, 1200));
    EXPECT_TRUE(within_span(1199, 480, 1200));
    EXPECT_FALSE(within_span(1200, 480, 1200));
}

TEST(WithinSpan, GoesOnPastMidnight) {
    EXPECT_TRUE(within_span(1200, 1200, 480));
    EXPECT_TRUE(within_span(0, 1200, 480));
    EXPECT_TRUE(within_span(479, 1200, 480));
    EXPECT_FALSE(within_span(480, 1200, 480));
    EXPECT_TRUE(within_span(0, 480, 480)) << "the whole day";
    EXPECT_TRUE(within_span(479, 480, 480));
}

}  // namespace
}  // namespace vitalog::processors
