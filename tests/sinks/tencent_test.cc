#include <gtest/gtest.h>

#include "sinks/tencent/answer.h"
#include "sinks/tencent/client.h"
#include "sinks/tencent/signature.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

// What the provider's own client, version 3.1.153, sent for id `testid` and key `testkey`.
Tc3Request captured() {
    Tc3Request request;
    request.signed_headers = {{"content-type", "application/json"}, {"host", "127.0.0.1:18099"}};
    request.body =
        R"({"PhoneNumberSet": ["+8613900000001"], "SmsSdkAppId": "1400006666", "TemplateId": "449739", "SignName": "\u5065\u5eb7\u7ba1\u7406", "TemplateParamSet": ["\u5f20\u4e09", "5"], "SessionContext": "intent-1"})";
    request.timestamp = 1795243608;
    return request;
}

TEST(TencentSignature, IsThatOfTheProvidersOwnClient) {
    ASSERT_EQ(captured().body.size(), 204U);
    EXPECT_EQ(tc3_scope(captured()), "2026-11-21/sms/tc3_request");
    EXPECT_EQ(tc3_signature(captured(), "testkey"),
              "df9e5008ed05c894c5a4d9f5011d0397dee2fa3f02da106b7ec9b432a664343d");
    EXPECT_EQ(tc3_authorization(captured(), "testid", "testkey"),
              "TC3-HMAC-SHA256 Credential=testid/2026-11-21/sms/tc3_request, "
              "SignedHeaders=content-type;host, "
              "Signature=df9e5008ed05c894c5a4d9f5011d0397dee2fa3f02da106b7ec9b432a664343d");
}

TEST(TencentSignature, IsTakenApart) {
    const auto parts = parse_tc3_authorization(tc3_authorization(captured(), "testid", "testkey"));
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->secret_id, "testid");
    EXPECT_EQ(parts->scope, "2026-11-21/sms/tc3_request");
    EXPECT_EQ(parts->signed_headers, (std::vector<std::string>{"content-type", "host"}));
    for (const char* broken : {"", "TC3-HMAC-SHA256", "TC3-HMAC-SHA256 Credential=a",
                               "ACS3-HMAC-SHA256 Credential=a/b,SignedHeaders=c,Signature=d"})
        EXPECT_FALSE(parse_tc3_authorization(broken)) << broken;
}

std::string status_answer(std::string_view code) {
    return R"({"Response":{"SendStatusSet":[{"SerialNo":"2640:1","PhoneNumber":"+8613900000001","Fee":1,"SessionContext":"r|i|a","Code":")" +
           std::string(code) + R"(","Message":"m","IsoCode":"CN"}],"RequestId":"1"}})";
}
std::string error_answer(std::string_view code) {
    return R"({"Response":{"Error":{"Code":")" + std::string(code) +
           R"(","Message":"m"},"RequestId":"1"}})";
}

TEST(TencentAnswer, Accepts) {
    const auto out = classify_tencent_send(200, status_answer("Ok"));
    EXPECT_EQ(out.state, ReceiptState::Accepted);
    EXPECT_EQ(out.provider_id, "2640:1");
}

TEST(TencentAnswer, TriesLimitsLater) {
    for (const char* code :
         {"LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberDailyLimit",
          "LimitExceeded.DeliveryFrequencyLimit", "RequestLimitExceeded"})
        for (const auto& body : {status_answer(code), error_answer(code)}) {
            const auto out = classify_tencent_send(200, body);
            EXPECT_EQ(out.state, ReceiptState::NotSent) << code;
            EXPECT_TRUE(out.retryable) << code;
            EXPECT_FALSE(out.configuration) << code;
        }
}

TEST(TencentAnswer, GivesUpABadNumber) {
    for (const char* code :
         {"InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist"})
        EXPECT_EQ(classify_tencent_send(200, status_answer(code)).state, ReceiptState::Failed)
            << code;
}

TEST(TencentAnswer, CallsForSomebodyOtherwise) {
    for (const char* code :
         {"FailedOperation.SignatureIncorrectOrUnapproved",
          "FailedOperation.TemplateIncorrectOrUnapproved",
          "FailedOperation.InsufficientBalanceInSmsPackage", "FailedOperation.ContainSensitiveWord",
          "AuthFailure.SignatureFailure", "UnauthorizedOperation.SmsSdkAppIdVerifyFail",
          "InvalidParameterValue.TemplateParameterLengthLimit"}) {
        const auto out = classify_tencent_send(200, error_answer(code));
        EXPECT_EQ(out.state, ReceiptState::NotSent) << code;
        EXPECT_TRUE(out.configuration) << code;
        EXPECT_FALSE(out.retryable) << code;
    }
}

TEST(TencentAnswer, LeavesTroubleOfTheProviderOpen) {
    for (const char* code : {"InternalError.Timeout", "InternalError.SendAndRecvFail"})
        EXPECT_EQ(classify_tencent_send(200, error_answer(code)).state, ReceiptState::Unknown);
    EXPECT_EQ(classify_tencent_send(502, "<html>").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_tencent_send(200, "{}").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_tencent_send(403, "<html>").state, ReceiptState::NotSent);
    EXPECT_TRUE(classify_tencent_send(429, "").retryable);
}

TEST(TencentAnswer, FindsAnAttemptAmongTheStatuses) {
    const std::string body =
        R"({"Response":{"PullSmsSendStatusSet":[{"SessionContext":"x","ReportStatus":"SUCCESS"},{"SessionContext":"r|i|a","ReportStatus":"FAIL","Description":"空号"}],"RequestId":"1"}})";
    const auto page = read_tencent_statuses(200, body, "r|i|a");
    EXPECT_EQ(page.outcome.found, QueryOutcome::Found::Yes);
    EXPECT_EQ(page.outcome.state, ReceiptState::Failed);
    EXPECT_EQ(page.on_page, 2U);
    EXPECT_EQ(read_tencent_statuses(200, body, "other").outcome.found,
              QueryOutcome::Found::Unavailable)
        << "not listed does not mean not sent";
    EXPECT_EQ(read_tencent_statuses(200, error_answer("FailedOperation"), "r|i|a").outcome.code,
              "FailedOperation");
}

TEST(TencentClient, WritesNumbersAsE164) {
    EXPECT_EQ(e164("13900000001"), "+8613900000001");
    EXPECT_EQ(e164("+4915112345678"), "+4915112345678");
}

}  // namespace
}  // namespace vitalog::sinks
