#include "sinks/gateway_sim/gateway_sim.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "ingest/http/server.h"
#include "sinks/aliyun/answer.h"
#include "sinks/aliyun/client.h"
#include "tests/sinks/set_clock.h"
#include "tests/support/soon.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;
using schemas::ReceiptState;

/// The Code of an answer.
std::string classify_code(const std::string& body) {
    return classify_send_answer(200, body).code;
}

class GatewaySimTest : public testing::Test {
  protected:
    GatewaySimTest() { start({}); }
    ~GatewaySimTest() override {
        sim_->stop();
        server_->stop();
    }
    void start(std::string receipts_to) {
        if (server_ != nullptr) {
            sim_->stop();
            server_->stop();
        }
        GatewaySimConfig config;
        config.key_id = "testid";
        config.key_secret = "testsecret";
        config.templates = {
            {"SMS_100", {"name"}, false}, {"SMS_200", {"code"}, true}, {"SMS_300", {}, false}};
        config.receipts_to = std::move(receipts_to);
        config.receipt_delay = 20ms;
        sim_ = std::make_unique<GatewaySim>(config, clock_);
        server_ = std::make_unique<ingest::HttpServer>(ingest::HttpServerOptions{});
        sim_->register_routes(*server_);
        ASSERT_TRUE(server_->start());
        aliyun_.url = "http://" + server_->address();
        aliyun_.key_id = "testid";
        aliyun_.key_secret = "testsecret";
        client_ = std::make_unique<AliyunSms>(aliyun_, clock_);
    }
    static Attempt attempt(std::string id = "a1") {
        Attempt out;
        out.recipient = "user:li";
        out.intent = "i1";
        out.attempt = std::move(id);
        out.to = "13900000001";
        out.template_code = "SMS_100";
        out.params = {{"name", "张三 a+b&c"}};
        return out;
    }
    SendOutcome send(const Attempt& what) { return client_->send(what); }
    QueryOutcome query(const Attempt& what) { return client_->query(what, clock_.now()); }
    ClientResponse http(std::string method, std::string path, std::string body = "") {
        HttpClient client;
        const auto out = client.send(
            {std::move(method), "http://" + server_->address() + path, {}, std::move(body)});
        EXPECT_EQ(out.fate, HttpFate::Answered) << out.reason;
        return out.response;
    }

    SetClock clock_;
    std::unique_ptr<ingest::HttpServer> server_;
    std::unique_ptr<GatewaySim> sim_;
    AliyunConfig aliyun_;
    std::unique_ptr<AliyunSms> client_;
};

TEST_F(GatewaySimTest, TakesASignedMessageAndListsIt) {
    const auto out = send(attempt());
    ASSERT_EQ(out.state, ReceiptState::Accepted) << out.code << " " << out.message;
    EXPECT_FALSE(out.provider_id.empty());
    const auto sent = http("GET", "/sent").body;
    EXPECT_NE(
        sent.find(
            R"("channel":"sms","to":"13900000001","template":"SMS_100","params":{"name":"张三 a+b&c"},"intent":"i1")"),
        std::string::npos)
        << sent;
}

TEST_F(GatewaySimTest, RefusesAWrongSecretKeyDateAndNonce) {
    auto wrong = aliyun_;
    wrong.key_secret = "other";
    EXPECT_EQ(AliyunSms(wrong, clock_).send(attempt()).code, "SignatureDoesNotMatch");
    wrong = aliyun_;
    wrong.key_id = "other";
    EXPECT_EQ(AliyunSms(wrong, clock_).send(attempt()).code, "InvalidAccessKeyId.NotFound");
    const NameValues query{
        {"PhoneNumbers", "13900000001"}, {"SignName", "健康管理"}, {"TemplateCode", "SMS_300"}};
    const auto raw = [&](LogTime date, const std::string& nonce) {
        HttpClient client;
        const auto answer =
            client.send(AliyunSms::signed_request(aliyun_, "SendSms", query, date, nonce));
        return classify_code(answer.response.body);
    };
    EXPECT_EQ(raw(clock_.now() - 15min, "n1"), "OK");
    EXPECT_EQ(raw(clock_.now() - 15min - 1s, "n2"), "InvalidTimeStamp.Expired");
    EXPECT_EQ(raw(clock_.now() + 15min + 1s, "n3"), "InvalidTimeStamp.Expired");
    EXPECT_EQ(raw(clock_.now(), "n1"), "SignatureNonceUsed");
    EXPECT_EQ(sim_->sent_count(), 1U);
}

TEST_F(GatewaySimTest, RefusesAnAlteredParameter) {
    auto request = AliyunSms::signed_request(
        aliyun_, "SendSms",
        {{"PhoneNumbers", "13900000001"}, {"SignName", "健康管理"}, {"TemplateCode", "SMS_300"}},
        clock_.now(), "n1");
    request.url.replace(request.url.find("13900000001"), 11, "13900000002");
    EXPECT_EQ(classify_code(HttpClient().send(request).response.body), "SignatureDoesNotMatch");
}

TEST_F(GatewaySimTest, ChecksSignTemplateVariablesAndNumber) {
    auto wrong_sign = aliyun_;
    wrong_sign.sign = "别的";
    EXPECT_EQ(AliyunSms(wrong_sign, clock_).send(attempt("other")).code,
              "isv.SMS_SIGNATURE_ILLEGAL");
    const auto code_of = [&](auto change) {
        Attempt changed = attempt();
        change(changed);
        return send(changed).code;
    };
    EXPECT_EQ(code_of([](Attempt& a) { a.template_code = "SMS_999"; }), "isv.SMS_TEMPLATE_ILLEGAL");
    EXPECT_EQ(code_of([](Attempt& a) { a.params.clear(); }), "isv.TEMPLATE_MISSING_PARAMETERS");
    EXPECT_EQ(code_of([](Attempt& a) { a.params[0].second = "see http://x"; }),
              "isv.PARAM_NOT_SUPPORT_URL");
    EXPECT_EQ(code_of([](Attempt& a) { a.params[0].second = std::string(36, 'x'); }),
              "isv.PARAM_LENGTH_LIMIT");
    EXPECT_EQ(code_of([](Attempt& a) { a.params[0].second = std::string(35, 'x'); }), "OK");
    for (const char* phone :
         {"1390000000", "23900000001", "12900000001", "139000000011", "1390000000x"})
        EXPECT_EQ(code_of([&](Attempt& a) { a.to = phone; }), "isv.MOBILE_NUMBER_ILLEGAL") << phone;
    EXPECT_EQ(code_of([](Attempt& a) { a.to = "+8613900000001"; }), "OK");
}

TEST_F(GatewaySimTest, LimitsNoticesPerDayAndCodesPerMinute) {
    for (int i = 0; i < 50; ++i) ASSERT_EQ(send(attempt()).code, "OK") << i;
    EXPECT_EQ(send(attempt()).code, "isv.BUSINESS_LIMIT_CONTROL");
    Attempt other = attempt();
    other.to = "13900000002";
    EXPECT_EQ(send(other).code, "OK");
    Attempt code = attempt();
    code.template_code = "SMS_200";
    code.params = {{"code", "1234"}};
    EXPECT_EQ(send(code).code, "OK");
    clock_.advance(59s);
    EXPECT_EQ(send(code).code, "isv.BUSINESS_LIMIT_CONTROL");
    clock_.advance(1s);
    EXPECT_EQ(send(code).code, "OK");
    clock_.advance(24h);
    EXPECT_EQ(send(attempt()).code, "OK");
}

TEST_F(GatewaySimTest, AnswersQueriesByPhoneDayAndOutId) {
    EXPECT_EQ(query(attempt()).found, QueryOutcome::Found::No);
    ASSERT_EQ(send(attempt()).code, "OK");
    auto found = query(attempt());
    EXPECT_EQ(found.found, QueryOutcome::Found::Yes);
    EXPECT_EQ(found.state, ReceiptState::Accepted);
    clock_.advance(1s);
    EXPECT_EQ(query(attempt()).state, ReceiptState::Delivered);
    EXPECT_EQ(query(attempt("a2")).found, QueryOutcome::Found::No);
    clock_.advance(24h);
    EXPECT_EQ(query(attempt()).found, QueryOutcome::Found::Yes);
}

TEST_F(GatewaySimTest, PagesThroughManyMessages) {
    GatewaySimConfig config;
    for (int i = 0; i < 40; ++i) ASSERT_EQ(send(attempt("first" + std::to_string(i))).code, "OK");
    Attempt other = attempt();
    other.template_code = "SMS_300";
    other.params.clear();
    for (int i = 0; i < 40; ++i) ASSERT_EQ(send(other).code, "OK");
    EXPECT_EQ(query(attempt("first0")).found, QueryOutcome::Found::Yes);
    EXPECT_EQ(query(attempt("nobody")).found, QueryOutcome::Found::No);
}

TEST_F(GatewaySimTest, FailsOnRequest) {
    EXPECT_EQ(http("POST", "/fail", R"({"next":1,"as":"error"})").status, 200);
    EXPECT_EQ(send(attempt()).code, "isp.SYSTEM_ERROR");
    http("POST", "/fail", R"({"next":1,"as":"limit"})");
    EXPECT_EQ(send(attempt()).code, "isv.BUSINESS_LIMIT_CONTROL");
    aliyun_.timeout = 500ms;
    AliyunSms hasty(aliyun_, clock_);
    http("POST", "/fail", R"({"next":1,"as":"timeout"})");
    EXPECT_EQ(hasty.send(attempt("held")).state, ReceiptState::Unknown);
    EXPECT_EQ(sim_->sent_count(), 0U);
    http("POST", "/fail", R"({"next":1,"as":"after-send"})");
    EXPECT_EQ(hasty.send(attempt("held")).state, ReceiptState::Unknown);
    EXPECT_TRUE(tests::soon([&] { return sim_->sent_count() == 1; })) << "it books what it holds";
    EXPECT_EQ(query(attempt("held")).found, QueryOutcome::Found::Yes);
    EXPECT_EQ(send(attempt("a2")).code, "OK");
    EXPECT_EQ(http("POST", "/fail", R"({"next":1,"as":"storm"})").status, 400);
}

TEST_F(GatewaySimTest, PushesReceiptsUntilTheyAreTaken) {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> bodies;
    ingest::HttpServer receiver({});
    receiver.route("POST", "/receipts/aliyun", [&](HttpRequest request, Respond respond) {
        const std::lock_guard lock(mutex);
        bodies.push_back(request.body);
        HttpResponse response;
        response.body =
            bodies.size() == 1 ? R"({"code":500,"msg":"later"})" : R"({"code":0,"msg":"ok"})";
        respond(std::move(response));
        changed.notify_all();
    });
    ASSERT_TRUE(receiver.start());
    start("http://" + receiver.address() + "/receipts/aliyun");
    const auto out = send(attempt());
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 60s, [&] { return bodies.size() == 2; }));
    EXPECT_EQ(bodies[0], bodies[1]);
    EXPECT_EQ(
        bodies[0],
        R"([{"phone_number":"13900000001","send_time":")" + china_time(clock_.now()) +
            R"(","report_time":")" + china_time(clock_.now()) +
            R"(","success":true,"err_code":"DELIVERED","err_msg":"用户接收成功","sms_size":"1","biz_id":")" +
            out.provider_id + R"(","out_id":"user:li|i1|a1"}])");
    lock.unlock();
    sim_->stop();
    receiver.stop();
}

}  // namespace
}  // namespace vitalog::sinks
