#include <gtest/gtest.h>

#include "sinks/aliyun/client.h"
#include "sinks/aliyun/signature.h"

namespace vitalog::sinks {
namespace {

/// What the provider's own Python client sent (captured on loopback; key id testid, secret
/// testsecret).
Acs3Request captured() {
    Acs3Request request;
    request.query = {{"OutId", "intent-1"},
                     {"PhoneNumbers", "13900000001"},
                     {"SignName", "健康管理"},
                     {"TemplateCode", "SMS_15305****"},
                     {"TemplateParam", R"({"code":"张三 a+b&c"})"}};
    request.signed_headers = {
        {"host", "127.0.0.1:18099"},
        {"x-acs-version", "2017-05-25"},
        {"x-acs-action", "SendSms"},
        {"user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2"},
        {"x-acs-date", "2026-11-21T06:45:56Z"},
        {"x-acs-signature-nonce", "9063c5488d17d92befdc31bdf7337f43"},
        {"accept", "application/json"},
        {"x-acs-content-sha256",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"x-acs-credentials-provider", "static_ak"}};
    request.body_sha256 = sha256_hex("");
    return request;
}

constexpr std::string_view kCapturedAuthorization =
    "ACS3-HMAC-SHA256 "
    "Credential=testid,SignedHeaders=accept;host;user-agent;x-acs-action;x-acs-content-sha256;"
    "x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
    "Signature=d3d486380d6b59c846cced07f42871c8c5f64ebf1af9653a2092add233fc1fd6";

TEST(Acs3Signature, EqualsThatOfTheProvidersOwnClient) {
    EXPECT_EQ(acs3_authorization(captured(), "testid", "testsecret"), kCapturedAuthorization);
}

TEST(Acs3Signature, DependsOnEveryPart) {
    const std::string base = acs3_signature(captured(), "testsecret");
    EXPECT_NE(acs3_signature(captured(), "testsecreu"), base);
    auto query = captured();
    query.query[0].second = "intent-2";
    EXPECT_NE(acs3_signature(query, "testsecret"), base);
    auto header = captured();
    header.signed_headers[4].second = "2026-11-21T06:45:57Z";
    EXPECT_NE(acs3_signature(header, "testsecret"), base);
}

TEST(Acs3Signature, DoesNotDependOnTheOrderGiven) {
    auto request = captured();
    std::reverse(request.query.begin(), request.query.end());
    std::reverse(request.signed_headers.begin(), request.signed_headers.end());
    EXPECT_EQ(acs3_signature(request, "testsecret"), acs3_signature(captured(), "testsecret"));
}

TEST(Rfc3986Escape, KeepsOnlyUnreservedCharacters) {
    EXPECT_EQ(rfc3986_escape("aZ09-_.~"), "aZ09-_.~");
    EXPECT_EQ(rfc3986_escape(" +*/=&%张"), "%20%2B%2A%2F%3D%26%25%E5%BC%A0");
}

TEST(Acs3Authorization, IsTakenApartAgain) {
    const auto parts = parse_acs3_authorization(kCapturedAuthorization);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->key_id, "testid");
    EXPECT_EQ(parts->signed_headers.size(), 9U);
    EXPECT_EQ(parts->signature.size(), 64U);
}

TEST(Acs3Authorization, RefusesOtherSchemesAndMissingParts) {
    for (const char* text :
         {"", "Bearer x", "ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host",
          "ACS3-HMAC-SHA256X Credential=a,SignedHeaders=host,Signature=b"})
        EXPECT_FALSE(parse_acs3_authorization(text)) << text;
}

TEST(AliyunRequest, CarriesParametersInTheQueryAndSignsThem) {
    AliyunConfig config;
    config.url = "http://127.0.0.1:18099";
    config.key_id = "testid";
    config.key_secret = "testsecret";
    const auto request =
        AliyunSms::signed_request(config, "SendSms", {{"OutId", "r|i|a"}, {"PhoneNumbers", "139"}},
                                  LogTime(*parse_rfc3339("2026-11-21T06:45:56.789Z")), "nonce-1");
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "http://127.0.0.1:18099/?OutId=r%7Ci%7Ca&PhoneNumbers=139");
    EXPECT_TRUE(request.body.empty());
    bool dated = false;
    for (const auto& [name, value] : request.headers) {
        EXPECT_EQ(value.find("testsecret"), std::string::npos);
        if (name == "x-acs-date") dated = value == "2026-11-21T06:45:56Z";
    }
    EXPECT_TRUE(dated);
}

TEST(ChinaTime, IsEightHoursAhead) {
    const LogTime at(*parse_rfc3339("2026-11-21T16:30:00Z"));
    EXPECT_EQ(china_day(at), "20261122");
    EXPECT_EQ(china_time(at), "2026-11-22 00:30:00");
}

TEST(AliyunConfig, NamesWhatIsMissing) {
    AliyunConfig config;
    EXPECT_NE(check(config).error().message().find("VITALOG_ALIYUN_KEY_ID"), std::string::npos);
    config.key_id = "a";
    config.key_secret = "b";
    EXPECT_TRUE(check(config));
    config.url = "ftp://x";
    EXPECT_NE(check(config).error().message().find("notify.aliyun.url"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::sinks
