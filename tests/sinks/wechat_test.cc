#include <gtest/gtest.h>

#include "sinks/wechat/answer.h"
#include "sinks/wechat/callback.h"
#include "sinks/wechat/client.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

SendOutcome answered(int errcode) {
    return classify_wechat_send(
        200, R"({"errcode":)" + std::to_string(errcode) + R"(,"errmsg":"m","msgid":200228332})");
}

TEST(WechatCallback, IsSignedAsPublished) {
    EXPECT_EQ(wechat_callback_signature("token1", "1409735669", "nonce1"),
              "7e5296e30373a3801ce6ebe68c32fa7988aef6af");
}

TEST(WechatAnswer, Accepts) {
    EXPECT_EQ(answered(0).state, ReceiptState::Accepted);
    EXPECT_EQ(answered(0).provider_id, "200228332");
}

TEST(WechatAnswer, TriesLaterWhatIsForNow) {
    for (const int code : {-1, 43108, 45009, 40038, 40001, 40014, 42001}) {
        EXPECT_EQ(answered(code).state, ReceiptState::NotSent) << code;
        EXPECT_TRUE(answered(code).retryable) << code;
        EXPECT_FALSE(answered(code).configuration) << code;
    }
    for (const int code : {40001, 40014, 42001}) EXPECT_TRUE(is_token_error(code));
    EXPECT_FALSE(is_token_error(40003));
}

TEST(WechatAnswer, GivesUpAnAddress) {
    for (const int code : {40003, 43004, 43101}) {
        EXPECT_EQ(answered(code).state, ReceiptState::Failed) << code;
        EXPECT_FALSE(answered(code).configuration) << code;
    }
}

TEST(WechatAnswer, CallsForSomebody) {
    for (const int code : {43107, 40037, 47003, 45168, 40164, 48001}) {
        EXPECT_EQ(answered(code).state, ReceiptState::NotSent) << code;
        EXPECT_TRUE(answered(code).configuration) << code;
        EXPECT_FALSE(answered(code).retryable) << code;
    }
}

TEST(WechatAnswer, LeavesWhatItCantReadOpen) {
    EXPECT_EQ(classify_wechat_send(200, "").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_wechat_send(502, "<html>").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_wechat_send(200, R"({"msgid":1})").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_wechat_send(404, "").state, ReceiptState::NotSent);
}

TEST(WecomAnswer, IsTheLastWord) {
    const auto of = [](int code) {
        return classify_wecom_send(200, R"({"errcode":)" + std::to_string(code) + "}");
    };
    EXPECT_EQ(of(0).state, ReceiptState::Delivered);
    EXPECT_TRUE(of(45009).retryable);
    EXPECT_TRUE(of(-1).retryable);
    EXPECT_TRUE(of(93000).configuration);
    EXPECT_EQ(of(93000).state, ReceiptState::NotSent);
}

TEST(WechatToken, IsReadOrRefused) {
    const auto token = read_wechat_token(200, R"({"access_token":"T","expires_in":7200})");
    ASSERT_TRUE(token);
    EXPECT_EQ(token->token, "T");
    EXPECT_EQ(token->expires_in, std::chrono::seconds(7200));
    const auto code = [](int errcode) {
        return read_wechat_token(200, R"({"errcode":)" + std::to_string(errcode) + "}")
            .error()
            .code();
    };
    EXPECT_EQ(code(40125), Errc::Configuration);
    EXPECT_EQ(code(40013), Errc::Configuration);
    EXPECT_EQ(code(-1), Errc::Busy);
    EXPECT_EQ(code(45009), Errc::Busy);
    EXPECT_EQ(read_wechat_token(500, "no").error().code(), Errc::Busy);
    EXPECT_EQ(read_wechat_token(200, "{}").error().code(), Errc::Busy);
}

TEST(WechatClient, WritesWhatTheAccountWants) {
    Attempt attempt;
    attempt.to = "openid1";
    attempt.template_code = "t1";
    attempt.url = "https://h/x";
    attempt.intent = "intent-1";
    attempt.attempt = "attempt-1";
    attempt.params = {{"first", "您有一条新的健康提醒"}};
    EXPECT_EQ(
        WechatTemplates::send_body(attempt),
        R"({"touser":"openid1","template_id":"t1","url":"https://h/x","client_msg_id":"intent-1","data":{"first":{"value":"您有一条新的健康提醒"}}})");
    attempt.resend = true;
    EXPECT_NE(WechatTemplates::send_body(attempt).find(R"("client_msg_id":"attempt-1")"),
              std::string::npos);
}

}  // namespace
}  // namespace vitalog::sinks
