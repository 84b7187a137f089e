#include "tests/processors/notify_fixture.h"

namespace vitalog::tests {
namespace {

constexpr std::string_view kProvider = "provider|aliyun|BIZ^0";

class Receipts : public Notify {
  protected:
    void SetUp() override {
        Notify::SetUp();
        contact(kDoctor);
        intend(to_doctor("i1"));
    }
    /// When the next attempt goes out, counted from the start.
    std::chrono::microseconds next_attempt() {
        const auto timers = driver.timers(kDoctor);
        VITALOG_ASSERT(timers.size() == 1, "one timer serves all intents");
        return timers[0].due - start;
    }
};

TEST_F(Receipts, FollowAnAttemptToItsDelivery) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    EXPECT_EQ(state(), DeliveryState::Accepted);
    EXPECT_EQ(last().code, "CODE");
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_EQ(state(), DeliveryState::Delivered);
    EXPECT_TRUE(driver.timers(kDoctor).empty());
}

TEST_F(Receipts, MayComeInTheOtherOrder) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    EXPECT_TRUE(driver.outputs().empty()) << "delivered never goes back";
}

TEST_F(Receipts, MayComeTwice) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Receipts, OfAFailureAreFinalWithOneChannel) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed));
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(sent(), 1u);
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Receipts, OfADeliveryOutrankAFailure) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed));
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_EQ(state(), DeliveryState::Delivered);
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Receipts, ForWhatIsNotKnownAreRefused) {
    EXPECT_EQ(receipt("other", ReceiptState::Delivered).error().code(), Errc::NotFound);
    EXPECT_EQ(receipt("i1", ReceiptState::Delivered, "another attempt").error().code(),
              Errc::NotFound);
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered, processors::attempt_id("i1", 1)));
}

TEST_F(Receipts, ForAnAttemptThatWasNeverMadeAreRefused) {
    intend(to_doctor("i2", "user:unknown"));
    key_of_receipts = "user:unknown";
    EXPECT_EQ(receipt("i2", ReceiptState::Delivered).error().code(), Errc::NotFound);
}

TEST_F(Receipts, ThatRefuseForNowBringAnotherAttemptLater) {
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Waiting);
    const auto wait = next_attempt();
    EXPECT_GE(wait, 22500ms);
    EXPECT_LT(wait, 37500ms);
    after(wait - 1us);
    EXPECT_EQ(sent(), 1u);
    after(wait);
    ASSERT_EQ(sent(), 2u);
    EXPECT_EQ(last_sent().attempt, processors::attempt_id("i1", 2));
    EXPECT_EQ(last_sent().intent, "i1");
    EXPECT_EQ(last().attempts, 2);
}

TEST_F(Receipts, ThatRefuseForNowWaitLongerEachTimeAndAreBounded) {
    std::chrono::microseconds at{0};
    std::chrono::microseconds before{0};
    for (int attempt = 1; attempt < 5; ++attempt) {
        refused_for_now("i1");
        const auto wait = next_attempt() - at;
        EXPECT_GT(wait, before);
        before = wait;
        at = next_attempt();
        after(at);
        EXPECT_EQ(sent(), static_cast<std::size_t>(attempt) + 1);
    }
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(reason(), "not taken in 5 attempts");
    EXPECT_TRUE(driver.timers(kDoctor).empty());
}

TEST_F(Receipts, ThatRefuseForNowTooLateForAnotherAttemptExpireIt) {
    after(59min + 50s);
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Expired);
    after(2h);
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Receipts, ThatRefuseForGoodFailIt) {
    ASSERT_TRUE(receipt("i1", ReceiptState::NotSent, "", "", false));
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(last().code, "CODE");
}

TEST_F(Receipts, OfAnEarlierAttemptCountWhenTheyTellOfDelivery) {
    refused_for_now("i1");
    after(1min);
    ASSERT_EQ(sent(), 2u);
    const auto first = processors::attempt_id("i1", 1);
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed, first));
    ASSERT_TRUE(receipt("i1", ReceiptState::NotSent, first, "", true));
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown, first));
    EXPECT_TRUE(driver.outputs().empty());
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered, first));
    EXPECT_EQ(state(), DeliveryState::Delivered);
}

TEST_F(Receipts, ThatAcceptAfterARefusalStopTheNextAttempt) {
    refused_for_now("i1");
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    EXPECT_EQ(state(), DeliveryState::Accepted);
    after(10min);
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Receipts, OfAnUnknownOutcomeNeverSendAgain) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    EXPECT_EQ(state(), DeliveryState::Unknown);
    after(2h);
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Receipts, SettleAnUnknownOutcome) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    after(10min - 1us);
    EXPECT_EQ(state(), DeliveryState::Unknown);
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_EQ(state(), DeliveryState::Delivered);
    EXPECT_TRUE(driver.timers(kDoctor).empty());
}

TEST_F(Receipts, ThatNeverComeLetAnUnknownOutcomeExpire) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    after(10min - 1us);
    EXPECT_EQ(state(), DeliveryState::Unknown);
    after(10min);
    EXPECT_EQ(state(), DeliveryState::Expired);
    EXPECT_EQ(reason(), "no receipt within 10m after an unknown outcome");
}

TEST_F(Receipts, OfADeliverySettleWhatExpired) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    after(10min);
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    ASSERT_TRUE(receipt("i1", ReceiptState::NotSent, "", "", true));
    EXPECT_TRUE(driver.outputs().empty()) << "nothing is sent again after the end";
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_EQ(state(), DeliveryState::Delivered);
}

TEST_F(Receipts, ThatSayNeverReceivedPermitAnotherAttempt) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Waiting);
    after(next_attempt());
    EXPECT_EQ(sent(), 2u);
}

TEST_F(Receipts, OfUnknownDoNotUndoAnAcceptance) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted));
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Receipts, ThatNeverComeLetAnAttemptExpireWithItsUse) {
    after(60min - 1us);
    EXPECT_EQ(state(), DeliveryState::Sending);
    after(60min);
    EXPECT_EQ(state(), DeliveryState::Expired);
}

TEST_F(Receipts, ForAHighMessageExpireToWhereThereIsNoOtherChannel) {
    auto intent = to_doctor("i2");
    intent.priority = Priority::High;
    intend(intent);
    ASSERT_TRUE(receipt("i2", ReceiptState::Unknown));
    after(10min);
    EXPECT_EQ(last().intent, "i2");
    EXPECT_EQ(state(), DeliveryState::Expired);
    EXPECT_EQ(sent(), 2u);
}

TEST_F(Receipts, OfAnAttemptFoundTooLateExpireIt) {
    schemas::Receipt event;
    event.recipient = kDoctor;
    event.intent = "i1";
    event.state = ReceiptState::Failed;
    event.code = "expired";
    ASSERT_TRUE(driver.event(kDoctor, event));
    EXPECT_EQ(state(), DeliveryState::Expired);
    forget();
    after(60min);
    ASSERT_TRUE(driver.event(kDoctor, event));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Receipts, NameTheProvidersMessageOnce) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "BIZ^0"));
    const auto notes = driver.of<schemas::Receipt>(Topic::Notification);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_EQ(notes[0].key, kProvider);
    const auto note = driver.as<schemas::Receipt>(notes[0]);
    EXPECT_EQ(note.recipient, kDoctor);
    EXPECT_EQ(note.intent, "i1");
    EXPECT_EQ(note.attempt, processors::attempt_id("i1", 1));
    forget();
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "BIZ^0"));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Receipts, WithOnlyTheProvidersIdFindTheirRecipientAfterTheOutcome) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "BIZ^0"));
    deliver_own_records();
    report(kProvider, ReceiptState::Delivered);
    deliver_own_records();
    EXPECT_EQ(state(), DeliveryState::Delivered);
}

TEST_F(Receipts, WithOnlyTheProvidersIdWaitForTheOutcome) {
    report(kProvider, ReceiptState::Delivered);
    EXPECT_TRUE(driver.of<schemas::Receipt>(Topic::Notification).empty());
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "BIZ^0"));
    deliver_own_records();
    deliver_own_records();
    EXPECT_EQ(state(), DeliveryState::Delivered);
}

TEST_F(Receipts, WithOnlyTheProvidersIdSettleAnUnknownOutcomeThatWasNamedLater) {
    report(kProvider, ReceiptState::Failed);
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "BIZ^0"));
    deliver_own_records();
    deliver_own_records();
    EXPECT_EQ(state(), DeliveryState::Failed);
}

TEST_F(Receipts, WithOnlyTheProvidersIdAreForgottenAfterAWeek) {
    report(kProvider, ReceiptState::Delivered);
    after(7 * 24h - 1us);
    EXPECT_TRUE(driver.has_entity(kProvider));
    after(7 * 24h);
    EXPECT_FALSE(driver.has_entity(kProvider));
    EXPECT_EQ(driver.counts["vitalog_receipts_unclaimed_total/notify"], 1);
}

TEST_F(Receipts, ForAProvidersMessageOfAnotherAttemptAreRefused) {
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "BIZ^0"));
    deliver_own_records();
    schemas::Receipt note;
    note.recipient = kDoctor;
    note.intent = "i9";
    note.attempt = "another";
    EXPECT_EQ(driver.event(kProvider, note).error().code(), Errc::Conflict);
}

TEST(ProviderMessage, HoldsABoundedNumberOfReports) {
    processors::ProviderMessage message;
    for (int i = 0; i < 20; ++i)
        message.hold(
            {schemas::ReceiptState::Failed, "code" + std::to_string(i), false, ReceivedTime(i)});
    ASSERT_EQ(message.held.size(), processors::ProviderMessage::kHeldMax);
    EXPECT_EQ(message.held.back().code, "code19");
    message.hold({schemas::ReceiptState::Failed, "code19", false, ReceivedTime(99)});
    EXPECT_EQ(message.held.back().at, ReceivedTime(19)) << "a repeat counts once";
}

TEST(Backoff, DoublesUpToItsLimitWithAQuarterMoreOrLess) {
    const processors::RetryPolicy policy;
    std::chrono::microseconds nominal = policy.first;
    bool differs = false;
    for (int number = 1; number < 12; ++number) {
        const auto one = processors::backoff(policy, "attempt a", number);
        const auto other = processors::backoff(policy, "attempt b", number);
        for (const auto delay : {one, other}) {
            EXPECT_GE(delay, nominal * 3 / 4);
            EXPECT_LT(delay, nominal * 5 / 4);
        }
        differs |= one != other;
        EXPECT_EQ(one, processors::backoff(policy, "attempt a", number));
        nominal = std::min(nominal * 2, policy.most);
    }
    EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace vitalog::tests
