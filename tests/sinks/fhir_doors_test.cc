#include <gtest/gtest.h>

#include <thread>

#include "sinks/fhir/directory_api.h"
#include "sinks/fhir/receipts_api.h"
#include "sinks/fhir/task_operations.h"
#include "sinks/views/view_worker.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::fhir {
namespace {

using namespace vitalog::tests;
using schemas::Topic;
using std::chrono::milliseconds;

const std::string kAnna = hex_id("anna");
const std::string kAlert = hex_id("alert");
const std::string kTask = hex_id("task");

/// The API over a running view worker; the desk is played by the test.
struct Ward {
    ViewsPlace place;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    views::ViewWorker worker{*views::ViewStore::open(place, Generation(1)), log};
    views::ViewReader reader = *views::ViewReader::open(place, 2);
    FhirApi api{reader, log, clock};
    TaskOperations operations;
    FakeRouter router;
    std::int64_t version = 1;

    explicit Ward(milliseconds patience = milliseconds(30'000))
        : operations(
              api, log, clock,
              [this](const std::string& root, milliseconds timeout,
                     views::JudgementBoard::Done done) {
                  worker.wait_for_judgement(root, timeout, std::move(done));
              },
              patience) {
        operations.register_routes(router);
        publish(log, Topic::TaskBoard, kTask, open_task(kTask, kAlert, kAnna));
        EXPECT_TRUE(*worker.step());
    }

    /// Posts, lets the desk change the task and answer with `status`, and gives the response.
    HttpResponse decide(const std::string& operation, const std::string& body, int status) {
        return post(operation, body, [&](const std::string& root) {
            auto state = open_task(kTask, kAlert, kAnna);
            state.status =
                status == 200 ? schemas::TaskStatus::Completed : schemas::TaskStatus::Cancelled;
            state.version = ++version;
            state.judged = schemas::Judgement{root, "r1", status, "because", version};
            publish(log, Topic::TaskBoard, kTask, state);
        });
    }
    /// The same, where the desk changes nothing.
    HttpResponse repeat(const std::string& operation, const std::string& body, int status,
                        std::int64_t shown) {
        return post(operation, body, [&](const std::string& root) {
            publish(log, Topic::TaskBoard, kTask,
                    schemas::TaskJudged{kTask, {root, "r1", status, "because", shown}});
        });
    }
    HttpResponse post(const std::string& operation, const std::string& body,
                      const std::function<void(const std::string& root)>& desk) {
        std::optional<HttpResponse> response;
        router.start("POST", "/fhir/Task/" + kTask + "/$" + operation, body,
                     {"dr.wu", "doctor", {}},
                     [&](HttpResponse answer) { response = std::move(answer); });
        EXPECT_FALSE(response) << "answered before the desk judged: "
                               << (response ? response->body : "");
        const auto tp =
            TopicPartition{"feed.decision", partition_of(kTask, log.partitions("feed.decision"))};
        const Offset last(log.end_offset(tp)->value() - 1);
        const std::string root = feed_record_id(log.generation(), tp, last).to_string();
        desk(root);
        EXPECT_TRUE(*worker.step());
        EXPECT_TRUE(response);
        return response ? *response : HttpResponse{};
    }
};

TEST(TaskOperations, AnswerWithTheTaskAsTheDeskJudgedIt) {
    Ward ward;
    const auto answer = ward.decide("confirm", R"({"text":"come in","request_id":"r1"})", 200);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(member(answer.body, "/resourceType"), "Task");
    EXPECT_EQ(member(answer.body, "/status"), "completed");
    std::vector<std::string> keys;
    const auto decisions = values_of(ward.log, "feed.decision", &keys);
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_EQ(keys[0], kTask);
    EXPECT_EQ(member(decisions[0], "/action"), "confirm");
    EXPECT_EQ(member(decisions[0], "/user"), "dr.wu");
    EXPECT_EQ(member(decisions[0], "/text"), "come in");
    EXPECT_EQ(member(decisions[0], "/request_id"), "r1");
    EXPECT_EQ(values_of(ward.log, "audit").size(), 1U);
}

TEST(TaskOperations, ConflictCarriesTheCurrentTask) {
    Ward ward;
    const auto answer = ward.decide("accept", "", 409);
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(member(answer.body, "/resourceType"), "Task");
    EXPECT_EQ(member(answer.body, "/status"), "cancelled");
}

TEST(TaskOperations, ARepeatGetsTheBytesOfTheFirstAnswer) {
    Ward ward;
    const auto first = ward.decide("confirm", R"({"request_id":"r1"})", 200);
    EXPECT_EQ(member(first.body, "/meta/versionId"), "2");
    ward.decide("accept", "", 409);  // the task goes on
    const auto again = ward.repeat("confirm", R"({"request_id":"r1"})", 200, 2);
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.body, first.body);
}

TEST(TaskOperations, OtherJudgementsAreOutcomes) {
    Ward ward;
    const auto answer = ward.decide("hand-over", R"({"to":"nobody"})", 422);
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(member(answer.body, "/issue/0/diagnostics"), "because");
    EXPECT_EQ(ward.decide("accept", "", 404).status, 404);
}

TEST(TaskOperations, RefuseBeforeAnythingIsAppended) {
    Ward ward;
    const std::string task = "/fhir/Task/" + kTask;
    EXPECT_EQ(ward.router.post(task + "/$confirm", "{\"text\":").status, 400);
    EXPECT_EQ(ward.router.post(task + "/$confirm", "[]").status, 400);
    EXPECT_EQ(ward.router.post(task + "/$confirm", R"({"text":7})").status, 400);
    EXPECT_EQ(ward.router.post(task + "/$confirm", R"({"resourceType":"Patient"})").status, 400);
    EXPECT_EQ(ward.router.post(task + "/$modify", R"({"text":" "})").status, 422);
    EXPECT_EQ(ward.router.post(task + "/$reject", "{}").status, 422);
    EXPECT_EQ(ward.router.post(task + "/$hand-over", "").status, 422);
    EXPECT_EQ(ward.router.post("/fhir/Task/nothing/$accept", "").status, 404);
    EXPECT_EQ(ward.router.post(task + "/$accept", "", {"x", "hospital", {}}).status, 403);
    EXPECT_TRUE(values_of(ward.log, "feed.decision").empty());
}

TEST(TaskOperations, SaySoWhenTheDeskTakesTooLong) {
    Ward ward(milliseconds(0));
    std::optional<HttpResponse> response;
    ward.router.start("POST", "/fhir/Task/" + kTask + "/$accept", "", {},
                      [&](HttpResponse answer) { response = std::move(answer); });
    ASSERT_TRUE(ward.worker.step());
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 503);
    EXPECT_EQ(response->headers.at(0).first, "Retry-After");
    EXPECT_NE(response->body.find("request_id"), std::string::npos);
}

TEST(DecisionBody, ReadsParametersAndPlainJson) {
    const auto parameters = parse_decision_body(
        R"({"resourceType":"Parameters","parameter":[{"name":"to","valueReference":{"reference":"Practitioner/li"}},
            {"name":"reason","valueString":"off duty"}]})");
    ASSERT_TRUE(parameters);
    EXPECT_EQ(parameters->to, "li");
    EXPECT_EQ(parameters->reason, "off duty");
    EXPECT_EQ(parse_decision_body(R"({"to":"CareTeam/renal"})")->to, "renal");
    EXPECT_TRUE(parse_decision_body(""));
    EXPECT_FALSE(
        parse_decision_body(R"({"resourceType":"Parameters","parameter":[{"name":"colour"}]})"));
}

TEST(Directory, NamesTheLineAndWhatToChange) {
    const auto error = [](const std::string& body) {
        const auto lines = parse_directory(body);
        return lines ? std::string() : lines.error().message();
    };
    const std::string good = R"({"patient":"HOSP|1","team":"renal","zone":"Asia/Shanghai"})";
    EXPECT_EQ(error(good), "");
    EXPECT_NE(error(good + "\n\n{\"patient\":\"HOSP\"}").find("line 3: member 'patient'"),
              std::string::npos);
    EXPECT_NE(
        error("[" + good + ",{\"team\":\"x\",\"members\":[{\"name\":\"n\"}]}]").find("item 2"),
        std::string::npos);
    EXPECT_NE(error(R"({"patient":"H|1","consent":{"alert":["fax"]}})").find("fax"),
              std::string::npos);
    EXPECT_NE(
        error(R"({"patient":"H|1","quiet":{"from":"25:00","to":"07:00"}})").find("quiet.from"),
        std::string::npos);
    EXPECT_NE(error(R"({"patient":"H|1","zone":"Mars/Base"})").find("zone"), std::string::npos);
    EXPECT_NE(error(R"({"patient":"H|1","accounts":["x"]})").find("accounts"), std::string::npos);
    EXPECT_NE(error("{}").find("'patient'"), std::string::npos);
    EXPECT_NE(error("").find("no lines"), std::string::npos);
    EXPECT_NE(error("[" + good).size(), 0U);
}

TEST(Directory, IsAppendedWholeAndAnsweredWhenApplied) {
    topology::MemoryLog log(all_topics());
    FixedClock clock;
    std::function<void()> applied;
    std::size_t receipts = 0;
    DirectoryApi api(log, clock, [&](std::vector<AppendReceipt> list, std::function<void()> done) {
        receipts = list.size();
        applied = std::move(done);
    });
    FakeRouter router;
    api.register_routes(router);
    std::optional<HttpResponse> response;
    router.start("POST", "/directory",
                 "{\"patient\":\"HOSP|1\",\"team\":\"renal\"}\n{\"team\":\"renal\"}\n", {},
                 [&](HttpResponse answer) { response = std::move(answer); });
    EXPECT_EQ(receipts, 2U);
    EXPECT_FALSE(response);
    applied();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, "{\"accepted\":2}");
    std::vector<std::string> keys;
    values_of(log, "feed.directory", &keys);
    std::sort(keys.begin(), keys.end());
    EXPECT_EQ(keys, (std::vector<std::string>{"HOSP|1", "renal"}));
    EXPECT_EQ(router.post("/directory", "{\"team\":\"a\"}\nnonsense").status, 400);
    EXPECT_EQ(values_of(log, "feed.directory").size(), 2U) << "all or nothing";
    EXPECT_EQ(router.post("/directory", "{\"team\":\"a\"}", {"d", "doctor", {}}).status, 403);
}

TEST(AliyunReceipts, KeepEachReportAsReceivedUnderItsRecipient) {
    topology::MemoryLog log(all_topics());
    FixedClock clock;
    ReceiptsApi api(log, clock);
    FakeRouter router;
    api.register_routes(router);
    const std::string first =
        R"({"phone_number":"139","success":true,"biz_id":"B1","out_id":"user:li|i|a"})";
    const std::string second = R"({"phone_number":"138","success":false,"biz_id":"B2"})";
    const auto answer = router.post("/receipts/aliyun", "[" + first + "," + second + "]");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(member(answer.body, "/code"), "0");
    std::vector<std::string> keys;
    auto values = values_of(log, "feed.receipt", &keys);
    std::sort(values.begin(), values.end());
    std::sort(keys.begin(), keys.end());
    EXPECT_EQ(keys, (std::vector<std::string>{"provider|aliyun|B2", "user:li"}));
    EXPECT_EQ(values, (std::vector<std::string>{"[" + second + "]", "[" + first + "]"}));
    EXPECT_EQ(router.post("/receipts/aliyun", "{}").status, 400);
    EXPECT_EQ(router.post("/receipts/aliyun", "[{}]").status, 400);
    log.fail_appends(Error(Errc::Busy, "full"));
    EXPECT_EQ(router.post("/receipts/aliyun", "[" + first + "]").status, 503);
}

TEST(AliyunReceipts, GoToTheTopicThatTheSiteNames) {
    auto topics = all_topics();
    schemas::TopicNames names;
    names.set(Topic::FeedReceipt, "ward7.receipt", 2);
    for (auto& topic : topics)
        if (topic.name == "feed.receipt") topic.name = "ward7.receipt";
    topology::MemoryLog log(topics);
    FixedClock clock;
    ReceiptsApi api(log, clock, {"", names});
    FakeRouter router;
    api.register_routes(router);
    EXPECT_EQ(router.post("/receipts/aliyun", R"([{"success":true,"biz_id":"B1"}])").status, 200);
    EXPECT_EQ(values_of(log, "ward7.receipt").size(), 1U);
}

}  // namespace
}  // namespace vitalog::sinks::fhir
