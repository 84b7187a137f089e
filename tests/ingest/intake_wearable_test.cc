// feed.wearable: one batch of one account becomes one event.
#include "schemas/events/wearable.h"
#include "tests/ingest/intake_fixture.h"
#include "tests/ingest/wearable_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::SamplesEvent;
using schemas::Topic;

/// A record of feed.wearable under an account's key.
Result<void> feed(Intake& intake, std::string_view key, std::string_view value,
                  std::string_view refused = {}) {
    std::string headers;
    Headers::append(headers, header::kFormat, "huawei");
    if (!refused.empty()) Headers::append(headers, ingest::wearable::kRefusedHeader, refused);
    processors::Input input{
        {}, {}, "", key, value, intake.received, Headers(headers), "feed.wearable/0/0"};
    input.topic = Topic::FeedWearable;
    auto done = intake.processor().on_record(nullptr, input, intake);
    if (!done) intake.dead.push_back({done.error().to_string(), ""});
    return done;
}

const std::string kGood = point(R"("startTime":1590000000000)", "bpm", "70");
const std::string kBad = point(R"("startTime":1590000001000)", "bpm", "900");

TEST(IntakeWearable, MakesOneEventOfABatch) {
    Intake intake;
    ASSERT_TRUE(feed(intake, "HUAWEI|u1",
                     answer(kGood + "," + point(R"("startTime":1590000060000)", "bpm", "71"))));
    ASSERT_EQ(intake.outputs.size(), 1u);
    EXPECT_EQ(intake.outputs[0].topic, Topic::Subject);
    EXPECT_EQ(intake.outputs[0].key, "HUAWEI|u1");
    EXPECT_EQ(intake.outputs[0].event_time, EventTime::from_millis(1'590'000'060'000));
    const auto event = intake.as<SamplesEvent>(0);
    ASSERT_EQ(event.identifiers.size(), 1u);
    EXPECT_EQ(event.identifiers[0].authority, "HUAWEI");
    EXPECT_EQ(event.identifiers[0].value, "u1");
    EXPECT_EQ(event.provider, "huawei");
    EXPECT_EQ(event.tables, intake.processor().tables_version());
    ASSERT_EQ(event.series.size(), 1u);
    EXPECT_EQ(event.series[0].loinc, "8867-4");
    EXPECT_EQ(event.series[0].unit, "/min");
    EXPECT_EQ(event.series[0].decimals, 1);
    EXPECT_EQ(event.series[0].values, (std::vector<std::int64_t>{700, 710}));
    EXPECT_EQ(event.series[0].steps, (std::vector<std::int64_t>{0, 60'000}));
    EXPECT_TRUE(event.series[0].spans.empty());
    EXPECT_TRUE(intake.dead.empty());
}

TEST(IntakeWearable, DeadLettersItemsAtFaultOnceAndTakesTheirSiblings) {
    Intake intake;
    ASSERT_TRUE(feed(intake, "HUAWEI|u1", answer(kBad + "," + kGood + "," + kBad)));
    EXPECT_EQ(intake.outputs.size(), 1u);
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(
        intake.dead[0],
        (Intake::DeadLetter{"out-of-range: 900 /min of Heart rate is above the maximum 500 (and 1 "
                            "more at fault)",
                            "items 1,3"}));
}

TEST(IntakeWearable, SaysNothingAgainOfWhatTheDoorRefused) {
    Intake intake;
    ASSERT_TRUE(feed(intake, "HUAWEI|u1", answer(kBad + "," + kGood), "1"));
    EXPECT_TRUE(intake.dead.empty());
    EXPECT_EQ(intake.outputs.size(), 1u);
    ASSERT_TRUE(feed(intake, "HUAWEI|u1", answer(kBad + "," + kGood + "," + kBad), "1"));
    EXPECT_EQ(intake.dead.size(), 1u) << "its tables refuse more than the door's did";
}

TEST(IntakeWearable, RefusesABatchWithoutAnythingToUse) {
    Intake intake;
    EXPECT_FALSE(feed(intake, "HUAWEI|u1", answer(kBad)).has_value());
    EXPECT_FALSE(feed(intake, "HUAWEI|u1", "nonsense").has_value());
    EXPECT_FALSE(feed(intake, "u1", answer(kGood)).has_value());
    EXPECT_FALSE(feed(intake, "", answer(kGood)).has_value());
    EXPECT_TRUE(intake.outputs.empty());
    ASSERT_EQ(intake.dead.size(), 4u);
    EXPECT_EQ(intake.dead[2].reason,
              "malformed: the record's key 'u1' must be the account, AUTHORITY|ID");
}

TEST(IntakeWearable, ReadsPointsThatAPublisherWroteItself) {
    Intake intake;
    const std::string body = R"({"heart_rate":{"value":60,"unit":"beats/min"},)"
                             R"("effective_time_frame":{"date_time":"2020-02-05T07:25:00Z"}})";
    processors::Input input{{}, {}, "", "A|1", "", intake.received, Headers(), "feed.wearable/0/0"};
    const std::string value = data_point("heart-rate", body, R"("user_id":"A|1")") + "\n" +
                              data_point("heart-rate", body, R"("user_id":"A|2")");
    input.value = value;
    input.topic = Topic::FeedWearable;
    ASSERT_TRUE(intake.processor().on_record(nullptr, input, intake));
    EXPECT_EQ(intake.outputs.size(), 1u);
    ASSERT_EQ(intake.dead.size(), 1u);
    EXPECT_EQ(intake.dead[0].at, "item 2");
}

TEST(IntakeWearable, FollowsTheTableOfMeasures) {
    Intake intake;
    const std::string score = answer(point(R"("startTime":1590000000000)", "score", "30"),
                                     "com.huawei.instantaneous.stress");
    EXPECT_FALSE(feed(intake, "HUAWEI|u1", score).has_value());
    intake.control(
        "codes", "site.yaml",
        "format: vitalog.codes.v1\nobservables:\n"
        "  - {loinc: 64394-0, display: Stress, unit: \"{score}\", minimum: 1, maximum: 99}\n");
    intake.control("measures", "site.yaml",
                   "format: vitalog.measures.v1\nmeasures:\n  - {loinc: 64394-0}\nproviders:\n"
                   "  - provider: huawei\n    fields:\n"
                   "      - {type: com.huawei.instantaneous.stress, field: score, loinc: 64394-0, "
                   "unit: \"{score}\"}\n");
    EXPECT_TRUE(feed(intake, "HUAWEI|u1", score).has_value());
    EXPECT_EQ(intake.as<SamplesEvent>(0).series[0].display, "Stress");
}

}  // namespace
}  // namespace vitalog::tests
