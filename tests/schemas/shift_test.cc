#include "schemas/shift.h"

#include <gtest/gtest.h>

namespace vitalog::schemas {
namespace {

constexpr int kFriday = 4;
constexpr int kSaturday = 5;

Shift shift(std::string_view from, std::string_view to, std::vector<std::string_view> days = {}) {
    return *Shift::of({from, to, std::move(days), "li", ""});
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

TEST(Shift, HoldsItsFirstMinuteAndNotItsLast) {
    const Shift day = shift("08:00", "20:00");
    EXPECT_FALSE(day.holds(kFriday, 479));
    EXPECT_TRUE(day.holds(kFriday, 480));
    EXPECT_TRUE(day.holds(kFriday, 1199));
    EXPECT_FALSE(day.holds(kFriday, 1200));
}

TEST(Shift, GoesOnPastMidnightAndBelongsToTheDayItBegins) {
    const Shift night = shift("20:00", "08:00", {"fri"});
    EXPECT_FALSE(night.holds(kFriday, 479)) << "that was Thursday's";
    EXPECT_FALSE(night.holds(kFriday, 1199));
    EXPECT_TRUE(night.holds(kFriday, 1200));
    EXPECT_TRUE(night.holds(kSaturday, 0));
    EXPECT_TRUE(night.holds(kSaturday, 479));
    EXPECT_FALSE(night.holds(kSaturday, 480));
    EXPECT_FALSE(night.holds(kSaturday, 1200));
}

TEST(Shift, OfSundayGoesOnIntoMonday) {
    const Shift night = shift("22:00", "06:00", {"sun"});
    EXPECT_TRUE(night.holds(6, 1320));
    EXPECT_TRUE(night.holds(0, 359));
    EXPECT_FALSE(night.holds(0, 360));
}

TEST(Shift, OfEqualTimesIsAWholeDay) {
    const Shift day = shift("08:00", "08:00", {"fri"});
    EXPECT_FALSE(day.holds(kFriday, 479));
    EXPECT_TRUE(day.holds(kFriday, 480));
    EXPECT_TRUE(day.holds(kSaturday, 479));
    EXPECT_FALSE(day.holds(kSaturday, 480));
}

TEST(Shift, MayEndWithTheDay) {
    const Shift evening = shift("16:00", "24:00", {"fri"});
    EXPECT_TRUE(evening.holds(kFriday, 1439));
    EXPECT_FALSE(evening.holds(kSaturday, 0));
}

TEST(Shift, NamesWhatIsWrong) {
    const auto wrong = [](TeamShift said, std::string_view word) {
        const auto refused = Shift::of(said);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message().find(word), std::string::npos)
            << refused.error().message();
    };
    wrong({"8", "20:00", {}, "li", ""}, "shifts.from");
    wrong({"24:00", "08:00", {}, "li", ""}, "00:00");
    wrong({"08:00", "late", {}, "li", ""}, "shifts.to");
    wrong({"08:00", "20:00", {"Friday"}, "li", ""}, "shifts.days");
    wrong({"08:00", "20:00", {}, "", ""}, "doctor");
}

}  // namespace
}  // namespace vitalog::schemas
