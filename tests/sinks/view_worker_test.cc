#include <gtest/gtest.h>

#include <future>

#include "sinks/views/view_workers.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks::views {
namespace {

using namespace vitalog::tests;
using schemas::Topic;
using std::chrono::milliseconds;

const std::string kAnna = hex_id("anna");
const std::string kTask = hex_id("task");
const std::string kRoot = hex_id("root");

schemas::TaskState judged_task(int status = 200) {
    static const std::string alert = hex_id("alert");
    auto state = open_task(kTask, alert, kAnna);
    state.judged = schemas::Judgement{kRoot, "r1", status, "taken"};
    return state;
}

struct Views {
    ViewsPlace place;
    topology::MemoryLog log{all_topics()};
    ViewWorker worker{*ViewStore::open(place, Generation(1)), log};
};

TEST(ViewWorker, ShowsWhatIsInTheLogAndKnowsWhereItStands) {
    Views views;
    publish(views.log, Topic::Person, kAnna, schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
    publish(views.log, Topic::TaskBoard, kTask, judged_task());
    EXPECT_EQ(*views.worker.lag(), 2U);
    EXPECT_TRUE(*views.worker.step());
    EXPECT_FALSE(*views.worker.step());
    EXPECT_EQ(*views.worker.lag(), 0U);
    const auto reader = *ViewReader::open(views.place, 1);
    EXPECT_EQ(reader.persons_of("HOSP", "1")->size(), 1U);
    EXPECT_EQ(reader.tasks({})->rows.size(), 1U);
}

TEST(ViewWorker, TellsTheWaiterOfAJudgementAfterItIsShown) {
    Views views;
    std::optional<Judged> told;
    bool shown = false;
    const auto reader = *ViewReader::open(views.place, 1);
    views.worker.wait_for_judgement(kRoot, milliseconds(60'000), [&](std::optional<Judged> judged) {
        told = std::move(judged);
        shown = reader.tasks({})->rows.size() == 1;
    });
    publish(views.log, Topic::TaskBoard, kTask, judged_task(409));
    ASSERT_TRUE(*views.worker.step());
    ASSERT_TRUE(told);
    EXPECT_EQ(told->status, 409);
    EXPECT_EQ(told->task, kTask);
    EXPECT_TRUE(shown);
}

TEST(ViewWorker, FindsAJudgementThatCameBeforeItsWaiter) {
    Views views;
    publish(views.log, Topic::TaskBoard, kTask,
            schemas::TaskJudged{kTask, {kRoot, "", 404, "no such task"}});
    ASSERT_TRUE(*views.worker.step());
    std::optional<Judged> told;
    views.worker.wait_for_judgement(kRoot, milliseconds(60'000), [&](std::optional<Judged> judged) {
        told = std::move(judged);
    });
    ASSERT_TRUE(told);
    EXPECT_EQ(told->status, 404);
}

TEST(ViewWorker, EndsAWaitThatTakesTooLong) {
    Views views;
    int calls = 0;
    views.worker.wait_for_judgement(kRoot, milliseconds(0),
                                    [&](const std::optional<Judged>& judged) {
                                        ++calls;
                                        EXPECT_FALSE(judged);
                                    });
    ASSERT_TRUE(views.worker.step());
    ASSERT_TRUE(views.worker.step());
    EXPECT_EQ(calls, 1);
}

TEST(ViewWorker, FollowsInItsThreadAndReportsItsPositionsWhenStopped) {
    Views views;
    std::promise<int> promise;
    auto answer = promise.get_future();
    views.worker.start();
    views.worker.wait_for_judgement(kRoot, milliseconds(30'000),
                                    [&](const std::optional<Judged>& judged) {
                                        promise.set_value(judged ? judged->status : 0);
                                    });
    publish(views.log, Topic::TaskBoard, kTask, judged_task());
    EXPECT_EQ(answer.get(), 200);
    views.worker.stop();
    std::int64_t reported = 0;
    for (std::uint32_t p = 0; p < 2; ++p)
        if (const auto at = *views.log.load_position("views", {"task-board", Partition(p)}))
            reported += at->value();
    EXPECT_EQ(reported, 1);
}

TEST(ViewWorker, RebuildGivesTheSameTables) {
    Views views;
    const std::string one = hex_id("r1"), two = hex_id("r2"), beth = hex_id("beth");
    for (int i = 0; i < 20; ++i) {
        Message message;
        message.person = i % 2 == 0 ? kAnna : beth;
        message.results = {
            creatinine(i % 4 < 2 ? one : two, "2020-05-01T12:00:00+08:00", 90.0 + i)};
        publish(views.log, Topic::Person, message.person, message.event());
        ASSERT_TRUE(views.worker.step());
    }
    for (const auto& person : {kAnna, beth})
        publish(views.log, Topic::Person, person, schemas::PersonMerged{kAnna, beth, "ADT^A40"});
    ASSERT_TRUE(views.worker.step());
    const ViewsPlace rebuilt;
    ASSERT_TRUE(rebuild_views(rebuilt, Generation(1), views.log));
    const auto rows = [](const std::string& path) {
        Query query;
        query.limit = 100;
        query.order = {{"person", false}};
        std::string text;
        const auto reader = *ViewReader::open(path, 1);
        const auto page = *reader.observations(query);
        for (const auto& row : page.rows)
            text += row.person + row.id + std::to_string(*row.value) +
                    std::to_string(row.revision) + std::to_string(row.updated_us) + "\n";
        return text;
    };
    EXPECT_EQ(rows(views.place), rows(rebuilt));
    EXPECT_NE(rows(rebuilt), "");
}

TEST(ViewWorker, RebuildThatIsBrokenOffLeavesWhatIsShown) {
    Views views;
    publish(views.log, Topic::Person, kAnna, schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
    ASSERT_TRUE(views.worker.step());
    const std::string shown = dump_of(views.place);
    publish(views.log, Topic::Person, kAnna, schemas::PersonIdentified{kAnna, {"HOSP", "2", "MR"}});
    for (int i = 0; i < 2; ++i) {  // the second finds what the first has left
        ASSERT_TRUE(ViewStore::clear_beside(views.place));
        ViewWorker beside(*ViewStore::open(views.place, Generation(1), Side::Beside), views.log);
        ASSERT_TRUE(*beside.step());
        EXPECT_EQ(beside.position({"person", Partition(0)}).value() +
                      beside.position({"person", Partition(1)}).value(),
                  2);
    }
    EXPECT_EQ(dump_of(views.place), shown);
}

TEST(ViewWorker, RefusesTablesThatAreAheadOfTheLog) {
    const ViewsPlace place;
    {
        auto store = *ViewStore::open(place, Generation(1));
        Records records;
        records.add(schemas::PersonIdentified{kAnna, {"HOSP", "1", "MR"}});
        ASSERT_TRUE(store.apply(std::vector{records.batch("person")}));
    }
    topology::MemoryLog other{all_topics()};
    const auto workers = ViewWorkers::open(place, Side::Live, Generation(1), other, {});
    ASSERT_FALSE(workers);
    EXPECT_EQ(workers.error().code(), Errc::Conflict);
    EXPECT_NE(workers.error().message().find("views rebuild"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::sinks::views
