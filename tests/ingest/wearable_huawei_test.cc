// Answers of Huawei Health Kit's sampleSet:polymerize.
#include "tests/ingest/wearable_fixture.h"

namespace vitalog::tests {
namespace {

TEST(HuaweiAnswer, ReadsTheDocumentedExample) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        R"({"group":[{"startTime":1704067200000,"endTime":1704153600000,"sampleSet":[{"samplePoints":[
            {"startTime":1704067200000000000,"endTime":"1704067260000000000",
             "value":[{"fieldName":"steps_delta","integerValue":12}]}]}]}]})"));
    EXPECT_TRUE(wearable.decoder.is_huawei());
    EXPECT_EQ(wearable.series, Lines{"55423-8 12@2024-01-01T00:01:00Z/60s from huawei"});
    EXPECT_EQ(wearable.faults, Lines{});
    EXPECT_EQ(wearable.decoder.event("T|1").provider, "huawei");
}

TEST(HuaweiAnswer, MayHaveItsSampleSetAtTheTop) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(R"({"sampleSet":[{"samplePoints":[)" +
                                point(R"("startTime":1704067200)", "bpm", "61") + "]}]}"));
    EXPECT_EQ(wearable.series, Lines{"8867-4 61.0@2024-01-01T00:00:00Z from huawei"});
}

TEST(HuaweiAnswer, TellsSecondsMillisMicrosAndNanosApartAsNumbersAndStrings) {
    for (const char* time :
         {"1704067200", "1704067200000", "1704067200000000", "1704067200000000000"})
        for (const char* quote : {"", "\""}) {
            Wearable wearable;
            const std::string said = std::string(quote) + time + quote;
            ASSERT_TRUE(wearable.decode(
                answer(point("\"startTime\":" + said + ",\"endTime\":" + said, "bpm", "72"))));
            EXPECT_EQ(wearable.series, Lines{"8867-4 72.0@2024-01-01T00:00:00Z from c1"}) << said;
        }
}

TEST(HuaweiAnswer, KeepsMillisecondsOfNanoseconds) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(answer(point(R"("startTime":1704067200123456789)", "bpm", "72"))));
    EXPECT_EQ(wearable.series, Lines{"8867-4 72.0@2024-01-01T00:00:00.123Z from c1"});
}

TEST(HuaweiAnswer, RefusesTimesThatAreNone) {
    for (const char* times : {R"("startTime":"soon")", R"("startTime":-5)", R"("startTime":1.7e18)",
                              R"("startTime":null)", R"("endTime":1704067200000)",
                              R"("startTime":99999999999999999999)"}) {
        Wearable wearable;
        ASSERT_TRUE(wearable.decode(answer(point(times, "bpm", "72"))));
        EXPECT_EQ(
            wearable.faults,
            Lines{"0 malformed: startTime and endTime must be whole numbers of s, ms, us or ns"})
            << times;
    }
}

TEST(HuaweiAnswer, TakesTypeAndSourceOfThePointElseOfTheSetWhereverTheyStand) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        R"({"group":[{"sampleSet":[{"samplePoints":[
          {"value":[{"integerValue":55,"fieldName":"bpm"}],"startTime":1704067200000},
          {"startTime":1704067300000,"value":[{"fieldName":"bpm","floatValue":71.5}],
           "dataTypeName":"com.huawei.instantaneous.heart_rate","originalDataCollectorId":"watch 9"}],
          "dataTypeName":"com.huawei.instantaneous.resting_heart_rate","dataCollectorId":"phone"}]}]})"));
    EXPECT_EQ(wearable.series, (Lines{"40443-4 55.0@2024-01-01T00:00:00Z from phone",
                                      "8867-4 71.5@2024-01-01T00:01:40Z from watch 9"}));
    const auto& series = wearable.decoder.event("T|1").series;
    EXPECT_EQ(series[0].rank, 30);
    EXPECT_EQ(series[1].rank, 10);
}

TEST(HuaweiAnswer, GivesEachFieldItsMeasureAndIgnoresOthers) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(answer(
        R"({"startTime":1704067200000,"endTime":1704067200000,"value":[
            {"fieldName":"systolic_pressure","floatValue":128.0},{"fieldName":"diastolic_pressure","floatValue":82},
            {"fieldName":"sphygmus","floatValue":66},{"fieldName":"body_posture","integerValue":1},
            {"fieldName":"note","stringValue":"left arm"}]})",
        "com.huawei.instantaneous.blood_pressure")));
    EXPECT_EQ(wearable.series, (Lines{"8480-6 128.0@2024-01-01T00:00:00Z from c1",
                                      "8462-4 82.0@2024-01-01T00:00:00Z from c1",
                                      "8867-4 66.0@2024-01-01T00:00:00Z from c1"}));
    EXPECT_EQ(wearable.decoder.items(), 1u);
    EXPECT_EQ(wearable.decoder.samples(), 3u);
}

TEST(HuaweiAnswer, RefusesAPointWholeAndTakesItsSiblings) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(answer(point(R"("startTime":1704067200000)", "bpm", "72") + "," +
                                       point(R"("startTime":1704067201000)", "bpm", "900") + "," +
                                       point(R"("startTime":1704067202000)", "bpm", R"("fast")") +
                                       "," + point(R"("startTime":1704067203000)", "mood", "3") +
                                       "," + point(R"("startTime":1704067204000)", "bpm", "74"))));
    EXPECT_EQ(wearable.series,
              Lines{"8867-4 72.0@2024-01-01T00:00:00Z 74.0@2024-01-01T00:00:04Z from c1"});
    EXPECT_EQ(wearable.faults,
              (Lines{"1 out-of-range: 900 /min of Heart rate is above the maximum 500",
                     "2 malformed: field 'bpm' must hold a number",
                     "3 unsupported: the table of measures knows no field of type "
                     "'com.huawei.instantaneous.heart_rate' among: mood"}));
}

TEST(HuaweiAnswer, OfAnUnknownTypeIsRefusedWithItsName) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(answer(point(R"("startTime":1704067200000)", "score", "30"),
                                       "com.huawei.instantaneous.stress")));
    EXPECT_EQ(wearable.faults, Lines{"0 unsupported: the table of measures knows no field of type "
                                     "'com.huawei.instantaneous.stress' among: score"});
}

TEST(HuaweiAnswer, PutsSamplesInOrderOfTime) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        answer(point(R"("startTime":1704067260000)", "bpm", "71") + "," +
               point(R"("startTime":1704067200000)", "bpm", "70") + "," +
               point(R"("startTime":1704067260000)", "bpm", "72") + "," +
               point(R"("startTime":1704067230000,"endTime":1704067240000)", "bpm", "73"))));
    EXPECT_EQ(wearable.series,
              Lines{"8867-4 70.0@2024-01-01T00:00:00Z 73.0@2024-01-01T00:00:40Z/10s "
                    "71.0@2024-01-01T00:01:00Z 72.0@2024-01-01T00:01:00Z from c1"});
}

TEST(HuaweiAnswer, KeepsTheZoneThatItStates) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        answer(point(R"("startTime":1704067200000,"timeZone":"+0800")", "bpm", "70") + "," +
               point(R"("startTime":1704067201000,"timeZone":"-03:30")", "bpm", "71") + "," +
               point(R"("startTime":1704067202000,"timeZone":"Beijing")", "bpm", "72"))));
    EXPECT_EQ(wearable.series, (Lines{"8867-4 70.0@2024-01-01T00:00:00Z zone 480 from c1",
                                      "8867-4 71.0@2024-01-01T00:00:01Z zone -210 from c1"}));
    EXPECT_EQ(wearable.faults, Lines{"2 malformed: timeZone must be written as in +0800"});
}

TEST(HuaweiAnswer, NamesItsAccountBesideItsGroup) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        R"({"account":"HUAWEI|u9","group":[{"account":"no","sampleSet":[]}]})", ""));
    EXPECT_EQ(wearable.decoder.accounts(), Lines{"HUAWEI|u9"});
    ASSERT_TRUE(wearable.decode(R"({"group":[]})", ""));
    EXPECT_TRUE(wearable.decoder.accounts().empty());
    ASSERT_TRUE(wearable.decode(R"({"account":"HUAWEI|u9","group":[]})", "A|1"));
    EXPECT_EQ(wearable.decoder.accounts(), Lines{"A|1"}) << "what the request says goes first";
}

TEST(HuaweiAnswer, ThatIsBrokenIsRefusedAsAWhole) {
    const std::string good = answer(point(R"("startTime":1704067200000)", "bpm", "70"));
    for (std::size_t cut = 1; cut + 1 < good.size(); ++cut) {
        Wearable wearable;
        EXPECT_FALSE(wearable.decode(good.substr(0, cut)).has_value()) << good.substr(0, cut);
    }
    Wearable wearable;
    EXPECT_FALSE(wearable.decode(good + good).has_value());
    EXPECT_FALSE(wearable.decode(R"({"group":5})").has_value());
    EXPECT_FALSE(wearable.decode(R"({"sampleSet":[{"samplePoints":{}}]})").has_value());
    EXPECT_TRUE(wearable.decode("\xef\xbb\xbf " + good + "\n").has_value());
}

TEST(HuaweiAnswer, HasAtMostSoManyPoints) {
    std::string points;
    const std::string one = point(R"("startTime":1704067200000)", "bpm", "70");
    for (std::size_t i = 0; i < ingest::wearable::kItemsMax; ++i)
        points.append(i == 0 ? "" : ",").append(one);
    Wearable wearable;
    EXPECT_TRUE(wearable.decode(answer(points)).has_value());
    EXPECT_EQ(wearable.decoder.samples(), ingest::wearable::kItemsMax);
    EXPECT_EQ(wearable.decode(answer(points + "," + one)).error().code(), Errc::TooLarge);
}

TEST(DeviceClock, AheadOfReceiptIsRepairedForAllThatItsSourceStated) {
    Wearable wearable;  // received 20:26:40
    const auto at = [&](std::int64_t seconds, std::string_view source) {
        return R"({"startTime":)" + std::to_string(wearable.received.millis() + seconds * 1'000) +
               R"(,"dataCollectorId":")" + std::string(source) +
               R"(","value":[{"fieldName":"bpm","integerValue":70}]})";
    };
    ASSERT_TRUE(wearable.decode(answer(at(3'540, "fast") + "," + at(3'600, "fast") + "," +
                                       at(-60, "good") + "," + at(300, "nearly"))));
    EXPECT_EQ(
        wearable.series,
        (Lines{"8867-4 70.0@2026-05-28T20:25:40Z 70.0@2026-05-28T20:26:40Z from fast shift -3600s",
               "8867-4 70.0@2026-05-28T20:25:40Z from good",
               "8867-4 70.0@2026-05-28T20:31:40Z from nearly"}));
    const auto& event = wearable.decoder.event("T|1");
    EXPECT_EQ(event.series[0].clock_reason,
              "the device's clock states 2026-05-28T21:26:40Z, 1h ahead of its receipt");
    EXPECT_EQ(event.series[1].clock_reason, "");
    EXPECT_EQ(wearable.decoder.newest().millis(), wearable.received.millis() + 300'000);
}

TEST(DeviceClock, FarAheadOrNeverSetIsRefused) {
    Wearable wearable;
    const std::int64_t day = 86'400'000;
    const auto at = [&](std::int64_t millis) {
        return point("\"startTime\":" + std::to_string(millis), "bpm", "70");
    };
    ASSERT_TRUE(wearable.decode(answer(at(wearable.received.millis() + day) + "," +
                                       at(wearable.received.millis() + day + 1'000) + "," +
                                       at(946'684'799'999) + "," + at(946'684'800'000))));
    EXPECT_EQ(
        wearable.faults,
        (Lines{"1 out-of-range: its time 2026-05-29T20:26:41Z is 86401s ahead of its receipt: "
               "set the device's clock and send it again",
               "2 out-of-range: its time 1999-12-31T23:59:59.999Z is before 2000: the device's "
               "clock was not set"}));
}

TEST(Samples, ThatEndBeforeTheyStartAreRefused) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        answer(point(R"("startTime":1704067260000,"endTime":1704067200000)", "bpm", "70"))));
    EXPECT_EQ(wearable.faults, Lines{"0 out-of-range: its end 2024-01-01T00:00:00Z is before its "
                                     "start 2024-01-01T00:01:00Z"});
}

TEST(Samples, OverMoreThanTheirMeasureMayCoverAreStatistics) {
    Wearable wearable;
    const auto over = [](std::int64_t millis, std::string_view field) {
        return point(
            "\"startTime\":1704067200000,\"endTime\":" + std::to_string(1704067200000 + millis),
            field, "70");
    };
    ASSERT_TRUE(wearable.decode(answer(over(3'600'000, "bpm") + "," + over(3'601'000, "bpm"))));
    EXPECT_EQ(wearable.series, Lines{"8867-4 70.0@2024-01-01T01:00:00Z/3600s from c1"});
    EXPECT_EQ(wearable.statistics,
              Lines{"8867-4 70.0@2024-01-01T01:00:01Z/3601s from c1 statistic unspecified"});
    const std::string steps = "com.huawei.continuous.steps.delta";
    ASSERT_TRUE(wearable.decode(answer(
        over(25 * 3'600'000, "steps_delta") + "," + over(26 * 3'600'000, "steps_delta"), steps)));
    EXPECT_EQ(wearable.series, Lines{"55423-8 70@2024-01-02T01:00:00Z/90000s from c1"});
    EXPECT_EQ(wearable.statistics.size(), 1u);
}

TEST(Samples, OfManySourcesAreRefusedBeyondALimit) {
    std::string points;
    for (std::size_t i = 0; i <= ingest::wearable::SampleBatch::kSeriesMax; ++i)
        points += (i == 0 ? "" : ",") +
                  (R"({"startTime":1704067200000,"dataCollectorId":"s)" + std::to_string(i) +
                   R"(","value":[{"fieldName":"bpm","integerValue":70}]})");
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(answer(points)));
    EXPECT_EQ(wearable.series.size(), 256u);
    EXPECT_EQ(wearable.faults,
              Lines{"256 too-large: the batch has more than 256 series; send them apart"});
}

}  // namespace
}  // namespace vitalog::tests
