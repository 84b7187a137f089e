#include "ingest/http/rate_limiter.h"

#include <gtest/gtest.h>

namespace vitalog::ingest {
namespace {

using namespace std::chrono_literals;

constexpr Allowance::Time kStart{1h};

int taken(RateLimiter& limiter, std::string_view caller, Allowance::Time now, int wanted) {
    int count = 0;
    for (int i = 0; i < wanted; ++i) count += limiter.take(caller, now) == 0ns ? 1 : 0;
    return count;
}

TEST(RateLimiter, LetsOneSecondsWorthThroughAtOnceAndThenSoManyASecond) {
    RateLimiter limiter(10);
    EXPECT_EQ(taken(limiter, "a", kStart, 20), 10);
    EXPECT_EQ(taken(limiter, "a", kStart + 99ms, 1), 0);
    EXPECT_EQ(taken(limiter, "a", kStart + 100ms, 2), 1);
    EXPECT_EQ(taken(limiter, "a", kStart + 1h, 20), 10) << "a pause saves up one second, no more";
}

TEST(RateLimiter, SaysHowLongToWait) {
    RateLimiter limiter(4);
    EXPECT_EQ(taken(limiter, "a", kStart, 4), 4);
    EXPECT_EQ(limiter.take("a", kStart), 250ms);
    EXPECT_EQ(limiter.take("a", kStart + 200ms), 50ms);
    EXPECT_EQ(limiter.take("a", kStart + 250ms), 0ms);
}

TEST(RateLimiter, KnowsCallersApart) {
    RateLimiter limiter(1);
    EXPECT_EQ(taken(limiter, "a", kStart, 2), 1);
    EXPECT_EQ(taken(limiter, "b", kStart, 2), 1);
}

TEST(RateLimiter, TakesLessThanOneASecond) {
    RateLimiter limiter(0.5);
    EXPECT_EQ(taken(limiter, "a", kStart, 2), 1);
    EXPECT_EQ(taken(limiter, "a", kStart + 1999ms, 1), 0);
    EXPECT_EQ(taken(limiter, "a", kStart + 2s, 1), 1);
}

TEST(RateLimiter, LimitsNobodyAtZero) {
    RateLimiter limiter(0);
    EXPECT_EQ(taken(limiter, "a", kStart, 1'000), 1'000);
}

TEST(RateLimiter, KeepsItsMemoryAndGivesWhoIsBeyondItOneAllowance) {
    RateLimiter limiter(1);
    for (std::size_t i = 0; i < RateLimiter::kCallersMax; ++i)
        EXPECT_EQ(taken(limiter, "caller" + std::to_string(i), kStart, 1), 1);
    EXPECT_EQ(taken(limiter, "late", kStart, 1), 1);
    EXPECT_EQ(taken(limiter, "later", kStart, 1), 0) << "shares the late one's";
    EXPECT_EQ(taken(limiter, "later", kStart + 2s, 1), 1) << "the others are forgotten by then";
}

}  // namespace
}  // namespace vitalog::ingest
