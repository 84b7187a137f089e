#include "sinks/fhir/gateway_api.h"

#include <gtest/gtest.h>

#include <future>

#include "schemas/events/message.h"
#include "sinks/fhir/receipts_api.h"
#include "sinks/wechat/callback.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;
using schemas::Topic;

/// A site whose SMS a hospital's gateway sends.
struct Site {
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    GatewayApi api{log, log, clock, {{{"sms", "send.sms"}}, {"wechat", "wecom"}, {}}};
    FakeRouter router;

    Site() { api.register_routes(router); }

    void issue(const std::string& attempt) {
        const std::string recipient = "user:" + attempt;
        schemas::Send send;
        send.intent = "i";
        send.attempt = attempt;
        send.recipient = recipient;
        send.to = "13900000001";
        send.template_name = "SMS_1";
        publish(log, Topic::SendSms, recipient, send);
    }
    /// Attempts in an answer, and where to go on.
    static std::vector<std::string> attempts(const HttpResponse& response) {
        std::vector<std::string> out;
        std::string_view rest = response.body;
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            out.push_back(member(std::string(rest.substr(0, end)), "/send/attempt"));
            rest.remove_prefix(end + 1);
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    static std::string next(const HttpResponse& response) {
        for (const auto& [name, value] : response.headers)
            if (name == "X-Next") return value;
        return "";
    }
};

TEST(Gateway, HandsOutEachAttemptFromTheCursorOn) {
    Site site;
    for (const char* attempt : {"a1", "a2", "a3", "a4"}) site.issue(attempt);
    const auto first = site.router.get("/gateway/sms?max=3&wait=0");
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.content_type, "application/x-ndjson");
    ASSERT_EQ(Site::attempts(first).size(), 3U);
    const auto rest = site.router.get("/gateway/sms?wait=0&from=" + Site::next(first));
    auto all = Site::attempts(first);
    const auto more = Site::attempts(rest);
    all.insert(all.end(), more.begin(), more.end());
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, (std::vector<std::string>{"a1", "a2", "a3", "a4"}));
    EXPECT_EQ(Site::attempts(site.router.get("/gateway/sms?wait=0&from=" + Site::next(rest))),
              std::vector<std::string>());
    // The cursor of a line goes on after that line.
    const std::string line = first.body.substr(0, first.body.find('\n'));
    EXPECT_EQ(
        Site::attempts(site.router.get("/gateway/sms?wait=0&from=" + member(line, "/next"))).size(),
        3U);
}

TEST(Gateway, GoesOnWhereItAskedLastWithoutACursor) {
    Site site;
    site.issue("a1");
    site.issue("a2");
    const auto first = site.router.get("/gateway/sms?wait=0");
    EXPECT_EQ(Site::attempts(first).size(), 2U);
    EXPECT_EQ(Site::attempts(site.router.get("/gateway/sms?wait=0")).size(), 2U)
        << "nothing says that it has them";
    EXPECT_EQ(site.api.lag(), 2);
    site.router.get("/gateway/sms?wait=0&from=" + Site::next(first));
    EXPECT_EQ(site.api.lag(), 0);
    EXPECT_EQ(Site::attempts(site.router.get("/gateway/sms?wait=0")).size(), 0U);
}

TEST(Gateway, WaitsForAnAttempt) {
    Site site;
    std::promise<HttpResponse> answered;
    site.router.start("GET", "/gateway/sms?wait=20", "", {},
                      [&](HttpResponse response) { answered.set_value(std::move(response)); });
    auto answer = answered.get_future();
    EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
    site.issue("a1");
    ASSERT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    EXPECT_EQ(Site::attempts(answer.get()), std::vector<std::string>{"a1"});
}

TEST(Gateway, AnswersThoseWhoWaitWhenItStops) {
    Site site;
    std::promise<HttpResponse> answered;
    site.router.start("GET", "/gateway/sms?wait=50", "", {},
                      [&](HttpResponse response) { answered.set_value(std::move(response)); });
    site.api.stop();
    const auto answer = answered.get_future().get();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "");
    EXPECT_FALSE(Site::next(answer).empty());
}

TEST(Gateway, RecordsWhoTookWhat) {
    Site site;
    site.issue("a1");
    site.router.get("/gateway/sms?wait=0", {"hospital-gateway", "gateway", {}});
    const auto audit = values_of(site.log, "audit");
    ASSERT_EQ(audit.size(), 1U);
    EXPECT_EQ(member(audit[0], "/user"), "hospital-gateway");
    EXPECT_EQ(member(audit[0], "/count"), "1");
    site.log.fail_appends(Error(Errc::Io, "full"));
    EXPECT_EQ(site.router.get("/gateway/sms?wait=0").status, 503) << "not audited, not shown";
}

TEST(Gateway, RefusesOthersAndWhatIsSentHere) {
    Site site;
    EXPECT_EQ(site.router.get("/gateway/sms?wait=0", {"d", "doctor", {}}).status, 403);
    EXPECT_EQ(site.router.get("/gateway/sms?wait=0", {"h", "hospital", {}}).status, 403);
    EXPECT_EQ(site.router.get("/gateway/sms?wait=0", {"g", "gateway", {}}).status, 200);
    EXPECT_EQ(site.router.get("/gateway/wechat?wait=0").status, 409);
    EXPECT_EQ(site.router.get("/gateway/pigeon?wait=0").status, 404);
    for (const char* query : {"from=x", "from=1_0", "from=1_0_x", "from=2_0_0", "from=1_0_0_0",
                              "from=1_0_99", "from=1_-1_0", "max=0", "max=x", "wait=x"})
        EXPECT_EQ(site.router.get("/gateway/sms?" + std::string(query)).status, 400) << query;
}

constexpr std::string_view kReceipt =
    R"({"recipient":"user:li","intent":"i","attempt":"a1","state":"delivered","code":"OK","at":"2026-11-21T08:00:00Z"})";

TEST(GatewayReceipts, AreOnDiskWhenTheyAreAnswered) {
    Site site;
    const std::string one(kReceipt);
    for (const auto& body : {one, "[" + one + "," + one + "]", one + "\n" + one + "\n"}) {
        const auto before = values_of(site.log, "feed.receipt").size();
        const auto answer = site.router.post("/gateway/sms/receipts", body);
        EXPECT_EQ(answer.status, 200) << answer.body;
        const auto count = values_of(site.log, "feed.receipt").size() - before;
        EXPECT_EQ(member(answer.body, "/accepted"), std::to_string(count));
    }
    std::vector<std::string> keys;
    const auto values = values_of(site.log, "feed.receipt", &keys);
    EXPECT_EQ(values.size(), 5U);
    EXPECT_EQ(keys[0], "user:li");
    EXPECT_EQ(values[0], kReceipt);
    site.log.fail_appends(Error(Errc::Busy, "full"));
    EXPECT_EQ(site.router.post("/gateway/sms/receipts", one).status, 503);
}

TEST(GatewayReceipts, AreAllTakenOrNone) {
    Site site;
    const std::string good(kReceipt);
    const std::string bad =
        R"({"recipient":"user:li","intent":"i","attempt":"a1","state":"lost","at":"2026-11-21T08:00:00Z"})";
    for (const std::string& body :
         {std::string(), std::string("x"), std::string("[]"), std::string("{}"), bad,
          good + "\n" + bad, std::string(R"({"state":"delivered","at":"2026-11-21T08:00:00Z"})"),
          std::string(R"({"recipient":"a","intent":"i","attempt":"b","state":"delivered"})")}) {
        const auto answer = site.router.post("/gateway/sms/receipts", body);
        EXPECT_EQ(answer.status, 400) << body;
    }
    EXPECT_NE(site.router.post("/gateway/sms/receipts", good + "\n" + bad).body.find("receipt 2"),
              std::string::npos);
    EXPECT_TRUE(values_of(site.log, "feed.receipt").empty());
    EXPECT_EQ(site.router.post("/gateway/wechat/receipts", good).status, 409);
    EXPECT_EQ(site.router.post("/gateway/sms/receipts", good, {"d", "doctor", {}}).status, 403);
}

/// The doors of the providers.
struct Doors {
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    ReceiptsApi api{log, clock, {"token1", {}}};
    FakeRouter router;

    Doors() { api.register_routes(router); }
    static std::string signed_by(std::string_view token) {
        return "/receipts/wechat?signature=" +
               wechat_callback_signature(token, "1409735669", "nonce1") +
               "&timestamp=1409735669&nonce=nonce1";
    }
    std::vector<std::string> keys() const {
        std::vector<std::string> keys;
        values_of(log, "feed.receipt", &keys);
        return keys;
    }
};

TEST(TencentReceipts, AreKeptUnderTheProvidersMessage) {
    Doors doors;
    const auto answer = doors.router.post(
        "/receipts/tencent",
        R"([{"user_receive_time":"2015-10-17 08:03:04","nationcode":"86","mobile":"13xxxxxxxxx","report_status":"SUCCESS","errmsg":"DELIVRD","description":"用户短信送达成功","sid":"2640:1"}])");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(member(answer.body, "/result"), "0");
    EXPECT_EQ(doors.keys(), std::vector<std::string>{"provider|tencent|2640:1"});
    EXPECT_EQ(doors.router.post("/receipts/tencent", "[{}]").status, 400);
    EXPECT_EQ(doors.router.post("/receipts/tencent", "x").status, 400);
}

TEST(WechatReceipts, AreTakenWhenTheAccountSignedThem) {
    Doors doors;
    const std::string event =
        "<xml><Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>200163836</MsgID>"
        "<Status><![CDATA[success]]></Status></xml>";
    const auto taken = doors.router.post(Doors::signed_by("token1"), event);
    EXPECT_EQ(taken.status, 200);
    EXPECT_EQ(taken.body, "success");
    EXPECT_EQ(doors.keys(), std::vector<std::string>{"provider|wechat|200163836"});
    EXPECT_EQ(doors.router.post(Doors::signed_by("other"), event).status, 403);
    EXPECT_EQ(doors.router.post("/receipts/wechat", event).status, 403);
    EXPECT_EQ(doors.router.post(Doors::signed_by("token1"), "<xml>").status, 400);
    EXPECT_EQ(doors.router
                  .post(Doors::signed_by("token1"),
                        "<xml><ToUserName>a</ToUserName><Encrypt>b</Encrypt></xml>")
                  .status,
              400);
    EXPECT_EQ(doors.keys().size(), 1U);
    // Another event is taken off the account's hands, and is no receipt.
    const auto other =
        doors.router.post(Doors::signed_by("token1"), "<xml><Event>subscribe</Event></xml>");
    EXPECT_EQ(other.body, "success");
    EXPECT_EQ(doors.keys().size(), 1U);
}

TEST(WechatReceipts, ProveWhoseTheAddressIs) {
    Doors doors;
    EXPECT_EQ(doors.router.get(Doors::signed_by("token1") + "&echostr=5678").body, "5678");
    EXPECT_EQ(doors.router.get(Doors::signed_by("other") + "&echostr=5678").status, 403);
    topology::MemoryLog log(all_topics());
    ReceiptsApi without(log, doors.clock);
    FakeRouter router;
    without.register_routes(router);
    EXPECT_EQ(router.get(Doors::signed_by("") + "&echostr=5678").status, 403)
        << "without a token nothing is signed";
}

}  // namespace
}  // namespace vitalog::sinks::fhir
