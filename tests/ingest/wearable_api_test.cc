// POST /ingest/wearable: what it appends, and every answer.
#include "ingest/wearable/wearable_api.h"

#include <set>

#include "schemas/json_decode.h"
#include "tests/ingest/wearable_fixture.h"

namespace vitalog::ingest::wearable {
namespace {

using tests::answer;
using tests::data_point;
using tests::point;

/// A log that takes what it is given, knows repeats, and answers at once, later, or not at all.
class TakingLog : public FeedAppender {
  public:
    void append(FeedRecord record, AppendDone done) override {
        if (refuse_with) return done(tl::unexpected(*refuse_with));
        AppendReceipt receipt;
        if (record.ledger && !ledger_.insert(record.ledger->key).second)
            receipt.outcome = Appended::Repeat;
        else
            records.push_back(record);
        if (hold)
            held.push_back([done = std::move(done), receipt] { done(receipt); });
        else
            done(receipt);
    }
    std::vector<FeedRecord> records;
    std::optional<Error> refuse_with;
    bool hold = false;
    std::vector<std::function<void()>> held;

  private:
    std::set<std::string> ledger_;
};

class StandingClock : public Clock {
  public:
    LogTime now() const override { return LogTime(1'780'000'000'000'000); }
};

class Counts : public Metrics {
  public:
    void count(std::string_view name, const Labels& labels, double by) override {
        values[std::string(name) + "/" + labels.front().second] += by;
    }
    void gauge(std::string_view, const Labels&, double) override {}
    void observe(std::string_view, const Labels&, double) override {}
    std::map<std::string, double> values;
};

class Door : public Router {
  public:
    explicit Door(WearableApiOptions options = {}) : api({log, clock, counts}, {}, options) {
        api.register_routes(*this);
        EXPECT_TRUE(api.use_tables(schemas::builtin_files()).has_value());
    }
    void route(std::string method, std::string pattern, HttpHandler handler) override {
        EXPECT_EQ(method + " " + pattern, "POST /ingest/wearable");
        handler_ = std::move(handler);
    }
    /// The answer; status 0 while there is none.
    HttpResponse post(std::string body, std::string account = {},
                      std::string type = "application/json", std::string role = {}) {
        HttpRequest request;
        request.body = std::move(body);
        request.headers["content-type"] = std::move(type);
        request.caller.role = std::move(role);
        if (!account.empty()) request.query.emplace_back("account", std::move(account));
        const auto response = std::make_shared<HttpResponse>();
        response->status = 0;
        answers.push_back(response);
        handler_(std::move(request),
                 [response](HttpResponse given) { *response = std::move(given); });
        return *response;
    }

    TakingLog log;
    StandingClock clock;
    Counts counts;
    WearableApi api;
    std::vector<std::shared_ptr<HttpResponse>> answers;

  private:
    HttpHandler handler_;
};

const std::string kGood = point(R"("startTime":1704067200000)", "bpm", "70");
const std::string kBad = point(R"("startTime":1704067200000)", "bpm", "700");
const std::string kNothing = R"({"accepted":0,"duplicate":0,"rejected":0,"items":[]})";

std::string heart_rate(std::string_view user, std::string_view value = "60") {
    return data_point(
        "heart-rate",
        R"({"heart_rate":{"value":)" + std::string(value) +
            R"(,"unit":"beats/min"},"effective_time_frame":{"date_time":"2020-02-05T07:25:00Z"}})",
        R"("user_id":")" + std::string(user) + "\"");
}

std::string header_of(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return {};
}

TEST(WearableDoor, AppendsAnAnswerAsItCameUnderItsAccount) {
    Door door;
    const std::string body = answer(kGood);
    const auto response = door.post(body, "HUAWEI|u1");
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(response.body, R"({"accepted":1,"duplicate":0,"rejected":0,"items":[]})");
    ASSERT_EQ(door.log.records.size(), 1u);
    const FeedRecord& record = door.log.records[0];
    EXPECT_EQ(record.topic, "feed.wearable");
    EXPECT_EQ(record.key, "HUAWEI|u1");
    EXPECT_EQ(record.value, body);
    EXPECT_EQ(record.received, door.clock.now());
    EXPECT_EQ(Headers(record.headers).find(header::kFormat), "huawei");
    EXPECT_EQ(Headers(record.headers).find(header::kEndpoint), "wearable");
    EXPECT_EQ(Headers(record.headers).find(kRefusedHeader), "");
    EXPECT_EQ(door.counts.values["vitalog_wearable_items_total/accepted"], 1);
}

TEST(WearableDoor, GroupsPointsByAccount) {
    Door door;
    const std::string a1 = heart_rate("A|1"), b1 = heart_rate("B|1"), a2 = heart_rate("A|1", "61");
    const auto response = door.post("[" + a1 + "," + b1 + ",{}," + a2 + "]");
    EXPECT_EQ(response.body,
              R"({"accepted":3,"duplicate":0,"rejected":1,"items":[{"index":2,"status":"rejected",)"
              R"("reason":"member 'header' is required"}]})");
    ASSERT_EQ(door.log.records.size(), 2u);
    EXPECT_EQ(door.log.records[0].key, "A|1");
    EXPECT_EQ(door.log.records[0].value, a1 + "\n" + a2 + "\n");
    EXPECT_EQ(door.log.records[1].key, "B|1");
    EXPECT_EQ(door.log.records[1].value, b1 + "\n");
}

TEST(WearableDoor, PassesTheBodyOfOneAccountOnUntouched) {
    Door door;
    const std::string body = "[ " + heart_rate("A|1") + " ,\n" + heart_rate("A|1", "61") + "]\n";
    EXPECT_EQ(door.post(body).status, 202);
    ASSERT_EQ(door.log.records.size(), 1u);
    EXPECT_EQ(door.log.records[0].value, body);
}

TEST(WearableDoor, SaysWhichPointsItRefusedAndHowManyToIntake) {
    Door door;
    const auto response = door.post(answer(kGood + "," + kBad), "HUAWEI|u1");
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(response.body,
              R"({"accepted":1,"duplicate":0,"rejected":1,"items":[{"index":1,"status":"rejected",)"
              R"("reason":"700 /min of Heart rate is above the maximum 500"}]})");
    EXPECT_EQ(Headers(door.log.records.at(0).headers).find(kRefusedHeader), "1");
}

TEST(WearableDoor, AppendsNothingOfWhichNothingIsTaken) {
    Door door;
    EXPECT_EQ(door.post(answer(kBad), "HUAWEI|u1").status, 202);
    EXPECT_EQ(door.post("[]").body, kNothing);
    EXPECT_EQ(door.post(R"({"group":[]})", "HUAWEI|u1").body, kNothing);
    EXPECT_TRUE(door.log.records.empty());
}

TEST(WearableDoor, CallsABatchThatCameBeforeDuplicate) {
    Door door;
    const std::string both = heart_rate("A|1") + heart_rate("B|1");
    EXPECT_EQ(door.post(both).status, 202);
    EXPECT_EQ(door.post(both).body,
              R"({"accepted":0,"duplicate":2,"rejected":0,"items":[)"
              R"({"index":0,"status":"duplicate","reason":"the same batch came before"},)"
              R"({"index":1,"status":"duplicate","reason":"the same batch came before"}]})");
    EXPECT_EQ(door.post(answer(kGood), "A|1").body,
              R"({"accepted":1,"duplicate":0,"rejected":0,"items":[]})");
    EXPECT_EQ(door.post(answer(kGood), "A|2").body,
              R"({"accepted":1,"duplicate":0,"rejected":0,"items":[]})")
        << "the same bytes of another account";
    EXPECT_EQ(door.log.records.size(), 4u);
}

TEST(WearableDoor, AnswersOnlyOnceAllIsOnDisk) {
    Door door;
    door.log.hold = true;
    EXPECT_EQ(door.post(heart_rate("A|1") + heart_rate("B|1")).status, 0);
    door.log.held[1]();
    EXPECT_EQ(door.answers[0]->status, 0);
    door.log.held[0]();
    EXPECT_EQ(door.answers[0]->status, 202);
}

TEST(WearableDoor, RefusesWhatItCantRead) {
    Door door;
    for (const char* body : {"", "x", "{", "[1]", R"({"group":[{"sampleSet":[}]})"})
        EXPECT_EQ(door.post(body, "A|1").status, 400) << body;
    EXPECT_EQ(door.post(answer(kGood)).status, 400) << "nobody says whose it is";
    EXPECT_EQ(door.post(answer(kGood), "|1").status, 400);
    EXPECT_EQ(door.post(answer(kGood), "A|").status, 400);
    EXPECT_TRUE(door.log.records.empty());
}

TEST(WearableDoor, TakesJsonOnly) {
    Door door;
    for (const char* type :
         {"", "text/plain", "application/xml", "application/x-www-form-urlencoded"})
        EXPECT_EQ(door.post(answer(kGood), "A|1", type).status, 415) << type;
    for (const char* type :
         {"application/json; charset=utf-8", "Application/JSON", "application/x-ndjson"})
        EXPECT_EQ(door.post(answer(kGood), "A|1", type).status, 202) << type;
}

TEST(WearableDoor, HasALimitForABody) {
    const std::string body = answer(kGood);
    WearableApiOptions options;
    options.max_body = body.size();
    Door door(options);
    EXPECT_EQ(door.post(body, "A|1").status, 202);
    EXPECT_EQ(door.post(body + " ", "A|1").status, 413);
    std::string points;
    for (std::size_t i = 0; i <= kItemsMax; ++i) points += (i == 0 ? "" : ",") + kGood;
    EXPECT_EQ(Door().post(answer(points), "A|1").status, 413);
}

TEST(WearableDoor, IsNotForDoctors) {
    Door door;
    EXPECT_EQ(door.post(answer(kGood), "A|1", "application/json", "doctor").status, 403);
    EXPECT_EQ(door.post(answer(kGood), "A|1", "application/json", "hospital").status, 202);
}

TEST(WearableDoor, LetsOneSenderAndAllTogetherHaveSoManyUnderWay) {
    WearableApiOptions options;
    options.in_flight_per_caller = 2;
    Door door(options);
    door.log.hold = true;
    for (const char* value : {"60", "61"}) EXPECT_EQ(door.post(heart_rate("A|1", value)).status, 0);
    const auto slower = door.post(heart_rate("A|1", "62"));
    EXPECT_EQ(slower.status, 429);
    EXPECT_EQ(header_of(slower, "Retry-After"), "1");
    for (auto& release : door.log.held) release();
    door.log.held.clear();
    door.log.hold = false;
    EXPECT_EQ(door.post(heart_rate("A|1", "62")).status, 202);

    options.in_flight_max = 1;
    Door full(options);
    full.log.hold = true;
    EXPECT_EQ(full.post(heart_rate("A|1")).status, 0);
    const auto busy = full.post(heart_rate("A|1", "61"));
    EXPECT_EQ(busy.status, 503);
    EXPECT_EQ(header_of(busy, "Retry-After"), "1");
    full.log.held.front()();
}

TEST(WearableDoor, SaysWhenTheLogTakesNothing) {
    Door door;
    door.log.refuse_with = Error(Errc::Busy, "the disk is full");
    const auto busy = door.post(answer(kGood), "A|1");
    EXPECT_EQ(busy.status, 503);
    EXPECT_EQ(header_of(busy, "Retry-After"), "5");
    EXPECT_NE(busy.body.find("the disk is full"), std::string::npos);
    door.log.refuse_with = Error(Errc::Io, "the disk is gone");
    EXPECT_EQ(door.post(answer(kGood), "A|1").status, 500);
}

TEST(WearableDoor, KeepsItsTablesWhenNewOnesDoNotFit) {
    Door door;
    EXPECT_FALSE(door.api.use_tables({{"measures", "m.yaml", "nonsense"}}).has_value());
    EXPECT_EQ(door.post(answer(kGood), "A|1").status, 202);
}

}  // namespace
}  // namespace vitalog::ingest::wearable
