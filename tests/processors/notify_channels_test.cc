#include "processors/notify/quiet.h"
#include "tests/processors/notify_fixture.h"

namespace vitalog::tests {
namespace {

constexpr std::string_view kThreeChannels = R"(
id: test
version: "2"
templates:
  - name: patient-notice
    purpose: alert
    high_passes_quiet_hours: true
    sms: {aliyun: SMS_1, tencent: "101", text: 您有一条新的健康提醒，请登录查看。}
    wechat: {template: T1, url: "https://h.example/m", data: {thing1: 您有一条新的健康提醒, thing2: 请登录查看}}
  - name: task-notice
    purpose: task
    sms: {aliyun: SMS_2, text: 您有一项新的健康管理任务，请登录处理。}
    wecom: {params: [minutes], text: "有一项新的健康管理任务，请在${minutes}分钟内登录处理。"}
)";

class NotifyChannels : public Notify {
  protected:
    void SetUp() override {
        Notify::SetUp();
        ASSERT_TRUE(driver.control("templates", "test", "2", kThreeChannels));
        ASSERT_TRUE(driver.control("zones", "tzdata", "1",
                                   "America/New_York EST5EDT,M3.2.0,M11.1.0\nPRC CST-8\n"));
        key_of_receipts = kPatient;
    }
    void patient(std::vector<std::string_view> channels, std::string_view openid = "oPatient1",
                 std::string_view zone = "", std::optional<schemas::Quiet> quiet = std::nullopt) {
        schemas::Contact event;
        event.recipient = kPatient;
        event.phone = "13900000001";
        event.openid = openid;
        event.zone = zone;
        event.quiet = quiet;
        event.consent = schemas::Consent{std::move(channels), {}};
        ASSERT_TRUE(driver.event(kPatient, event));
    }
    void urgent(std::string_view id, std::chrono::microseconds useful = 60min) {
        auto intent = to_patient(id);
        intent.priority = Priority::High;
        intend(intent, useful);
    }
    std::size_t by_wechat() const { return driver.of<schemas::Send>(Topic::SendWechat).size(); }
    Result<void> resend(std::string_view intent, std::string_view reason = "asked for") {
        schemas::Resend event{kPatient, intent, reason, "op", driver.now() + 60min};
        return driver.event(kPatient, event);
    }
};

TEST_F(NotifyChannels, WechatCarriesItsDataByKey) {
    patient({"wechat", "sms"});
    intend(to_patient("i1"));
    ASSERT_EQ(by_wechat(), 1u);
    const auto send = driver.as<schemas::Send>(driver.of<schemas::Send>(Topic::SendWechat).back());
    EXPECT_EQ(send.to, "oPatient1");
    EXPECT_EQ(send.template_name, "T1");
    EXPECT_EQ(send.url, "https://h.example/m");
    EXPECT_EQ(send.text, "您有一条新的健康提醒\n请登录查看");
    ASSERT_EQ(send.params.items.size(), 2u);
    EXPECT_EQ(send.params.items[0].first, "thing1");
    EXPECT_EQ(send.params.items[0].second, "您有一条新的健康提醒");
    EXPECT_EQ(sent(), 0u);
}

TEST_F(NotifyChannels, SmsCarriesTheCodeOfTheProviderInUse) {
    ASSERT_TRUE(settings({{"notify.sms.provider", "tencent"}}));
    patient({"sms"});
    intend(to_patient("i1"));
    EXPECT_EQ(last_sent().template_name, "101");
    contact(kDoctor);
    intend(to_doctor("i2"));
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(reason(), "the template has no text for sms") << "it has no code at Tencent";
}

TEST_F(NotifyChannels, PassesOverWhatTheSiteDoesNotServe) {
    ASSERT_TRUE(settings({{"notify.channels", "sms"}}));
    patient({"wechat", "sms"});
    intend(to_patient("i1"));
    EXPECT_EQ(by_wechat(), 0u);
    EXPECT_EQ(sent(), 1u);
    patient({"wechat"});
    intend(to_patient("i2"));
    EXPECT_EQ(reason(), "wechat is not set up at this site");
    EXPECT_FALSE(settings({{"notify.channels", "pigeon"}}));
}

TEST_F(NotifyChannels, ADoctorsRobotMentionsThePhone) {
    schemas::Contact event;
    event.recipient = kDoctor;
    event.phone = "13800000001";
    event.robot = "ward";
    ASSERT_TRUE(driver.event(kDoctor, event));
    intend(to_doctor("i1"));
    const auto sends = driver.of<schemas::Send>(Topic::SendWecom);
    ASSERT_EQ(sends.size(), 1u);
    const auto send = driver.as<schemas::Send>(sends[0]);
    EXPECT_EQ(send.to, "ward|13800000001");
    EXPECT_EQ(send.text, "有一项新的健康管理任务，请在60分钟内登录处理。");
    event.phone = "";
    ASSERT_TRUE(driver.event(kDoctor, event));
    contact("user:wang", "");
    intend(to_doctor("i2", "user:wang"));
    EXPECT_EQ(reason(), "no usable phone number");
}

TEST_F(NotifyChannels, ASilentHighOneTakesTheOtherWayOnce) {
    patient({"wechat", "sms"});
    urgent("i1");
    EXPECT_EQ(by_wechat(), 1u);
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, "", "W1"));
    after(5min - 1us);
    EXPECT_EQ(sent(), 0u);
    after(5min);
    EXPECT_EQ(sent(), 1u);
    EXPECT_EQ(last().attempts, 2);
    after(59min);
    EXPECT_EQ(sent(), 1u);
    EXPECT_EQ(by_wechat(), 1u);
}

TEST_F(NotifyChannels, NoOtherWayForWhatIsDeliveredCancelledOrNotHigh) {
    patient({"wechat", "sms"});
    urgent("i1");
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    auto other = to_patient("i2");
    other.episode = "episode2";
    other.priority = Priority::High;
    intend(other);
    cancel(kPatient, "episode2");
    intend(to_patient("i3"));
    after(50min);
    EXPECT_EQ(by_wechat(), 3u);
    EXPECT_EQ(sent(), 0u);
}

TEST_F(NotifyChannels, AttemptsAreCountedByChannel) {
    ASSERT_TRUE(settings({{"notify.attempts", "1"}}));
    patient({"wechat", "sms"});
    intend(to_patient("i1"));
    refused_for_now("i1");
    EXPECT_EQ(sent(), 1u) << "given up on WeChat, tried by SMS";
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(last().attempts, 2);
}

TEST_F(NotifyChannels, AcceptedForAnEarlierAttemptDoesNotSettleTheLast) {
    patient({"wechat", "sms"});
    intend(to_patient("i1"));
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed));
    EXPECT_EQ(sent(), 1u);
    ASSERT_TRUE(receipt("i1", ReceiptState::Accepted, processors::attempt_id("i1", 1), "W1"));
    EXPECT_EQ(state(), DeliveryState::Sending);
    refused_for_now("i1");
    EXPECT_EQ(state(), DeliveryState::Waiting) << "and can still be tried again";
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered, processors::attempt_id("i1", 1)));
    EXPECT_EQ(state(), DeliveryState::Delivered);
}

TEST_F(NotifyChannels, DaysAreTheRecipients) {
    ASSERT_TRUE(settings({{"notify.daily_limit", "1"}}));
    patient({"sms"}, "", "America/New_York");
    const auto zone = *schemas::ZoneRule::parse("EST5EDT,M3.2.0,M11.1.0");
    intend(to_patient("i1"));
    intend(to_patient("i2"), 48h);
    EXPECT_EQ(state(), DeliveryState::Waiting);
    const ReceivedTime midnight(zone.instant_of(zone.day_at(start.micros()) + 1, 0));
    driver.advance_to(midnight - 1us);
    EXPECT_EQ(sent(), 1u);
    driver.advance_to(midnight);
    EXPECT_EQ(sent(), 2u);
}

TEST_F(NotifyChannels, QuietHoursEndWithTheDirectorysWord) {
    const auto zone = *schemas::ZoneRule::parse("CST-8");
    const int minute = zone.minute_at(start.micros());
    const auto text = [](int at) {
        const int m = (at + 1440) % 1440;
        return std::string(1, static_cast<char>('0' + m / 600)) +
               static_cast<char>('0' + m / 60 % 10) + ":" + static_cast<char>('0' + m % 60 / 10) +
               static_cast<char>('0' + m % 10);
    };
    const std::string from = text(minute - 60), to = text(minute + 60);
    patient({"sms"}, "", "", schemas::Quiet{from, to});
    intend(to_patient("i1"), 3h);
    EXPECT_EQ(state(), DeliveryState::Waiting);
    EXPECT_EQ(reason(), "quiet hours of the recipient");
    urgent("i2", 3h);
    EXPECT_EQ(sent(), 1u) << "high, and its template lets it pass";
    EXPECT_NE(reason().find("sent in quiet hours"), std::string::npos);
    patient({"sms"});
    EXPECT_EQ(sent(), 2u) << "no quiet hours any more";
    // What is of no use at their end expires before it.
    patient({"sms"}, "", "", schemas::Quiet{from, to});
    intend(to_patient("i3"), 10min);
    after(10min);
    EXPECT_EQ(state(), DeliveryState::Expired);
    EXPECT_EQ(reason(), "quiet hours of the recipient");
}

TEST_F(NotifyChannels, AResendIsAnotherAttemptWithItsReason) {
    patient({"wechat", "sms"});
    intend(to_patient("i1"));
    EXPECT_FALSE(resend("i1")) << "under way";
    EXPECT_FALSE(resend("i2")) << "unknown";
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed));
    ASSERT_TRUE(receipt("i1", ReceiptState::Failed));
    EXPECT_EQ(state(), DeliveryState::Failed);
    EXPECT_EQ(last().attempts, 2);
    driver.advance_to(start + 3h);
    ASSERT_TRUE(resend("i1", "works again"));
    EXPECT_EQ(by_wechat(), 2u) << "every channel is open again";
    const auto send = driver.as<schemas::Send>(driver.of<schemas::Send>(Topic::SendWechat).back());
    EXPECT_EQ(send.attempt, processors::attempt_id("i1", 3));
    EXPECT_TRUE(send.resend);
    EXPECT_EQ(send.not_after, start + 4h);
    EXPECT_EQ(reason(), "sent again by op: works again");
    ASSERT_TRUE(receipt("i1", ReceiptState::Delivered));
    const auto refused = resend("i1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::Conflict);
}

TEST_F(NotifyChannels, AnUnknownOneMayBeSentAgainByAnOperatorAlone) {
    patient({"sms"});
    intend(to_patient("i1"), 10h);
    ASSERT_TRUE(receipt("i1", ReceiptState::Unknown));
    EXPECT_EQ(sent(), 1u);
    ASSERT_TRUE(resend("i1"));
    EXPECT_EQ(sent(), 2u);
}

TEST_F(NotifyChannels, RefusesAZoneThatIsNone) {
    const auto refused = settings({{"site.zone", "Asia/Atlantis"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::Configuration);
    EXPECT_NE(refused.error().message().find("site.zone"), std::string::npos);
    EXPECT_TRUE(settings({{"site.zone", "America/New_York"}}));
    EXPECT_TRUE(settings({{"site.zone", "+05:30"}}));
    EXPECT_FALSE(settings({{"notify.reminder_quiet", "22:00"}}));
    EXPECT_FALSE(settings({{"notify.reminder_quiet", "22:00-22:00"}}));
    EXPECT_TRUE(settings({{"notify.reminder_quiet", ""}}));
    EXPECT_FALSE(settings({{"notify.sms.provider", "pigeon"}}));
}

TEST(QuietHours, HoldFromTheirBeginningToBeforeTheirEnd) {
    const auto zone = *schemas::ZoneRule::parse("CST-8");
    const auto until = [&](std::string_view at, std::string_view from,
                           std::string_view to) -> std::string {
        const auto end = processors::quiet_until(zone, from, to, ReceivedTime(*parse_rfc3339(at)));
        return end ? to_rfc3339(*end) : "";
    };
    EXPECT_EQ(until("2026-11-21T21:59:59+08:00", "22:00", "07:00"), "");
    EXPECT_EQ(until("2026-11-21T22:00:00+08:00", "22:00", "07:00"), "2026-11-21T23:00:00Z");
    EXPECT_EQ(until("2026-11-22T06:59:59+08:00", "22:00", "07:00"), "2026-11-21T23:00:00Z");
    EXPECT_EQ(until("2026-11-22T07:00:00+08:00", "22:00", "07:00"), "");
    EXPECT_EQ(until("2026-11-22T12:30:00+08:00", "12:00", "14:00"), "2026-11-22T06:00:00Z");
    EXPECT_EQ(until("2026-11-22T14:00:00+08:00", "12:00", "14:00"), "");
    EXPECT_EQ(until("2026-11-22T23:30:00+08:00", "20:00", "24:00"), "2026-11-22T16:00:00Z");
    EXPECT_EQ(until("2026-11-22T12:00:00+08:00", "12:00", "12:00"), "");
    EXPECT_EQ(until("2026-11-22T12:00:00+08:00", "noon", "24:30"), "");
}

TEST(QuietHours, EndOnceWhereClocksAreSetBackOverTheirEnd) {
    const auto berlin = *schemas::ZoneRule::parse("CET-1CEST,M3.5.0,M10.5.0/3");
    // 02:30 comes twice on 25 October 2026: at 00:30 and at 01:30 UTC.
    const auto at = [&](std::string_view utc) {
        return processors::quiet_until(berlin, "22:00", "02:30", ReceivedTime(*parse_rfc3339(utc)));
    };
    EXPECT_EQ(to_rfc3339(*at("2026-10-25T00:29:00Z")), "2026-10-25T00:30:00Z");
    EXPECT_FALSE(at("2026-10-25T00:30:00Z"));
    EXPECT_FALSE(at("2026-10-25T01:10:00Z")) << "02:10 once more";
}

}  // namespace
}  // namespace vitalog::tests
