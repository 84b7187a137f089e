#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ingest/http/server.h"
#include "sinks/gateway_sim/gateway_sim.h"
#include "sinks/tencent/client.h"
#include "sinks/wechat/client.h"
#include "sinks/wecom/client.h"
#include "tests/sinks/set_clock.h"
#include "tests/support/soon.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;
using schemas::ReceiptState;

/// The simulator with every provider, and our clients of them.
class ProviderSims : public testing::Test {
  protected:
    ProviderSims() {
        GatewaySimConfig config;
        config.tencent.secret_id = "testid";
        config.tencent.secret_key = "testkey";
        config.tencent.templates = {{"100", 1}, {"200", 0}};
        config.wechat.appid = "wx1";
        config.wechat.secret = "secret";
        config.wechat.templates = {{"T1", {"thing1"}}};
        config.wecom.robots = {{"ward", "key-1"}};
        config.wechat.work = 50ms;
        config.receipt_delay = 20ms;
        sim_ = std::make_unique<GatewaySim>(config, clock_);
        server_ = std::make_unique<ingest::HttpServer>(ingest::HttpServerOptions{});
        sim_->register_routes(*server_);
        EXPECT_TRUE(server_->start());
        const std::string url = "http://" + server_->address();
        tencent_.url = wechat_.url = wecom_.url = url;
        tencent_.app_id = "1400006666";
        tencent_.secret_id = "testid";
        tencent_.secret_key = "testkey";
        wechat_.timeout = 5s;
        wechat_.appid = "wx1";
        wechat_.secret = "secret";
        wecom_.robots = {{"ward", "key-1"}, {"gone", "key-2"}};
    }
    ~ProviderSims() override {
        sim_->stop();
        server_->stop();
    }
    static Attempt sms(std::string id = "a1") {
        Attempt out;
        out.recipient = "user:li";
        out.intent = "i1";
        out.attempt = std::move(id);
        out.to = "13900000001";
        out.template_code = "100";
        out.params = {{"minutes", "60"}};
        return out;
    }
    static Attempt wechat(std::string user = "oPatient1", std::string intent = "i1") {
        Attempt out;
        out.intent = std::move(intent);
        out.attempt = "a1";
        out.to = std::move(user);
        out.template_code = "T1";
        out.params = {{"thing1", "您有一条新的健康提醒"}};
        return out;
    }
    void fail_next(int count, const std::string& as, const std::string& code = "") {
        HttpClient client;
        const std::string more = code.empty() ? "" : R"(,"code":")" + code + '"';
        const auto out = client.send(
            {"POST",
             "http://" + server_->address() + "/fail",
             {},
             R"({"next":)" + std::to_string(count) + R"(,"as":")" + as + '"' + more + "}"});
        ASSERT_EQ(out.response.status, 200) << out.response.body;
    }

    SetClock clock_;
    std::unique_ptr<GatewaySim> sim_;
    std::unique_ptr<ingest::HttpServer> server_;
    TencentConfig tencent_;
    WechatConfig wechat_;
    WecomConfig wecom_;
};

TEST_F(ProviderSims, TencentTakesASignedMessageAndKnowsItAfterwards) {
    TencentSms client(tencent_, clock_);
    const auto out = client.send(sms());
    ASSERT_EQ(out.state, ReceiptState::Accepted) << out.code << " " << out.message;
    EXPECT_FALSE(out.provider_id.empty());
    EXPECT_EQ(client.query(sms(), clock_.now()).found, QueryOutcome::Found::Unavailable)
        << "no receipt yet";
    clock_.advance(1s);
    const auto found = client.query(sms(), clock_.now() - 1s);
    EXPECT_EQ(found.found, QueryOutcome::Found::Yes);
    EXPECT_EQ(found.state, ReceiptState::Delivered);
    EXPECT_EQ(client.query(sms("other"), clock_.now()).found, QueryOutcome::Found::Unavailable);
}

TEST_F(ProviderSims, TencentRefusesWhatItRefuses) {
    const auto code = [&](const TencentConfig& config, const Attempt& attempt) {
        return TencentSms(config, clock_).send(attempt).code;
    };
    auto config = tencent_;
    config.secret_key = "other";
    EXPECT_EQ(code(config, sms()), "AuthFailure.SignatureFailure");
    config = tencent_;
    config.secret_id = "other";
    EXPECT_EQ(code(config, sms()), "AuthFailure.SecretIdNotFound");
    config = tencent_;
    config.app_id = "1";
    EXPECT_EQ(code(config, sms()), "UnauthorizedOperation.SmsSdkAppIdVerifyFail");
    config = tencent_;
    config.sign = "别的";
    EXPECT_EQ(code(config, sms()), "FailedOperation.SignatureIncorrectOrUnapproved");
    auto attempt = sms();
    attempt.template_code = "999";
    EXPECT_EQ(code(tencent_, attempt), "FailedOperation.TemplateIncorrectOrUnapproved");
    attempt = sms();
    attempt.params.clear();
    EXPECT_EQ(code(tencent_, attempt), "FailedOperation.TemplateParamSetNotMatchApprovedTemplate");
    attempt = sms();
    attempt.params = {{"minutes", std::string(13, '1')}};
    EXPECT_EQ(code(tencent_, attempt), "InvalidParameterValue.TemplateParameterLengthLimit");
    attempt = sms();
    attempt.to = "12345";
    EXPECT_EQ(code(tencent_, attempt), "InvalidParameterValue.IncorrectPhoneNumber");
    HttpClient raw;
    const auto old =
        raw.send(TencentSms::signed_request(tencent_, "SendSms", "{}", clock_.now() - 5min - 1s));
    EXPECT_NE(old.response.body.find("AuthFailure.SignatureExpire"), std::string::npos);
}

TEST_F(ProviderSims, TencentLimitsEachNumber) {
    TencentSms client(tencent_, clock_);
    EXPECT_EQ(client.send(sms()).state, ReceiptState::Accepted);
    clock_.advance(29s);
    EXPECT_EQ(client.send(sms()).code, "LimitExceeded.PhoneNumberThirtySecondLimit");
    clock_.advance(1s);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(client.send(sms()).state, ReceiptState::Accepted);
        clock_.advance(30s);
    }
    EXPECT_EQ(client.send(sms()).code, "LimitExceeded.PhoneNumberOneHourLimit");
}

TEST_F(ProviderSims, TencentFailsOnRequest) {
    TencentSms client(tencent_, clock_);
    tencent_.timeout = 500ms;
    TencentSms hasty(tencent_, clock_);
    fail_next(1, "timeout");
    EXPECT_EQ(hasty.send(sms()).state, ReceiptState::Unknown);
    EXPECT_EQ(sim_->sent_count(), 0U);
    fail_next(1, "after-send");
    EXPECT_EQ(hasty.send(sms()).state, ReceiptState::Unknown);
    EXPECT_TRUE(tests::soon([&] { return sim_->sent_count() == 1; })) << "it books what it holds";
    fail_next(1, "limit");
    EXPECT_TRUE(client.send(sms()).retryable);
    fail_next(1, "error");
    EXPECT_EQ(client.send(sms()).state, ReceiptState::Unknown);
    fail_next(1, "code", "FailedOperation.PhoneNumberInBlacklist");
    EXPECT_EQ(client.send(sms()).state, ReceiptState::Failed);
}

TEST_F(ProviderSims, WechatTakesATemplateMessageWithAStableToken) {
    WechatTemplates client(wechat_, clock_);
    const auto out = client.send(wechat());
    ASSERT_EQ(out.state, ReceiptState::Accepted) << out.code << " " << out.message;
    EXPECT_FALSE(out.provider_id.empty());
    EXPECT_EQ(client.send(wechat()).provider_id, out.provider_id)
        << "the same user and client_msg_id within ten minutes are one message";
    EXPECT_EQ(sim_->sent_count(), 1U);
    clock_.advance(10min + 1s);
    EXPECT_NE(client.send(wechat()).provider_id, out.provider_id);
    auto again = wechat();
    again.resend = true;
    EXPECT_EQ(client.send(again).state, ReceiptState::Accepted);
    EXPECT_EQ(sim_->sent_count(), 3U) << "an operator's resend is no repeat";
}

TEST_F(ProviderSims, WechatTokensAreRenewedBeforeTheyEndAndWhenRefused) {
    WechatTemplates client(wechat_, clock_);
    EXPECT_EQ(client.send(wechat("oPatient1", "i1")).state, ReceiptState::Accepted);
    clock_.advance(2h);
    EXPECT_EQ(client.send(wechat("oPatient1", "i2")).state, ReceiptState::Accepted);
    // Somebody forces a new one: ours is invalid at once, and is replaced within the send.
    HttpClient other;
    const auto forced = other.send(
        {"POST",
         wechat_.url + "/cgi-bin/stable_token",
         {},
         R"({"grant_type":"client_credential","appid":"wx1","secret":"secret","force_refresh":true})"});
    ASSERT_EQ(forced.response.status, 200);
    EXPECT_EQ(client.send(wechat("oPatient1", "i3")).state, ReceiptState::Accepted);
    EXPECT_EQ(sim_->sent_count(), 3U);
}

TEST_F(ProviderSims, WechatForcesATokenOnlyNowAndThen) {
    WechatTemplates client(wechat_, clock_);
    // The API refuses the very token that it gives out: one is forced, which is refused too.
    fail_next(100, "code", "42001");
    const auto out = client.send(wechat());
    EXPECT_EQ(out.state, ReceiptState::NotSent);
    EXPECT_TRUE(out.retryable);
    EXPECT_EQ(out.code, "42001");
    clock_.advance(29s);
    EXPECT_EQ(client.send(wechat()).code, "no-token");
    clock_.advance(1s);
    EXPECT_EQ(client.send(wechat()).code, "42001") << "forced once more";
    fail_next(0, "error");
    EXPECT_EQ(client.send(wechat()).state, ReceiptState::Accepted);
}

TEST_F(ProviderSims, WechatRefusesAccountTemplateDataAndUser) {
    auto config = wechat_;
    config.secret = "other";
    const auto without = WechatTemplates(config, clock_).send(wechat());
    EXPECT_EQ(without.code, "no-token");
    EXPECT_TRUE(without.configuration);
    WechatTemplates client(wechat_, clock_);
    auto attempt = wechat();
    attempt.template_code = "T2";
    EXPECT_EQ(client.send(attempt).code, "40037");
    attempt = wechat();
    attempt.params = {{"other", "x"}};
    EXPECT_EQ(client.send(attempt).code, "47003");
    attempt = wechat();
    attempt.params = {{"thing1", "一二三四五六七八九十一二三四五六七八九十一"}};
    EXPECT_EQ(client.send(attempt).code, "47003");
    EXPECT_EQ(client.send(wechat("o|1234567")).code, "40003");
    for (const char* code : {"-1", "43108", "45009", "43004", "43101", "43107", "45168"}) {
        fail_next(1, "code", code);
        EXPECT_EQ(client.send(wechat("oPatient1", code)).code, code);
    }
}

TEST_F(ProviderSims, WechatTakesOneSendAtATimeForEachUser) {
    WechatTemplates client(wechat_, clock_);
    EXPECT_EQ(client.send(wechat("oPatient1", "first")).state, ReceiptState::Accepted);
    std::atomic<int> refused{0}, taken{0}, sent{0};
    for (int round = 0; round < 20 && refused == 0; ++round) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&] {
                const auto out = client.send(wechat("oPatient1", "i" + std::to_string(++sent)));
                if (out.code == "43108") ++refused;
                if (out.state == ReceiptState::Accepted) ++taken;
            });
        for (auto& thread : threads) thread.join();
    }
    EXPECT_EQ(refused + taken, sent);
    EXPECT_GE(refused, 1);
}

TEST_F(ProviderSims, WecomRobotsTakeTwentyAMinute) {
    WecomRobots client(wecom_);
    Attempt attempt;
    attempt.to = "ward|13800000001";
    attempt.text = "有一项新的健康管理任务，请登录处理。";
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(client.send(attempt).state, ReceiptState::Delivered) << i;
    const auto over = client.send(attempt);
    EXPECT_EQ(over.code, "45009");
    EXPECT_TRUE(over.retryable);
    clock_.advance(1min);
    EXPECT_EQ(client.send(attempt).state, ReceiptState::Delivered);
    attempt.to = "gone|";
    EXPECT_EQ(client.send(attempt).code, "93000");
    attempt.to = "nobody|";
    EXPECT_EQ(client.send(attempt).code, "unknown-robot");
    EXPECT_TRUE(client.send(attempt).configuration);
    attempt.to = "ward|";
    attempt.text = std::string(2'049, 'x');
    EXPECT_EQ(client.send(attempt).code, "40058");
}

}  // namespace
}  // namespace vitalog::sinks
