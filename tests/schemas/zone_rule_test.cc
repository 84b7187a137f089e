#include "schemas/zone_rule.h"

#include <gtest/gtest.h>

namespace vitalog::schemas {
namespace {

std::int64_t utc(std::string_view text) {
    return *parse_rfc3339(text);
}

int offset(std::string_view rule, std::string_view at) {
    return ZoneRule::parse(rule)->offset_minutes_at(utc(at));
}

TEST(ZoneRule, KeepsOneOffset) {
    EXPECT_EQ(offset("CST-8", "2026-07-01T00:00:00Z"), 480);
    EXPECT_EQ(offset("<+0545>-5:45", "2026-07-01T00:00:00Z"), 345);
    EXPECT_EQ(offset("<-03>3", "2026-07-01T00:00:00Z"), -180);
    EXPECT_EQ(offset("+08:00", "2026-07-01T00:00:00Z"), 480);
    EXPECT_EQ(offset("-03:30", "2026-07-01T00:00:00Z"), -210);
}

// Directive 2000/84/EC: the last Sundays of March and October, 01:00 UTC.
TEST(ZoneRule, ChangesWithTheEuropeanSummer) {
    const char* berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
    EXPECT_EQ(offset(berlin, "2026-03-29T00:59:59Z"), 60);
    EXPECT_EQ(offset(berlin, "2026-03-29T01:00:00Z"), 120);
    EXPECT_EQ(offset(berlin, "2026-10-25T00:59:59Z"), 120);
    EXPECT_EQ(offset(berlin, "2026-10-25T01:00:00Z"), 60);
    EXPECT_EQ(offset(berlin, "2027-03-28T00:59:59Z"), 60);
    EXPECT_EQ(offset(berlin, "2027-03-28T01:00:00Z"), 120);
    EXPECT_EQ(offset(berlin, "1970-01-01T00:00:00Z"), 60);
}

// Energy Policy Act of 2005: second Sunday of March, first of November, 02:00 on the wall.
TEST(ZoneRule, ChangesWithTheAmericanSummer) {
    const char* york = "EST5EDT,M3.2.0,M11.1.0";
    EXPECT_EQ(offset(york, "2026-03-08T06:59:59Z"), -300);
    EXPECT_EQ(offset(york, "2026-03-08T07:00:00Z"), -240);
    EXPECT_EQ(offset(york, "2026-11-01T05:59:59Z"), -240);
    EXPECT_EQ(offset(york, "2026-11-01T06:00:00Z"), -300);
}

TEST(ZoneRule, ChangesSouthOfTheEquatorOverTheTurnOfTheYear) {
    const char* sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
    EXPECT_EQ(offset(sydney, "2026-01-01T00:00:00Z"), 660);
    EXPECT_EQ(offset(sydney, "2026-07-01T00:00:00Z"), 600);
    EXPECT_EQ(offset(sydney, "2026-12-31T23:59:59Z"), 660);
    EXPECT_EQ(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z"), -120);
    EXPECT_EQ(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z"), -60);
}

TEST(ZoneRule, CountsDaysByNumberToo) {
    EXPECT_EQ(offset("AAA0BBB,J60/0,J300/0", "2028-02-29T12:00:00Z"), 0);
    EXPECT_EQ(offset("AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z"), 60);
    EXPECT_EQ(offset("AAA0BBB,59/0,300/0", "2028-02-28T23:59:59Z"), 0);
    EXPECT_EQ(offset("AAA0BBB,59/0,300/0", "2028-02-29T00:00:00Z"), 60);
}

TEST(ZoneRule, KnowsDayAndMinuteOnTheWall) {
    const auto shanghai = *ZoneRule::parse("CST-8");
    EXPECT_EQ(shanghai.day_at(utc("2026-11-20T15:59:59Z")), days_from_civil(2026, 11, 20));
    EXPECT_EQ(shanghai.day_at(utc("2026-11-20T16:00:00Z")), days_from_civil(2026, 11, 21));
    EXPECT_EQ(shanghai.minute_at(utc("2026-11-20T15:59:59Z")), 24 * 60 - 1);
    EXPECT_EQ(shanghai.minute_at(utc("2026-11-20T16:00:00Z")), 0);
    EXPECT_EQ(shanghai.day_at(-1), 0);
    EXPECT_EQ(ZoneRule().day_at(-1), -1);
}

TEST(ZoneRule, FindsTheMomentOfATimeOnTheWall) {
    const auto berlin = *ZoneRule::parse("CET-1CEST,M3.5.0,M10.5.0/3");
    const auto at = [&](int year, unsigned month, unsigned day, int minute) {
        return to_rfc3339(berlin.instant_of(days_from_civil(year, month, day), minute));
    };
    EXPECT_EQ(at(2026, 1, 1, 7 * 60), "2026-01-01T06:00:00Z");
    EXPECT_EQ(at(2026, 7, 1, 7 * 60), "2026-07-01T05:00:00Z");
    EXPECT_EQ(at(2026, 3, 29, 2 * 60 + 30), "2026-03-29T01:00:00Z") << "skipped: the gap's end";
    EXPECT_EQ(at(2026, 10, 25, 2 * 60 + 30), "2026-10-25T00:30:00Z") << "twice: the first";
    EXPECT_EQ(at(2026, 10, 25, 3 * 60), "2026-10-25T02:00:00Z");
    EXPECT_EQ(at(2026, 7, 1, 24 * 60), "2026-07-01T22:00:00Z") << "24:00 is midnight";
}

TEST(ZoneRule, RefusesWhatIsNoRule) {
    for (const char* text :
         {"", "CST", "8", "CS-8", "CST-8x", "CST-25", "CET-1CEST", "CET-1CEST,M3.5.0",
          "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
          "CET-1CEST,J0,J300", "CET-1CEST,M3.5.0/168,M10.5.0", "<+08-8", "+8:00", "+08:60"})
        EXPECT_FALSE(ZoneRule::parse(text)) << text;
}

TEST(Zones, FindByName) {
    const auto zones = *Zones::parse("Europe/Berlin CET-1CEST,M3.5.0,M10.5.0/3\nPRC CST-8\n");
    EXPECT_EQ(zones.find("PRC")->offset_minutes_at(0), 480);
    EXPECT_EQ(zones.find("Asia/Shanghai")->offset_minutes_at(0), 480) << "always known";
    EXPECT_EQ(zones.find("+05:30")->offset_minutes_at(0), 330);
    EXPECT_FALSE(zones.find("Europe/Atlantis"));
    EXPECT_FALSE(Zones::parse("Europe/Berlin\n"));
    const auto broken = Zones::parse("PRC CST-8\nX nothing\n");
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().message().find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::schemas
