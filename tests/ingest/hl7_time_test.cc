#include <gtest/gtest.h>

#include "ingest/hl7/time.h"

namespace vitalog::ingest::hl7 {
namespace {

SiteZone zone(std::string_view name) {
    auto found = SiteZone::named(name);
    EXPECT_TRUE(found);
    return *found;
}

std::string read(std::string_view text, std::string_view in = "Asia/Shanghai") {
    const auto time = parse_time(text, zone(in));
    return time ? to_string(*time) : "refused";
}

TEST(Hl7Time, KeepsAsMuchAsWasSaid) {
    EXPECT_EQ(read("2020"), "2020");
    EXPECT_EQ(read("202005"), "2020-05");
    EXPECT_EQ(read("20200501"), "2020-05-01");
    EXPECT_EQ(read("202005011406"), "2020-05-01T14:06:00+08:00");
    EXPECT_EQ(read("20200501140643"), "2020-05-01T14:06:43+08:00");
    EXPECT_EQ(read("20200501140643.1234"), "2020-05-01T14:06:43.1234+08:00");
    EXPECT_EQ(read("2020050114"), "2020-05-01T14:00:00+08:00");
    EXPECT_EQ(parse_time("20200501", zone("Asia/Shanghai"))->precision, Precision::Day);
    EXPECT_EQ(parse_time("20200501000000", zone("Asia/Shanghai"))->precision, Precision::Second);
}

TEST(Hl7Time, PrefersTheOffsetThatWasSent) {
    EXPECT_EQ(read("20200501140643+0100"), "2020-05-01T14:06:43+01:00");
    EXPECT_EQ(read("20200501140643-0330"), "2020-05-01T14:06:43-03:30");
    EXPECT_EQ(parse_time("20200501140643+0100", zone("Asia/Shanghai"))->at,
              parse_time("20200501130643+0000", zone("Asia/Shanghai"))->at);
    EXPECT_EQ(read("20200501+0100"), "2020-05-01");
}

TEST(Hl7Time, FollowsSummerTime) {
    EXPECT_EQ(read("202001011200", "Europe/London"), "2020-01-01T12:00:00+00:00");
    EXPECT_EQ(read("202007011200", "Europe/London"), "2020-07-01T12:00:00+01:00");
    EXPECT_EQ(read("202510260130", "Europe/London"), "2025-10-26T01:30:00+01:00")
        << "passed twice: the first";
    EXPECT_EQ(read("202510260200", "Europe/London"), "2025-10-26T02:00:00+00:00");
    EXPECT_EQ(read("202503300130", "Europe/London"), "2025-03-30T01:30:00+00:00")
        << "skipped: as before the gap";
    EXPECT_EQ(read("202503300200", "Europe/London"), "2025-03-30T02:00:00+01:00");
    EXPECT_EQ(read("198707011200"), "1987-07-01T12:00:00+09:00")
        << "China had summer time until 1991";
}

TEST(Hl7Time, RefusesWhatIsNoTime) {
    for (const char* text :
         {"", "\"\"", "202", "20201", "20200230", "20201301", "2020050125", "202005011260",
          "20200501140661", "20200501140643.", "202005011406.5", "20200501140643+08",
          "20200501140643+1500", "20200501140643+0860", "2020-05-01", "yesterday",
          "20200501140643 ", "20200501140643+0800+0800", "00000101"})
        EXPECT_EQ(read(text), "refused") << text;
}

TEST(Hl7Time, ReadsBirthDatesSentAsMidnight) {
    EXPECT_EQ(*parse_date("19890118000000"), (Date{1989, 1, 18}));
    EXPECT_EQ(*parse_date("19890118"), (Date{1989, 1, 18}));
    EXPECT_EQ(*parse_date("19890118+0800"), (Date{1989, 1, 18}));
    EXPECT_EQ(*parse_date("198901"), (Date{1989, 1, 0}));
    EXPECT_EQ(*parse_date("1989"), (Date{1989, 0, 0}));
    EXPECT_FALSE(parse_date("19890231"));
    EXPECT_FALSE(parse_date("18/01/1989"));
}

TEST(Hl7Time, WritesTheSitesTime) {
    const auto time = parse_time("20200501140643", zone("Asia/Shanghai"));
    EXPECT_EQ(format_time(time->at, zone("Asia/Shanghai")), "20200501140643+0800");
    EXPECT_EQ(format_time(time->at, zone("America/New_York")), "20200501020643-0400");
}

TEST(SiteZone, RefusesAZoneThatDoesNotExist) {
    EXPECT_EQ(SiteZone::named("Asia/Atlantis").error().code(), Errc::Configuration);
    EXPECT_EQ(SiteZone::named("").error().code(), Errc::Configuration);
}

TEST(SiteZone, HoldsOnBeyondItsTable) {
    EXPECT_EQ(zone("Asia/Shanghai").offset_at(EventTime(INT64_MAX / 2)), 480);
    EXPECT_EQ(zone("Asia/Shanghai").offset_at(EventTime(INT64_MIN / 2)), 486) << "local mean time";
    EXPECT_EQ(zone("UTC").offset_at_local(0), 0);
}

}  // namespace
}  // namespace vitalog::ingest::hl7
