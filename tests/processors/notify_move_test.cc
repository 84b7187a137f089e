#include "schemas/base/base64.h"
#include "tests/processors/notify_fixture.h"

namespace vitalog::tests {
namespace {

constexpr std::string_view kSurvivor = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Two patients who turn out to be one.
class Merge : public Notify {
  protected:
    Result<void> order(std::string_view from = kPatient, std::string_view to = kSurvivor) {
        return driver.event(from, schemas::RecipientMoved{to, from, ""});
    }
    /// Orders the move and carries it out.
    void move() {
        ASSERT_TRUE(order());
        deliver_own_records();
    }
};

TEST_F(Merge, HandsOverContactIntentsAndAttempts) {
    consenting_patient();
    intend(to_patient("i1"));
    move();
    key_of_receipts = kSurvivor;
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_EQ(state(), DeliveryState::Delivered);
    EXPECT_EQ(last().recipient, kSurvivor);
    EXPECT_EQ(last().person, kSurvivor);
    intend(to_patient("i2", kSurvivor));
    EXPECT_EQ(last_sent().to, "13900000001");
}

TEST_F(Merge, PassesOnWhatStillArrives) {
    consenting_patient();
    intend(to_patient("i1"));
    move();
    key_of_receipts = kPatient;
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    ASSERT_EQ(driver.outputs().size(), 1u);
    EXPECT_EQ(driver.outputs()[0].key, kSurvivor);
    EXPECT_EQ(driver.outputs()[0].type, schemas::Receipt::kType);
    deliver_own_records();
    EXPECT_EQ(state(), DeliveryState::Delivered);
}

TEST_F(Merge, TakesAnIntentOnceThatComesByBothWays) {
    consenting_patient();
    intend(to_patient("i1"));
    move();
    forget();
    intend(to_patient("i1"));
    deliver_own_records();
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Merge, KeepsTheTimersOfWhatMoved) {
    intend(to_patient("i1"));
    move();
    EXPECT_TRUE(driver.timers(kPatient).empty());
    after(60min);
    EXPECT_EQ(state(), DeliveryState::Expired);
    EXPECT_EQ(last().recipient, kSurvivor);
}

TEST_F(Merge, SendsWhatWaitedForAConsentThatTheSurvivorGave) {
    consenting_patient(kSurvivor);
    intend(to_patient("i1"));
    EXPECT_EQ(sent(), 0u);
    move();
    EXPECT_EQ(sent(), 1u);
    EXPECT_EQ(last_sent().recipient, kSurvivor);
}

TEST_F(Merge, PrefersTheSurvivorsContact) {
    consenting_patient();
    contact(kSurvivor, "13700000007", schemas::Consent{{"sms"}, {}});
    move();
    intend(to_patient("i1", kSurvivor));
    EXPECT_EQ(last_sent().to, "13700000007");
}

TEST_F(Merge, IsOrderedTwiceWithOneEffect) {
    consenting_patient();
    move();
    forget();
    ASSERT_TRUE(order());
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Merge, TakesTheSameStateOnce) {
    ASSERT_TRUE(settings({{"notify.daily_limit", "2"}}));
    consenting_patient();
    intend(to_patient("i1"));
    ASSERT_TRUE(order());
    const auto moved = driver.of<schemas::RecipientMoved>(Topic::Notification).back();
    ASSERT_TRUE(driver.record(moved.key, moved.type, moved.json));
    ASSERT_TRUE(driver.record(moved.key, moved.type, moved.json));
    intend(to_patient("i2", kSurvivor));
    EXPECT_EQ(state(), DeliveryState::Sending) << "the first attempt of the day was counted once";
}

TEST_F(Merge, FollowsAChainOfMerges) {
    constexpr std::string_view kLast = "cccccccccccccccccccccccccccccccc";
    consenting_patient();
    intend(to_patient("i1"));
    ASSERT_TRUE(order(kSurvivor, kLast));
    deliver_own_records();
    move();
    deliver_own_records();
    key_of_receipts = kLast;
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    EXPECT_EQ(last().recipient, kLast);
}

TEST_F(Merge, NeverGoesInACircle) {
    consenting_patient();
    move();
    EXPECT_EQ(order(kSurvivor, kPatient).error().code(), Errc::Conflict);
    EXPECT_EQ(order(kSurvivor, kSurvivor).error().code(), Errc::Conflict);
}

TEST_F(Merge, RefusesAStateThatIsNotOne) {
    EXPECT_EQ(
        driver.event(kSurvivor, schemas::RecipientMoved{kSurvivor, kPatient, "%%%"}).error().code(),
        Errc::Malformed);
    EXPECT_EQ(
        driver.event(kSurvivor, schemas::RecipientMoved{kSurvivor, kPatient, base64_encode("VX1")})
            .error()
            .code(),
        Errc::Damaged);
    EXPECT_EQ(
        driver.event(kSurvivor, schemas::RecipientMoved{kSurvivor, kPatient, ""}).error().code(),
        Errc::Conflict)
        << "an order that came to another recipient";
}

TEST(Base64, FollowsTheVectorsOfRfc4648) {
    const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                     {"f", "Zg=="},
                                                                     {"fo", "Zm8="},
                                                                     {"foo", "Zm9v"},
                                                                     {"foob", "Zm9vYg=="},
                                                                     {"fooba", "Zm9vYmE="},
                                                                     {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(base64_encode(bytes), text);
        EXPECT_EQ(base64_decode(text), bytes);
    }
    for (const char* text : {"Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm 9", "=Zg=", "Zg==Zg=="})
        EXPECT_FALSE(base64_decode(text).has_value()) << text;
}

}  // namespace
}  // namespace vitalog::tests
