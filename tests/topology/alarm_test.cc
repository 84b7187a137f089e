// When alarms are raised and cleared: a function of what was read, with time set by hand.

#include <gtest/gtest.h>

#include "topology/operator/alarm_book.h"
#include "topology/operator/alarm_rules.h"

namespace vitalog::topology {
namespace {

using namespace std::chrono_literals;
using Level = Finding::Level;

LogTime at(std::chrono::microseconds since) {
    return LogTime(0) + since;
}

Finding finding(Level level, std::chrono::microseconds hold = 60s) {
    return {"lag:care", level, "behind", schemas::Priority::High, hold};
}

TEST(AlarmBook, RaisesOnceWhatLastsAndClearsOnceWhatIsOver) {
    AlarmBook book;
    EXPECT_TRUE(book.see({finding(Level::Bad)}, at(0s)).empty());
    EXPECT_TRUE(book.see({finding(Level::Bad)}, at(59s)).empty());
    const auto raised = book.see({finding(Level::Bad)}, at(60s));
    ASSERT_EQ(raised.size(), 1U);
    EXPECT_TRUE(raised[0].alarm.raised);
    EXPECT_EQ(raised[0].alarm.since, at(0s)) << "when it began";
    EXPECT_TRUE(book.see({finding(Level::Bad)}, at(120s)).empty());
    EXPECT_TRUE(book.see({finding(Level::Good)}, at(121s)).empty());
    const auto cleared = book.see({finding(Level::Good)}, at(181s));
    ASSERT_EQ(cleared.size(), 1U);
    EXPECT_FALSE(cleared[0].alarm.raised);
    EXPECT_EQ(cleared[0].alarm.since, at(0s)) << "names the same episode";
    EXPECT_TRUE(book.see({finding(Level::Good)}, at(300s)).empty());
}

TEST(AlarmBook, DoesNotFlap) {
    AlarmBook book;
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(
            book.see({finding(i % 2 == 0 ? Level::Bad : Level::Good)}, at(i * 30s)).empty());
    book.see({finding(Level::Bad)}, at(10'000s));
    ASSERT_EQ(book.see({finding(Level::Bad)}, at(10'060s)).size(), 1U);
    for (int i = 0; i < 100; ++i) {
        const Level level = i % 3 == 0 ? Level::Bad : i % 3 == 1 ? Level::Between : Level::Good;
        EXPECT_TRUE(book.see({finding(level)}, at(10'100s + i * 30s)).empty());
    }
}

TEST(AlarmBook, BetweenTheLimitsNothingChanges) {
    AlarmBook book;
    EXPECT_TRUE(book.see({finding(Level::Between)}, at(0s)).empty());
    EXPECT_TRUE(book.see({finding(Level::Between)}, at(3'600s)).empty());
    book.see({finding(Level::Bad)}, at(4'000s));
    book.see({finding(Level::Bad)}, at(4'060s));
    EXPECT_TRUE(book.see({finding(Level::Between)}, at(9'000s)).empty());
    EXPECT_TRUE(book.alarms().at("lag:care").raised);
}

TEST(AlarmBook, GoesOnAfterARestartWithoutSayingItAgain) {
    AlarmBook book;
    book.restore("lag:care", {true, at(5s), "behind", schemas::Priority::High});
    EXPECT_TRUE(book.see({finding(Level::Bad)}, at(100s)).empty());
    EXPECT_TRUE(book.see({finding(Level::Good)}, at(200s)).empty());
    EXPECT_EQ(book.see({finding(Level::Good)}, at(260s)).size(), 1U);
}

TEST(AlarmBook, ClearsWhatIsNoLongerWatched) {
    AlarmBook book;
    book.restore("silence:feed.lis", {true, at(5s), "silent", schemas::Priority::High});
    const auto changes = book.see({}, at(100s));
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_FALSE(changes[0].alarm.raised);
    EXPECT_TRUE(book.alarms().empty());
}

struct Rules : testing::Test {
    AlarmSettings settings;
    Readings readings;

    Rules() {
        settings.silence = {{"feed.his", 15min}};
        settings.dead_letter_percent = 5;
        settings.lag = 1'000;
        settings.send_failure_percent = 20;
        settings.hold = 1min;
        settings.window = 10min;
        settings.disk_reserve = 1'000'000;
        readings.feeds = {{"feed.his", 1'000}};
        readings.lag = {{"care", 0}};
        readings.sends = {{"sms", {100, 50}}};  // before the window
        readings.free = {{"/data", 10'000'000}};
    }
    Level level(AlarmRules& rules, const std::string& name, LogTime now) {
        readings.now = now;
        for (const auto& finding : rules.judge(readings))
            if (finding.name == name) return finding.level;
        ADD_FAILURE() << "nothing looks at " << name;
        return Level::Between;
    }
};

TEST_F(Rules, AFeedIsSilentFromItsLimitOnAndHeardByOneRecord) {
    AlarmRules rules(settings, {{"feed.his", at(0s)}});
    EXPECT_EQ(level(rules, "silence:feed.his", at(15min - 1us)), Level::Good);
    EXPECT_EQ(level(rules, "silence:feed.his", at(15min)), Level::Bad);
    ++readings.feeds["feed.his"];
    EXPECT_EQ(level(rules, "silence:feed.his", at(16min)), Level::Good);
    EXPECT_EQ(level(rules, "silence:feed.his", at(31min)), Level::Bad);
}

TEST_F(Rules, DeadLettersCountAsAShareOfTheWindow) {
    AlarmRules rules(settings, {});
    readings.dead_letters = 500;
    EXPECT_EQ(level(rules, "dead-letters", at(0s)), Level::Good) << "what was before says nothing";
    readings.feeds["feed.his"] += 100;
    readings.dead_letters += 9;
    EXPECT_EQ(level(rules, "dead-letters", at(1min)), Level::Between)
        << "nine of a hundred, but too few to say";
    readings.feeds["feed.his"] += 100;
    readings.dead_letters += 1;
    EXPECT_EQ(level(rules, "dead-letters", at(2min)), Level::Between)
        << "5 of 100 is the limit itself";
    readings.dead_letters += 1;
    EXPECT_EQ(level(rules, "dead-letters", at(3min)), Level::Bad);
    EXPECT_EQ(level(rules, "dead-letters", at(14min)), Level::Good) << "the window has passed";
}

TEST_F(Rules, LagIsBadBeyondItsLimitAndGoodFromHalfOfItOn) {
    AlarmRules rules(settings, {});
    readings.lag["care"] = 1'000;
    EXPECT_EQ(level(rules, "lag:care", at(0s)), Level::Between);
    readings.lag["care"] = 1'001;
    EXPECT_EQ(level(rules, "lag:care", at(1s)), Level::Bad);
    readings.lag["care"] = 500;
    EXPECT_EQ(level(rules, "lag:care", at(2s)), Level::Good);
}

TEST_F(Rules, AChannelFailsByItsShareInTheWindow) {
    AlarmRules rules(settings, {});
    EXPECT_EQ(level(rules, "channel:sms", at(0s)), Level::Good);
    readings.sends["sms"] = {110, 54};
    EXPECT_EQ(level(rules, "channel:sms", at(1min)), Level::Between)
        << "4 of 10, but too few to say";
    readings.sends["sms"] = {110, 55};
    EXPECT_EQ(level(rules, "channel:sms", at(2min)), Level::Bad);
    readings.sends["sms"] = {150, 55};
    EXPECT_EQ(level(rules, "channel:sms", at(3min)), Level::Good) << "5 of 50 is half the limit";
}

TEST_F(Rules, AChannelWhoseProviderDoesNotAnswerFailsWhateverItsShare) {
    AlarmRules rules(settings, {});
    readings.sends["sms"] = {1, 0, true};
    EXPECT_EQ(level(rules, "channel:sms", at(0s)), Level::Bad);
    readings.sends["sms"].held = false;
    EXPECT_EQ(level(rules, "channel:sms", at(1s)), Level::Good);
}

TEST_F(Rules, TheDiskIsBadBelowTwiceItsReserve) {
    AlarmRules rules(settings, {});
    readings.free["/data"] = 1'999'999;
    EXPECT_EQ(level(rules, "disk:/data", at(0s)), Level::Bad);
    readings.free["/data"] = 2'000'000;
    EXPECT_EQ(level(rules, "disk:/data", at(1s)), Level::Between);
    readings.free["/data"] = 2'500'000;
    EXPECT_EQ(level(rules, "disk:/data", at(2s)), Level::Good);
}

TEST(AlarmSettings, NameWhatToWriteForSilence) {
    const auto load = [](std::string silence) {
        Config::Sources sources;
        sources.flags = {{"alarms.silence", std::move(silence)}};
        return AlarmSettings::from(*Config::load(sources));
    };
    EXPECT_EQ(load("feed.his=30m, feed.wearable=2h")->silence.at("feed.wearable"),
              std::chrono::microseconds(2h));
    for (const char* wrong : {"feed.his", "feed.his=soon", "person=30m", "feed.his=0s", "=30m"}) {
        const auto settings = load(wrong);
        ASSERT_FALSE(settings.has_value()) << wrong;
        EXPECT_NE(settings.error().message().find("feed.his=30m"), std::string::npos);
    }
}

}  // namespace
}  // namespace vitalog::topology
