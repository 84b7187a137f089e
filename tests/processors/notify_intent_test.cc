#include "processors/site_time.h"
#include "tests/processors/notify_fixture.h"

namespace vitalog::tests {
namespace {

TEST_F(Notify, TakesTheZoneOfALogThatBeganBeforeZonesWereInIt) {
    EXPECT_TRUE(settings({{"site.zone", "Europe/Berlin"}}));
}

TEST_F(Notify, SendsTheApprovedTemplateWithItsOwnVariables) {
    contact(kDoctor);
    intend(to_doctor("i1"));
    ASSERT_EQ(sent(), 1u);
    const auto send = last_sent();
    EXPECT_EQ(send.intent, "i1");
    EXPECT_EQ(send.recipient, kDoctor);
    EXPECT_EQ(send.to, "13800000001");
    EXPECT_EQ(send.template_name, "SMS_2");
    ASSERT_EQ(send.params.items.size(), 1u) << "what the template does not list stays here";
    EXPECT_EQ(send.params.items[0].second, "60");
    EXPECT_EQ(send.text, "您有一项新的健康管理任务，请在60分钟内登录处理。");
    EXPECT_EQ(send.not_after, start + 60min);
    EXPECT_EQ(send.attempt, processors::attempt_id("i1", 1));
    const auto delivery = last();
    EXPECT_EQ(delivery.state, DeliveryState::Sending);
    EXPECT_EQ(delivery.attempts, 1);
    EXPECT_EQ(delivery.channel, "sms");
    EXPECT_EQ(delivery.task, "task1");
    EXPECT_EQ(delivery.person, "");
}

TEST_F(Notify, TakesAnIntentOnce) {
    contact(kDoctor);
    intend(to_doctor("i1"));
    forget();
    intend(to_doctor("i1"));
    EXPECT_TRUE(driver.outputs().empty());
    receipt("i1", ReceiptState::Delivered);
    forget();
    intend(to_doctor("i1"));
    EXPECT_TRUE(driver.outputs().empty()) << "also when it is settled";
}

TEST_F(Notify, RemembersABoundedNumberOfSettledIntents) {
    ASSERT_TRUE(settings({{"notify.mode", "off"}, {"notify.daily_limit", "1000"}}));
    contact(kDoctor);
    const auto limit = processors::RecipientEntity::kSettledMax;
    for (std::size_t i = 0; i <= limit; ++i) intend(to_doctor("i" + std::to_string(i)));
    forget();
    intend(to_doctor("i1"));
    EXPECT_TRUE(driver.outputs().empty());
    intend(to_doctor("i0"));
    EXPECT_FALSE(driver.outputs().empty()) << "the oldest was forgotten";
}

TEST_F(Notify, RefusesMoreThanItCanHaveUnderWay) {
    for (std::size_t i = 0; i < processors::RecipientEntity::kOpenMax; ++i)
        intend(to_doctor("i" + std::to_string(i)));
    EXPECT_EQ(state(), DeliveryState::Waiting);
    intend(to_doctor("one more"));
    EXPECT_EQ(state(), DeliveryState::Failed);
}

TEST_F(Notify, SuppressesEverythingWhileSendingIsOff) {
    ASSERT_TRUE(settings({{"notify.mode", "off"}}));
    contact(kDoctor);
    intend(to_doctor("i1"));
    EXPECT_EQ(sent(), 0u);
    EXPECT_EQ(state(), DeliveryState::Suppressed);
    EXPECT_EQ(last().text, "您有一项新的健康管理任务，请在60分钟内登录处理。");
}

TEST_F(Notify, IsOffByDefault) {
    ASSERT_TRUE(driver.control("settings", "site", "2", schemas::Settings().to_body()));
    contact(kDoctor);
    intend(to_doctor("i1"));
    EXPECT_EQ(sent(), 0u);
    EXPECT_EQ(state(), DeliveryState::Suppressed);
}

TEST_F(Notify, RefusesSettingsThatMakeNoSense) {
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"notify.mode", "on"},
                                                          {"notify.daily_limit", "0"},
                                                          {"notify.attempts", "many"},
                                                          {"notify.unknown_limit", "10"},
                                                          {"notify.retry_first", "20m"}}) {
        const auto refused = settings({{key, value}});
        ASSERT_FALSE(refused) << key;
        EXPECT_EQ(refused.error().code(), Errc::Configuration);
        EXPECT_NE(refused.error().message().find(key), std::string::npos)
            << refused.error().message();
    }
}

TEST_F(Notify, AsksDoctorsForNoConsent) {
    contact(kDoctor);
    intend(to_doctor("i1"));
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Notify, WaitsForAConsentThatWasNeverRecorded) {
    contact(kPatient, "13900000001");
    intend(to_patient("i1"));
    EXPECT_EQ(sent(), 0u);
    EXPECT_EQ(state(), DeliveryState::Waiting);
    EXPECT_EQ(reason(), "no consent for alert by sms");
    consenting_patient();
    EXPECT_EQ(sent(), 1u);
    EXPECT_EQ(state(), DeliveryState::Sending);
    EXPECT_EQ(last_sent().to, "13900000001");
}

TEST_F(Notify, ExpiresWhatWaitedForConsentInVain) {
    intend(to_patient("i1"), 60min);
    after(60min - 1us);
    EXPECT_EQ(state(), DeliveryState::Waiting);
    after(60min);
    EXPECT_EQ(state(), DeliveryState::Expired);
    EXPECT_EQ(reason(), "no consent for alert by sms");
    forget();
    consenting_patient();
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Notify, RespectsAConsentThatLeavesTheChannelOut) {
    contact(kPatient, "13900000001", schemas::Consent{{"wechat"}, {"sms"}});
    intend(to_patient("i1"));
    EXPECT_EQ(sent(), 0u);
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(reason(), "no consent for alert by sms");
}

TEST_F(Notify, RespectsAConsentThatWasTakenBack) {
    consenting_patient();
    contact(kPatient, "13900000001", schemas::Consent{});
    intend(to_patient("i1"));
    EXPECT_EQ(state(), DeliveryState::Failed);
}

TEST_F(Notify, AsksForTheConsentAgainBeforeEachAttempt) {
    key_of_receipts = kPatient;
    consenting_patient();
    intend(to_patient("i1"));
    refused_for_now("i1");
    contact(kPatient, "13900000001", schemas::Consent{});
    after(5min);
    EXPECT_EQ(sent(), 1u);
    EXPECT_EQ(state(), DeliveryState::Failed);
}

TEST_F(Notify, WaitsForADoctorWhoIsNotInTheDirectoryYet) {
    intend(to_doctor("i1"));
    EXPECT_EQ(state(), DeliveryState::Waiting);
    contact(kDoctor);
    EXPECT_EQ(state(), DeliveryState::Sending);
}

TEST_F(Notify, FailsWithoutAUsablePhoneNumber) {
    contact(kDoctor, "ask at the desk");
    intend(to_doctor("i1"));
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(reason(), "no usable phone number");
}

TEST_F(Notify, KeepsADoctorsPhoneWhenAnotherTeamListsNone) {
    contact(kDoctor);
    contact(kDoctor, "");
    intend(to_doctor("i1"));
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Notify, FailsWithoutATemplate) {
    ASSERT_TRUE(driver.control("templates", "test", "2", ""));
    contact(kDoctor);
    intend(to_doctor("i1"));
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(reason(), "no template for the purpose 'task'");
}

TEST_F(Notify, FailsWhereAVariableHasNoValueOrAnother) {
    contact(kDoctor);
    auto intent = to_doctor("i1");
    intent.params.items.clear();
    intend(intent);
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_NE(reason().find("minutes"), std::string::npos);
    intent = to_doctor("i2");
    intent.params.items = {{"minutes", "血钾 6.8"}};
    intend(intent);
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(sent(), 0u);
}

TEST_F(Notify, TakesTheTemplateOfThePurposeWhateverItIsCalled) {
    contact(kDoctor);
    auto intent = to_doctor("i1");
    intent.template_name = "some-other-name";
    intend(intent);
    EXPECT_EQ(last_sent().template_name, "SMS_2");
}

TEST_F(Notify, PrefersThePackPublishedLast) {
    ASSERT_TRUE(driver.control("templates", "site", "1", R"(
id: site
version: "7"
templates:
  - {name: ours, purpose: task, sms: {aliyun: SMS_9, sign: 某某健康, text: 请登录查看任务。}}
)"));
    contact(kDoctor);
    intend(to_doctor("i1"));
    EXPECT_EQ(last_sent().template_name, "SMS_9");
    EXPECT_EQ(last_sent().sign, "某某健康");
}

TEST_F(Notify, KeepsTheOldPackWhenANewOneIsRefused) {
    const auto refused = driver.control("templates", "test", "2", R"(
id: test
version: "2"
templates:
  - {name: task-notice, purpose: task, sms: {aliyun: SMS_3, text: 血钾危急，请立即处理。}}
)");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::Forbidden);
    contact(kDoctor);
    intend(to_doctor("i1"));
    EXPECT_EQ(last_sent().template_name, "SMS_2");
}

TEST_F(Notify, SendsWhatWasWrittenWhenTheIntentCame) {
    intend(to_doctor("i1"));
    ASSERT_TRUE(driver.control("templates", "test", "2", ""));
    contact(kDoctor);
    EXPECT_EQ(last_sent().template_name, "SMS_2");
}

TEST_F(Notify, ShowsTheDoctorsTextInTheArchiveAndNeverSendsIt) {
    consenting_patient();
    auto intent = to_patient("i1");
    intent.text = "your kidney values have changed, please come on Monday";
    intend(intent);
    EXPECT_EQ(last().text, intent.text);
    EXPECT_EQ(last_sent().text, "您有一条新的健康提醒，请登录查看。");
}

TEST_F(Notify, SendsNothingThatCameTooLate) {
    contact(kDoctor);
    intend(to_doctor("i1"), 0min);
    EXPECT_EQ(sent(), 0u);
    EXPECT_EQ(state(), DeliveryState::Expired);
    intend(to_doctor("i2"), 1us);
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Notify, CancelsWhatWaits) {
    intend(to_doctor("i1"));
    cancel(kDoctor);
    EXPECT_EQ(state(), DeliveryState::Cancelled);
    EXPECT_EQ(reason(), "the task was decided");
    forget();
    contact(kDoctor);
    after(2h);
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Notify, CancelsOnlyTheEpisodeThatIsOver) {
    intend(to_doctor("i1"));
    cancel(kDoctor, "another episode");
    EXPECT_EQ(state(), DeliveryState::Waiting);
}

TEST_F(Notify, SettlesAnAttemptUnderWayAndRetriesNoCancelledOne) {
    contact(kDoctor);
    intend(to_doctor("i1"));
    forget();
    cancel(kDoctor);
    EXPECT_TRUE(driver.outputs().empty());
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Cancelled);
    after(1h);
    EXPECT_EQ(sent(), 0u);
}

TEST_F(Notify, SendsALimitedNumberPerDayOfTheSite) {
    ASSERT_TRUE(settings({{"notify.daily_limit", "3"}}));
    // 23:00 in Shanghai
    start = ReceivedTime(*parse_rfc3339("2026-05-01T15:00:00Z"));
    driver.set_now(start);
    contact(kDoctor);
    for (const char* id : {"i1", "i2", "i3"}) intend(to_doctor(id), 3h);
    EXPECT_EQ(sent(), 3u);
    intend(to_doctor("i4"), 3h);
    EXPECT_EQ(sent(), 3u);
    EXPECT_EQ(state(), DeliveryState::Waiting);
    after(1h - 1us);
    EXPECT_EQ(sent(), 3u);
    after(1h);
    EXPECT_EQ(sent(), 4u) << "midnight in Shanghai";
}

TEST_F(Notify, ExpiresWhatTheLimitHeldBackTooLong) {
    ASSERT_TRUE(settings({{"notify.daily_limit", "1"}}));
    start = ReceivedTime(*parse_rfc3339("2026-05-01T08:00:00Z"));
    driver.set_now(start);
    contact(kDoctor);
    intend(to_doctor("i1"));
    intend(to_doctor("i2"));
    EXPECT_EQ(state(), DeliveryState::Waiting);
    after(60min);
    EXPECT_EQ(state(), DeliveryState::Expired);
    EXPECT_EQ(sent(), 1u);
}

TEST_F(Notify, IsUrgentForPriorityHigh) {
    contact(kDoctor);
    auto intent = to_doctor("i1");
    intent.priority = Priority::High;
    intend(intent);
    EXPECT_TRUE(driver.of<schemas::Send>(Topic::SendSms).back().urgent);
    intend(to_doctor("i2"));
    EXPECT_FALSE(driver.of<schemas::Send>(Topic::SendSms).back().urgent);
}

TEST_F(Notify, RefusesARecordThatIsNotItsOwn) {
    EXPECT_EQ(driver.record(kDoctor, "vitalog.alert.v1", "{}").error().code(), Errc::Unsupported);
    EXPECT_EQ(driver.record("provider|aliyun|1", "vitalog.intent.v1", "{}").error().code(),
              Errc::Unsupported);
    EXPECT_EQ(driver.record(kDoctor, schemas::Intent::kType, "{").error().code(), Errc::Malformed);
}

TEST(UsablePhone, TakesChineseMobileNumbersAndE164) {
    using processors::usable_phone;
    EXPECT_EQ(usable_phone("13800000001"), "13800000001");
    EXPECT_EQ(usable_phone("138-0000 0001"), "13800000001");
    EXPECT_EQ(usable_phone("+8613800000001"), "+8613800000001");
    EXPECT_EQ(usable_phone("8613800000001"), "+8613800000001");
    EXPECT_EQ(usable_phone("008613800000001"), "+8613800000001");
    EXPECT_EQ(usable_phone("+442079460000"), "+442079460000");
    EXPECT_EQ(usable_phone("+1234567"), "+1234567");
    EXPECT_EQ(usable_phone("+123456789012345"), "+123456789012345");
}

TEST(UsablePhone, RefusesWhatNoMessageReaches) {
    using processors::usable_phone;
    for (const char* phone : {"", "+", "1380000000", "138000000011", "23800000001", "1380000000a",
                              "021-55551234", "+861380000000", "+123456", "+1234567890123456",
                              "+0123456789", "+12345a789", "0013800000001"})
        EXPECT_FALSE(usable_phone(phone).has_value()) << phone;
}

TEST(SiteDay, TurnsAtMidnightOfTheSite) {
    const int shanghai = processors::site_offset_minutes("Asia/Shanghai");
    EXPECT_EQ(shanghai, 480);
    EXPECT_EQ(processors::site_offset_minutes("+05:30"), 330);
    EXPECT_EQ(processors::site_offset_minutes("-03:00"), -180);
    EXPECT_EQ(processors::site_offset_minutes("Europe/Berlin"), 0);
    const ReceivedTime midnight(*parse_rfc3339("2026-05-01T16:00:00Z"));
    EXPECT_EQ(processors::site_day(midnight, shanghai),
              processors::site_day(midnight - 1us, shanghai) + 1);
    EXPECT_EQ(processors::next_site_day(midnight - 1us, shanghai), midnight);
    EXPECT_EQ(processors::next_site_day(midnight, shanghai), midnight + 24h);
    EXPECT_EQ(processors::site_day(ReceivedTime(-1), 0), -1);
}

}  // namespace
}  // namespace vitalog::tests
