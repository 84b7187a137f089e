#include "sinks/effects/effect_worker.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/sinks/effect_fixture.h"

namespace vitalog::sinks {
namespace {

TEST_F(EffectWorkerTest, SendsEachAttemptOnceAndReportsIt) {
    issue("a1");
    issue("a2");
    step();
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK", "a2:accepted:OK"}));
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"a1", 1}, {"a2", 1}}));
    EXPECT_EQ(worker_->lag(), 0);
}

TEST_F(EffectWorkerTest, MakesItsPositionDurableBeforeItSends) {
    issue("a1");
    provider_.on_send = [&](const Attempt&) {
        EXPECT_EQ(log_.position("effects.sms send.sms/1"), Offset(1));
        EXPECT_EQ(log_.syncs, 1);
        EXPECT_EQ(worker_->lag(), 1);
    };
    step();
    EXPECT_EQ(log_.position("effects.sms.settled send.sms/1"), Offset(1));
}

TEST_F(EffectWorkerTest, SendsNothingWhilePositionsCanNotBeStored) {
    issue("a1");
    log_.dead = true;
    EXPECT_FALSE(worker_->step());
    EXPECT_TRUE(provider_.calls.empty());
    EXPECT_GE(worker_->lag(), 1);
    log_.dead = false;
    step();
    EXPECT_EQ(provider_.calls["a1"], 1);
}

TEST_F(EffectWorkerTest, ReportsWhatHasExpiredWithoutSendingIt) {
    issue("a1", 1s);
    issue("a2", 2s);
    clock_.advance(2s);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:failed:expired", "a2:accepted:OK"}));
    EXPECT_EQ(provider_.calls.count("a1"), 0U);
}

TEST_F(EffectWorkerTest, PassesRefusalsOnAndDoesNotRepeatThem) {
    provider_.script = {Next::Refuse, Next::Config};
    issue("a1");
    issue("a2");
    step();
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:not-sent:limit:retryable", "a2:not-sent:sign"}));
}

TEST_F(EffectWorkerTest, SettlesAnUnknownAttemptByTheProvidersBooks) {
    provider_.script = {Next::TakeAndLose};
    issue("a1");
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout"}));
    EXPECT_EQ(worker_->unsettled(), 1U);
    EXPECT_EQ(worker_->lag(), 0);
    EXPECT_EQ(log_.position("effects.sms.settled send.sms/1"), Offset(-1));
    clock_.advance(9s);
    step();
    EXPECT_EQ(provider_.queries, 0);
    clock_.advance(1s);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout", "a1:delivered"}));
    EXPECT_EQ(worker_->unsettled(), 0U);
    EXPECT_EQ(log_.position("effects.sms.settled send.sms/1"), Offset(1));
    EXPECT_EQ(provider_.calls["a1"], 1);
}

TEST_F(EffectWorkerTest, BelievesThatAnAttemptNeverArrivedOnlyWhenToldTwice) {
    provider_.script = {Next::Lose};
    issue("a1");
    step();
    clock_.advance(10s);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout"}));
    clock_.advance(20s);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout", "a1:not-sent:never-received:retryable"}));
    EXPECT_EQ(provider_.calls["a1"], 1);
}

TEST_F(EffectWorkerTest, SendsTheSameAttemptAgainOnlyWhenItIsIssuedAgain) {
    provider_.script = {Next::Refuse};
    issue("a1");
    step();
    issue("a1");
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:not-sent:limit:retryable", "a1:accepted:OK"}));
    restart();
    step();
    EXPECT_EQ(provider_.calls["a1"], 2);
    EXPECT_EQ(worker_->unsettled(), 0U);
}

TEST_F(EffectWorkerTest, AsksWithBackOffUpToItsLimit) {
    EffectWorkerOptions options;
    options.query_limit = 1h;
    restart(options);
    provider_.script = {Next::Lose};
    provider_.unavailable = true;
    issue("a1");
    step();
    for (int i = 0; i < 3'700; ++i) {
        clock_.advance(1s);
        step();
    }
    // 10 s, then 20, 40, ... 600 s apart
    EXPECT_GE(provider_.queries, 10);
    EXPECT_LE(provider_.queries, 12);
    EXPECT_EQ(worker_->unsettled(), 0U);
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout"}));
}

TEST_F(EffectWorkerTest, ACrashBetweenPositionAndReportLeavesTheAttemptUnknown) {
    issue("a1");
    issue("a2");
    provider_.on_send = [&](const Attempt& attempt) {
        if (attempt.attempt == "a2") throw std::runtime_error("kill -9");
    };
    EXPECT_THROW((void)worker_->step(), std::runtime_error);
    provider_.on_send = nullptr;
    restart();
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK", "a2:unknown:restart"}));
    EXPECT_EQ(provider_.calls.count("a2"), 0U);
    provider_.books["a2"] = ReceiptState::Accepted;
    clock_.advance(10s);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK", "a2:unknown:restart", "a2:accepted"}));
}

TEST_F(EffectWorkerTest, AStartThatReadsNothingForNowIsTriedAgain) {
    issue("a1");
    provider_.on_send = [](const Attempt&) { throw std::runtime_error("kill -9"); };
    EXPECT_THROW((void)worker_->step(), std::runtime_error);
    provider_.on_send = nullptr;
    restart();
    log_.silences = 1;
    const auto done = worker_->step();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Errc::Busy);
    EXPECT_GE(worker_->lag(), 1);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:restart"}));
    EXPECT_EQ(worker_->unsettled(), 1U);
}

TEST_F(EffectWorkerTest, GoesOnAskingAboutADoubtAfterARestartWithoutReportingItAgain) {
    provider_.script = {Next::TakeAndLose, Next::Accept};
    issue("a1");
    issue("a2");
    step();
    restart();
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout", "a2:accepted:OK"}));
    EXPECT_EQ(worker_->unsettled(), 1U);
    clock_.advance(10s);
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout", "a2:accepted:OK", "a1:delivered"}));
    restart();
    step();
    EXPECT_EQ(worker_->unsettled(), 0U);
}

TEST_F(EffectWorkerTest, RetriesAReportThatTheLogRefuses) {
    log_.refusals = 2;
    issue("a1");
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK"}));
    EXPECT_EQ(provider_.calls["a1"], 1);
}

TEST_F(EffectWorkerTest, HoldsTheProvidersRate) {
    EffectWorkerOptions options;
    options.rate_per_second = 2;
    restart(options);
    for (int i = 0; i < 5; ++i) issue("a" + std::to_string(i));
    step();
    EXPECT_EQ(provider_.calls.size(), 2U);
    EXPECT_EQ(worker_->lag(), 3);
    step();
    EXPECT_EQ(provider_.calls.size(), 2U);
    clock_.advance(1s);
    step();
    EXPECT_EQ(provider_.calls.size(), 4U);
}

TEST_F(EffectWorkerTest, PausesAfterFiveCallsWithoutAnAnswerThenProbesWithOne) {
    EffectWorkerOptions options;
    options.window = 5;
    restart(options);
    provider_.script.assign(6, Next::Unreachable);
    for (int i = 0; i < 10; ++i) issue("a" + std::to_string(i));
    step();
    step();
    EXPECT_EQ(provider_.calls.size(), 5U);
    clock_.advance(1s);
    step();
    EXPECT_EQ(provider_.calls.size(), 6U);
    step();
    EXPECT_EQ(provider_.calls.size(), 6U);
    clock_.advance(2s);
    step();
    EXPECT_EQ(provider_.calls.size(), 7U);
    step();
    EXPECT_EQ(provider_.calls.size(), 10U);
}

TEST_F(EffectWorkerTest, StepsOverARecordItCanNotRead) {
    log_.put(tp_, "user:x", "{\"intent\":1}", "");
    issue("a1");
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK"}));
    EXPECT_EQ(worker_->lag(), 0);
}

TEST_F(EffectWorkerTest, RunsWithThreadsAndStopsSoon) {
    for (int i = 0; i < 200; ++i) issue("a" + std::to_string(i));
    EffectWorkerOptions options;
    options.rate_per_second = 10'000;
    restart(options);
    worker_->start();
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (worker_->lag() > 0 && std::chrono::steady_clock::now() < limit)
        std::this_thread::yield();
    EXPECT_EQ(worker_->lag(), 0);
    worker_->stop();
    EXPECT_EQ(receipts().size(), 200U);
    EXPECT_EQ(provider_.calls.size(), 200U);
    EXPECT_EQ(log_.position("effects.sms.settled send.sms/1"), Offset(200));
}

TEST_F(EffectWorkerTest, ReportsWhatItTookAndDidNotBeginWhenItStops) {
    EffectWorkerOptions options;
    options.senders = 1;
    options.stop_grace = 100ms;
    std::mutex mutex;
    std::condition_variable changed;
    bool entered = false;
    bool go = false;
    provider_.on_send = [&](const Attempt&) {
        std::unique_lock lock(mutex);
        entered = true;
        changed.notify_all();
        changed.wait(lock, [&] { return go; });
    };
    for (int i = 0; i < 3; ++i) issue("a" + std::to_string(i));
    restart(options);
    worker_->start();
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return entered; });
    }
    std::thread stopper([&] { worker_->stop(); });
    while (!provider_.aborted) std::this_thread::yield();
    {
        const std::lock_guard lock(mutex);
        go = true;
    }
    changed.notify_all();
    stopper.join();
    EXPECT_EQ(receipts(), (Receipts{"a0:accepted:OK", "a1:not-sent:stopped:retryable",
                                    "a2:not-sent:stopped:retryable"}));
    EXPECT_EQ(provider_.calls.size(), 1U);
}

/// Two lanes over one topic, as a site runs them.
class LanesTest : public testing::Test {
  protected:
    void issue(const std::string& attempt, schemas::Priority priority, std::string to) {
        schemas::Send send;
        const std::string recipient = "user:" + attempt;
        send.intent = "i";
        send.attempt = attempt;
        send.recipient = recipient;
        send.to = to;
        send.template_name = "SMS_1";
        send.not_after = (clock_.now() + 1h).as<ReceivedTime>();
        send.priority = priority;
        log_.put({"send.sms", Partition(0)}, recipient, schemas::encode(send), "");
    }
    std::unique_ptr<EffectWorker> lane(Lane lane, SendGate& gate) {
        EffectWorkerOptions options;
        options.lane = lane;
        return std::make_unique<EffectWorker>(
            options, EffectWorker::Ports{log_, log_, provider_, clock_, clock_, nullptr, &gate});
    }
    FakeLog log_;
    FakeProvider provider_;
    SetClock clock_{kBegin};
};

TEST_F(LanesTest, EachAttemptGoesByOneLane) {
    SendGate gate({.rate_per_second = 100, .reserve = 0.2});
    issue("low", schemas::Priority::Low, "1");
    issue("high", schemas::Priority::High, "2");
    const auto high = lane(Lane::High, gate);
    const auto other = lane(Lane::Other, gate);
    ASSERT_TRUE(high->step());
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"high", 1}}));
    EXPECT_EQ(log_.position("effects.sms.high send.sms/0"), Offset(2));
    EXPECT_EQ(log_.position("effects.sms send.sms/0"), Offset(-1));
    ASSERT_TRUE(other->step());
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"high", 1}, {"low", 1}}));
    // After a restart neither sends again, nor doubts what the other reported.
    const auto again = lane(Lane::High, gate);
    const auto once_more = lane(Lane::Other, gate);
    ASSERT_TRUE(again->step());
    ASSERT_TRUE(once_more->step());
    EXPECT_EQ(provider_.calls.size(), 2U);
    EXPECT_EQ(log_.receipts().size(), 2U);
}

TEST_F(LanesTest, AReserveOfTheRateIsForHighOnes) {
    // Five a second, 40 percent of them kept: a full bucket has seven, and others leave two.
    SendGate gate({.rate_per_second = 5, .reserve = 0.4});
    for (int i = 0; i < 10; ++i)
        issue("l" + std::to_string(i), schemas::Priority::Low, std::to_string(i));
    const auto other = lane(Lane::Other, gate);
    ASSERT_TRUE(other->step());
    ASSERT_TRUE(other->step());
    EXPECT_EQ(provider_.calls.size(), 5U);
    issue("h1", schemas::Priority::High, "h1");
    issue("h2", schemas::Priority::High, "h2");
    const auto high = lane(Lane::High, gate);
    ASSERT_TRUE(high->step());
    EXPECT_EQ(provider_.calls.count("h1") + provider_.calls.count("h2"), 2U);
    clock_.advance(400ms);  // two tokens: still within what is kept
    ASSERT_TRUE(other->step());
    EXPECT_EQ(provider_.calls.size(), 7U);
    clock_.advance(1s);
    ASSERT_TRUE(other->step());
    EXPECT_EQ(provider_.calls.size(), 12U);
}

TEST_F(LanesTest, OneAddressIsSentToOneAfterTheOther) {
    SendGate gate({.rate_per_second = 1'000, .reserve = 0, .one_at_a_time = true});
    for (int i = 0; i < 20; ++i)
        issue("a" + std::to_string(i),
              i % 2 == 0 ? schemas::Priority::High : schemas::Priority::Low, "openid1");
    std::atomic<int> at_once{0}, most{0};
    provider_.on_send = [&](const Attempt&) {
        most = std::max(most.load(), ++at_once);
        std::this_thread::yield();
        --at_once;
    };
    const auto high = lane(Lane::High, gate);
    const auto other = lane(Lane::Other, gate);
    high->start();
    other->start();
    for (int i = 0; i < 2'000 && log_.receipts().size() < 20; ++i) log_.wait(log_.activity(), 10ms);
    high->stop();
    other->stop();
    EXPECT_EQ(provider_.calls.size(), 20U);
    EXPECT_EQ(most, 1);
}

TEST_F(LanesTest, WhatCanNotBeAskedAboutIsLeftToItsReceipts) {
    class Mute : public FakeProvider {
      public:
        bool can_query() const override { return false; }
    } mute;
    mute.script = {FakeProvider::Next::Lose};
    issue("a1", schemas::Priority::Low, "1");
    EffectWorkerOptions options;
    EffectWorker worker(options, {log_, log_, mute, clock_, clock_});
    ASSERT_TRUE(worker.step());
    EXPECT_EQ(log_.receipts(), (std::vector<std::string>{"a1:unknown:timeout"}));
    EXPECT_EQ(worker.unsettled(), 0U);
    clock_.advance(1h);
    ASSERT_TRUE(worker.step());
    EXPECT_EQ(mute.queries, 0);
}

}  // namespace
}  // namespace vitalog::sinks
