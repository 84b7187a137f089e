#include <gtest/gtest.h>

#include <thread>

#include "tests/sinks/effect_fixture.h"

// A worker whose process was stopped for a while, and whose duty another one has by now.

namespace vitalog::sinks {
namespace {

TEST_F(EffectWorkerTest, OffDutyWhenItHasReadStoresNoPositionAndSendsNothing) {
    log_.on_sync = [&] { turn_ = 0; };
    issue("a1");
    step();
    EXPECT_TRUE(provider_.calls.empty());
    EXPECT_EQ(receipts(), (Receipts{}));
    EXPECT_EQ(log_.position("effects.sms send.sms/1"), Offset(-1));
    EXPECT_TRUE(worker_->withdrawn());
}

TEST_F(EffectWorkerTest, DutyThatWentAndCameBackUnseenSendsNothingThatAnotherTook) {
    step();
    issue("a1");
    ASSERT_TRUE(log_.store_position("effects.sms", tp_, Offset(1)));  // another, on duty meanwhile
    turn_ = 3;
    step();
    EXPECT_TRUE(provider_.calls.empty());
    EXPECT_EQ(receipts(), (Receipts{}));
    EXPECT_TRUE(worker_->withdrawn());
}

TEST_F(EffectWorkerTest, OffDutyAtTheStartItLeavesAloneWhatAnotherHasInHand) {
    issue("a1");
    ASSERT_TRUE(log_.store_position("effects.sms", tp_, Offset(1)));
    turn_ = 0;
    EXPECT_EQ(worker_->step().error().code(), Errc::Busy);
    EXPECT_EQ(receipts(), (Receipts{}));
    EXPECT_TRUE(worker_->withdrawn());
}

TEST_F(EffectWorkerTest, OnDutyItGoesOnWhereItsOwnPlaceWasStoredUnknownToIt) {
    step();
    issue("a1");
    log_.on_sync = [&] { ASSERT_TRUE(log_.store_position("effects.sms", tp_, Offset(1))); };
    step();
    EXPECT_FALSE(worker_->withdrawn());
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK"}));
}

TEST_F(EffectWorkerTest, APlaceStoredLateOverALaterOneIsSetRight) {
    provider_.script = {Next::Lose};
    issue("a1");
    step();
    ASSERT_TRUE(log_.store_position("effects.sms", tp_, Offset(0)));  // of who was on duty before
    clock_.advance(1s);
    step();
    EXPECT_EQ(log_.position("effects.sms send.sms/1"), Offset(1));
    restart();
    step();
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"a1", 1}}));
}

TEST_F(EffectWorkerTest, WhatItTookWaitsWhileItsDutyIsNotSure) {
    provider_.on_send = [&](const Attempt&) { sure_ = false; };
    issue("a1");
    issue("a2");
    step();
    issue("a3");
    step();
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"a1", 1}}));
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK"}));
    EXPECT_EQ(log_.position("effects.sms send.sms/1"), Offset(2)) << "nothing more is taken";
    EXPECT_FALSE(worker_->withdrawn());
    provider_.on_send = nullptr;
    sure_ = true;
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK", "a2:accepted:OK", "a3:accepted:OK"}));
    EXPECT_EQ(provider_.calls["a2"], 1);
}

TEST_F(EffectWorkerTest, WhatWasNotSentIsSaidOnceTheDutyIsSure) {
    provider_.script = {Next::Refuse};
    provider_.on_send = [&](const Attempt&) { sure_ = false; };
    issue("a1");
    step();
    step();
    EXPECT_EQ(receipts(), (Receipts{}));
    sure_ = true;
    step();
    EXPECT_EQ(provider_.calls["a1"], 1);
    EXPECT_EQ(receipts().size(), 1U);
    EXPECT_TRUE(receipts().begin()->starts_with("a1:not-sent:")) << *receipts().begin();
}

TEST_F(EffectWorkerTest, WhatExpiredInASleepIsNotSaidByWhoLostTheDuty) {
    issue("a1", 1s);
    issue("a2");
    step();
    ASSERT_EQ(receipts().size(), 2U);
    issue("a3", 1s);
    clock_.advance(2s);
    log_.on_sync = [&] { sure_ = false; };
    step();  // not taken
    sure_ = true;
    log_.on_sync = nullptr;
    step();
    EXPECT_EQ(receipts().count("a3:failed:expired"), 1U);
    issue("a4", 1s);
    clock_.advance(2s);
    int looks = 0;
    look_ = [&] {
        if (++looks == 4) turn_ = 5;  // once it has seen that it expired
    };
    step();
    EXPECT_GE(looks, 4);
    EXPECT_EQ(receipts().size(), 3U) << "the one on duty may have sent it";
}

TEST_F(EffectWorkerTest, ADenialIsNotCountedWhileTheDutyIsNotSure) {
    provider_.script = {Next::Lose};
    issue("a1");
    step();
    sure_ = false;
    for (int n = 0; n < 5; ++n) {
        clock_.advance(60s);
        step();
    }
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout"}));
    sure_ = true;
    for (int n = 0; n < 5; ++n) {
        clock_.advance(60s);
        step();
    }
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout", "a1:not-sent:never-received:retryable"}));
}

TEST_F(EffectWorkerTest, StoppedWhileItsDutyIsNotSureItEnds) {
    restart({.senders = 1});  // of two, either message may be the one that is sent
    provider_.on_send = [&](const Attempt&) { sure_ = false; };
    issue("a1");
    issue("a2");
    worker_->start();
    while (receipts().empty()) std::this_thread::yield();
    worker_->stop();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK"}));
    EXPECT_EQ(provider_.calls.count("a2"), 0U);
    EXPECT_LT(log_.position("effects.sms.settled send.sms/1"), Offset(2)) << "a2 is in doubt";
}

TEST_F(EffectWorkerTest, WhatHasAReceiptIsNotSentAgainWhateverPlaceIsStored) {
    provider_.script = {Next::Lose};
    issue("a1");
    issue("a2");
    issue("a3");
    step();
    ASSERT_EQ(provider_.calls.size(), 3U);
    ASSERT_TRUE(log_.store_position("effects.sms", tp_, Offset(1)));  // late, and it dies at once
    restart();
    step();
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"a1", 1}, {"a2", 1}, {"a3", 1}}));
}

TEST_F(EffectWorkerTest, TheReceiptsOfTheOtherLaneSayNothingOfThisOnesPlace) {
    restart({.lane = Lane::Other});
    issue("low");
    issue("high", 1h, schemas::Priority::High);
    issue("low2");
    step();
    ASSERT_EQ(provider_.calls.size(), 2U);
    restart({.lane = Lane::High});
    step();
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"low", 1}, {"low2", 1}, {"high", 1}}));
}

TEST_F(EffectWorkerTest, OffDutyBeforeItSendsLeavesTheAttemptInDoubt) {
    provider_.on_send = [&](const Attempt&) { turn_ = 0; };
    issue("a1");
    issue("a2");
    step();
    EXPECT_EQ(provider_.calls, (std::map<std::string, int>{{"a1", 1}}));
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK"}));  // it was sent, whoever is on duty
    EXPECT_EQ(log_.position("effects.sms send.sms/1"), Offset(2));
    EXPECT_EQ(log_.position("effects.sms.settled send.sms/1"), Offset(-1));
    turn_ = 1;
    provider_.on_send = nullptr;
    step();
    EXPECT_EQ(provider_.calls.count("a2"), 0U) << "withdrawn for good";
    restart();  // whoever is on duty
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:accepted:OK", "a2:unknown:restart"}));
}

TEST_F(EffectWorkerTest, OffDutySaysOfNothingThatItWasNotSent) {
    provider_.script = {Next::Refuse};
    provider_.on_send = [&](const Attempt&) { turn_ = 0; };
    issue("a1");
    step();
    EXPECT_EQ(provider_.calls["a1"], 1);
    EXPECT_EQ(receipts(), (Receipts{}));
}

TEST_F(EffectWorkerTest, OffDutyBelievesNoDenial) {
    provider_.script = {Next::Lose};
    issue("a1");
    step();
    clock_.advance(10s);
    step();
    clock_.advance(20s);
    turn_ = 0;
    step();
    EXPECT_EQ(receipts(), (Receipts{"a1:unknown:timeout"}));
}

TEST_F(EffectWorkerTest, OffDutyItStopsWithoutAWord) {
    issue("a1");
    provider_.on_send = [&](const Attempt&) { turn_ = 0; };
    provider_.script = {Next::Refuse};
    worker_->start();
    while (!worker_->withdrawn()) std::this_thread::yield();
    worker_->stop();
    EXPECT_EQ(receipts(), (Receipts{}));
    EXPECT_EQ(log_.position("effects.sms.settled send.sms/1"), Offset(-1));
}

}  // namespace
}  // namespace vitalog::sinks
