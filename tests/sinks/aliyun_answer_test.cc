#include <gtest/gtest.h>

#include "sinks/aliyun/answer.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

SendOutcome refused(const std::string& code, int status = 200) {
    return classify_send_answer(status,
                                R"({"Code":")" + code + R"(","Message":"m","RequestId":"r"})");
}

TEST(SendAnswer, OkIsAcceptedUnderItsBizId) {
    const auto out = classify_send_answer(
        200, R"({"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"F655"})");
    EXPECT_EQ(out.state, ReceiptState::Accepted);
    EXPECT_EQ(out.provider_id, "900619746936498440^0");
}

TEST(SendAnswer, LimitsAndSystemErrorsMayBeTriedLater) {
    for (const char* code :
         {"isv.BUSINESS_LIMIT_CONTROL", "isp.SYSTEM_ERROR", "isp.RAM_PERMISSION_DENY",
          "Throttling.User", "ServiceUnavailable", "SignatureNonceUsed"}) {
        const auto out = refused(code);
        EXPECT_EQ(out.state, ReceiptState::NotSent) << code;
        EXPECT_TRUE(out.retryable) << code;
        EXPECT_FALSE(out.configuration) << code;
    }
}

TEST(SendAnswer, FaultsOfConfigurationAreNotTriedAgainAndAreLoud) {
    for (const char* code :
         {"isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_TEMPLATE_ILLEGAL",
          "isv.TEMPLATE_MISSING_PARAMETERS", "isv.PARAM_LENGTH_LIMIT", "isv.PARAM_NOT_SUPPORT_URL",
          "isv.BLACK_KEY_CONTROL_LIMIT", "isv.INVALID_JSON_PARAM", "isv.OUT_OF_SERVICE",
          "isv.AMOUNT_NOT_ENOUGH", "isv.SOMETHING_NEW"}) {
        const auto out = refused(code);
        EXPECT_EQ(out.state, ReceiptState::NotSent) << code;
        EXPECT_FALSE(out.retryable) << code;
        EXPECT_TRUE(out.configuration) << code;
    }
    EXPECT_TRUE(refused("SignatureDoesNotMatch", 400).configuration);
    EXPECT_TRUE(refused("InvalidAccessKeyId.NotFound", 404).configuration);
}

TEST(SendAnswer, ABadNumberFailsForGood) {
    EXPECT_EQ(refused("isv.MOBILE_NUMBER_ILLEGAL").state, ReceiptState::Failed);
}

TEST(SendAnswer, WhatMayHideASendIsUnknown) {
    EXPECT_EQ(classify_send_answer(502, "<html>Bad Gateway</html>").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_send_answer(200, "").state, ReceiptState::Unknown);
    EXPECT_EQ(classify_send_answer(408, "").state, ReceiptState::Unknown);
    EXPECT_EQ(refused("InternalError", 500).state, ReceiptState::Unknown);
}

TEST(SendAnswer, ARefusalByAProxyIsNotSent) {
    EXPECT_EQ(classify_send_answer(403, "forbidden").state, ReceiptState::NotSent);
    EXPECT_FALSE(classify_send_answer(403, "forbidden").retryable);
    EXPECT_TRUE(classify_send_answer(429, "").retryable);
}

std::string details(const std::string& items) {
    return R"({"Code":"OK","Message":"OK","TotalCount":"2","SmsSendDetailDTOs":{"SmsSendDetailDTO":[)" +
           items + "]}}";
}

TEST(SendDetails, FindTheAttemptByItsOutId) {
    const std::string other = R"({"OutId":"r|i|other","SendStatus":3,"ErrCode":"DELIVERED"},)";
    for (const auto& [status, state] :
         {std::pair(1, ReceiptState::Accepted), std::pair(2, ReceiptState::Failed),
          std::pair(3, ReceiptState::Delivered)}) {
        const auto page =
            read_send_details(200,
                              details(other + R"({"OutId":"r|i|a","ErrCode":"X","SendStatus":)" +
                                      std::to_string(status) + "}"),
                              "r|i|a");
        EXPECT_EQ(page.outcome.found, QueryOutcome::Found::Yes);
        EXPECT_EQ(page.outcome.state, state);
        EXPECT_EQ(page.outcome.code, "X");
    }
}

TEST(SendDetails, DenyOnlyWhatWasAnswered) {
    const auto none = read_send_details(200, details(R"({"OutId":"x","SendStatus":3})"), "r|i|a");
    EXPECT_EQ(none.outcome.found, QueryOutcome::Found::No);
    EXPECT_EQ(none.total, 2);
    EXPECT_EQ(none.on_page, 1U);
    EXPECT_EQ(read_send_details(200, R"({"Code":"OK","TotalCount":0})", "a").outcome.found,
              QueryOutcome::Found::No);
    for (const auto& [status, body] : {std::pair(200, "<html>"), std::pair(500, R"({"Code":"OK"})"),
                                       std::pair(200, R"({"Code":"isp.SYSTEM_ERROR"})")})
        EXPECT_EQ(read_send_details(status, body, "a").outcome.found,
                  QueryOutcome::Found::Unavailable)
            << body;
}

}  // namespace
}  // namespace vitalog::sinks
