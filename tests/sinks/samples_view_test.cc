#include <gtest/gtest.h>

#include "schemas/events/wearable.h"
#include "sinks/fhir/parts.h"
#include "sinks/fhir/series_api.h"
#include "sinks/views/telemetry_id.h"
#include "tests/sinks/fhir_fixture.h"

namespace vitalog::sinks {
namespace {

using namespace vitalog::tests;
using views::Sample;
using views::SampleChunk;

constexpr std::int64_t kHour = 444'444;  // 2020-09-13T12:00:00Z
constexpr std::int64_t kBegin = kHour * views::kHourMillis;
const std::string kAnna = hex_id("anna");

schemas::SampleSeries heart_rates(std::int64_t start, std::int64_t step,
                                  std::vector<std::int64_t> values,
                                  std::string_view source = "watch", int rank = 1) {
    schemas::SampleSeries series;
    series.loinc = "8867-4";
    series.unit = "/min";
    series.display = "Heart rate";
    series.source = source;
    series.rank = rank;
    series.start = start;
    series.steps.assign(values.size(), step);
    series.steps.front() = 0;
    series.values = std::move(values);
    series.offset_minutes = 480;
    return series;
}

schemas::PersonSamples batch(std::vector<schemas::SampleSeries> series,
                             const std::string& person = kAnna) {
    schemas::PersonSamples event;
    event.person = person;
    event.event.identifiers = {{"huawei", "u1", "ACCT"}};
    event.event.provider = "huawei";
    event.event.series = std::move(series);
    return event;
}

struct Server {
    Archive archive;
    topology::MemoryLog log{all_topics()};
    FixedClock clock;
    fhir::FhirApi api{archive.reader, log, clock};
    fhir::SeriesApi series{archive.reader, log, clock, "Asia/Shanghai", api.topics()};
    FakeRouter router;
    Records records;

    Server() {
        api.register_routes(router);
        series.register_routes(router);
        records.add(schemas::PersonIdentified{kAnna, {"MRN", "1", "MR"}});
    }
    Server& send(const schemas::PersonSamples& event) {
        records.add(event);
        archive.apply({records.batch("person")});
        return *this;
    }
    std::string observations(const std::string& query) {
        return router.get("/fhir/Observation?patient=" + kAnna + query).body;
    }
};

TEST(SampleChunk, ReadsBackWhatItWroteInTwoBytesASampleWhereTheyComeEvenly) {
    SampleChunk chunk(kHour);
    std::vector<Sample> samples;
    for (std::int64_t i = 0; i < 60; ++i) samples.push_back({kBegin + i * 60'000, 70 + i % 7, 0});
    EXPECT_TRUE(chunk.add(samples, 0));
    const std::string bytes = chunk.encode();
    EXPECT_LE(bytes.size(), 2 * samples.size() + 8);
    EXPECT_EQ(SampleChunk::decode(kHour, bytes)->samples(), samples);
}

TEST(SampleChunk, KeepsMillisecondsSpansAndDecimals) {
    SampleChunk chunk(kHour);
    const std::vector<Sample> samples{
        {kBegin, -5, 1}, {kBegin + 1, 1'000'000'000'000, 0}, {kBegin + 3'599'999, 7, 86'400'000}};
    EXPECT_TRUE(chunk.add(samples, 1));
    EXPECT_TRUE(chunk.add(std::vector<Sample>{{kBegin + 2, 1, 0}}, 6));
    const auto read = SampleChunk::decode(kHour, chunk.encode());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->samples(), chunk.samples());
    EXPECT_EQ(read->value(read->samples()[0]), -0.5);
    EXPECT_EQ(read->value(read->samples()[2]), 0.000001);
    EXPECT_EQ(read->samples()[3].span, 86'400'000);
}

TEST(SampleChunk, TakesARepeatOnceAndTheLaterWordOfOneMoment) {
    SampleChunk chunk(kHour);
    EXPECT_TRUE(chunk.add(std::vector<Sample>{{kBegin + 9, 1, 0}, {kBegin + 5, 2, 0}}, 0));
    EXPECT_FALSE(chunk.add(std::vector<Sample>{{kBegin + 5, 2, 0}}, 0));
    EXPECT_TRUE(chunk.add(std::vector<Sample>{{kBegin + 5, 3, 0}}, 0));
    EXPECT_EQ(chunk.samples(), (std::vector<Sample>{{kBegin + 5, 3, 0}, {kBegin + 9, 1, 0}}));
}

TEST(SampleChunk, AddsUpTheLargestValues) {
    SampleChunk chunk(kHour);
    std::vector<Sample> samples;
    for (std::int64_t i = 0; i < 100; ++i)
        samples.push_back({kBegin + i, views::kSampleValueMax, 0});
    EXPECT_TRUE(chunk.add(samples, 0));
    EXPECT_TRUE(chunk.add(std::vector<Sample>{{kBegin + 100, 0, 0}}, 6));
    const auto read = SampleChunk::decode(kHour, chunk.encode());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->statistics().sum, 100.0 * views::kSampleValueMax);
}

TEST(SampleChunk, RefusesDamagedBytes) {
    SampleChunk chunk(kHour);
    chunk.add(std::vector<Sample>{{kBegin, 1, 0}, {kBegin + 1'000, 2, 0}}, 0);
    const std::string bytes = chunk.encode();
    EXPECT_FALSE(SampleChunk::decode(kHour, ""));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(SampleChunk::decode(kHour, bytes.substr(0, size))) << size;
    EXPECT_FALSE(SampleChunk::decode(kHour, bytes + "x"));
    std::string other = bytes;
    other[0] = 2;
    EXPECT_FALSE(SampleChunk::decode(kHour, other)) << "another version";
}

TEST(TelemetryId, IsThatOfTheView) {
    const views::TelemetryId id{12, kHour};
    EXPECT_EQ(id.hex().size(), 32U);
    const auto read = views::TelemetryId::parse(id.hex());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->n, 12);
    EXPECT_EQ(read->hour, kHour);
    EXPECT_FALSE(views::TelemetryId::parse(hex_id("an observation")));
}

TEST(Telemetry, IsAnObservationForEachHourWithStatisticsAsComponents) {
    Server server;
    server.send(batch({heart_rates(kBegin + 3'480'000, 60'000, {60, 80, 100})}));  // two, then one
    const auto all = server.observations("&code=8867-4&_sort=date");
    ASSERT_EQ(member(all, "/total"), "2") << all;
    const std::string first = member(all, "/entry/0/resource");
    EXPECT_EQ(member(first, "/status"), "final");
    EXPECT_EQ(member(first, "/category/0/coding/0/code"), "vital-signs");
    EXPECT_EQ(member(first, "/effectivePeriod/start"), "2020-09-13T20:58:00+08:00");
    EXPECT_EQ(member(first, "/effectivePeriod/end"), "2020-09-13T20:59:00+08:00");
    EXPECT_EQ(member(first, "/device/display"), "watch");
    const std::vector<std::pair<std::string, std::string>> said{
        {"count", "2"},    {"minimum", "60"}, {"maximum", "80"},
        {"average", "70"}, {"first", "60"},   {"last", "80"}};
    for (std::size_t i = 0; i < said.size(); ++i) {
        const std::string at = "/component/" + std::to_string(i);
        EXPECT_EQ(member(first, at + "/code/coding/0/code"), said[i].first);
        EXPECT_EQ(std::stod(member(first, at + "/valueQuantity/value")), std::stod(said[i].second));
    }
    EXPECT_EQ(member(first, "/component/6"), "") << "moments don't add up";
    EXPECT_EQ(member(first, "/component/1/valueQuantity/code"), "/min");
    const auto read = server.router.get("/fhir/Observation/" + member(first, "/id"));
    EXPECT_EQ(read.status, 200) << read.body;
    EXPECT_EQ(member(read.body, "/id"), member(first, "/id"));
}

TEST(Telemetry, CountsARepeatedBatchOnce) {
    Server server;
    const auto event = batch({heart_rates(kBegin, 60'000, {60, 80})});
    server.send(event).send(event);
    const auto all = server.observations("");
    EXPECT_EQ(member(all, "/total"), "1");
    EXPECT_EQ(std::stod(member(all, "/entry/0/resource/component/0/valueQuantity/value")), 2);
    EXPECT_EQ(member(all, "/entry/0/resource/meta/versionId"), "1") << "nothing changed";
}

TEST(Telemetry, StepsAddUpAndAreAnActivity) {
    Server server;
    auto steps = heart_rates(kBegin + 60'000, 60'000, {30, 40});
    steps.loinc = "55423-8";
    steps.unit = "{steps}";
    steps.spans = {60'000, 60'000};
    server.send(batch({steps}));
    const auto all = server.observations("&category=activity");
    ASSERT_EQ(member(all, "/total"), "1") << all;
    EXPECT_EQ(member(all, "/entry/0/resource/component/6/code/coding/0/code"), "sum");
    EXPECT_EQ(std::stod(member(all, "/entry/0/resource/component/6/valueQuantity/value")), 70);
    EXPECT_EQ(member(all, "/entry/0/resource/effectivePeriod/start"), "2020-09-13T20:00:00+08:00");
    EXPECT_EQ(member(server.observations("&category=vital-signs"), "/total"), "0");
}

TEST(Telemetry, IsSearchedAndPagedTogetherWithResults) {
    Server server;
    Message message;
    message.person = kAnna;
    const std::string before = hex_id("before"), between = hex_id("between");
    message.results = {creatinine(before, "2020-09-13T11:30:00Z", 80),
                       creatinine(between, "2020-09-13T12:30:00Z", 81)};
    server.records.add(message.event());
    server.send(batch({heart_rates(kBegin, 3'600'000, {60, 61})}));
    std::string kinds;
    std::string url = "/fhir/Observation?patient=" + kAnna + "&_sort=date&_count=1";
    for (int pages = 0; !url.empty() && pages < 9; ++pages) {
        const auto page = server.router.get(url).body;
        EXPECT_EQ(member(page, "/total"), "4");
        kinds += member(page, "/entry/0/resource/component").empty() ? "r" : "t";
        const std::string next = member(page, "/link/1/url");
        url = next.empty() ? "" : next.substr(next.find("/fhir"));
    }
    EXPECT_EQ(kinds, "rtrt");
    EXPECT_EQ(member(server.observations("&date=2020-09-13T20:30:00+08:00"), "/total"), "2")
        << "a result by its time, an hour by any moment in it";
    EXPECT_EQ(member(server.observations("&date=ge2020-09-13T12:45:00Z"), "/total"), "2")
        << "an hour is found by a moment in it";
    EXPECT_EQ(member(server.observations("&date=ge2020-09-13T13:00:00Z"), "/total"), "1");
    EXPECT_EQ(member(server.observations("&date=lt2020-09-13T12:00:00Z"), "/total"), "1");
    EXPECT_EQ(member(server.router.get("/fhir/Observation").body, "/total"), "2")
        << "hours are found by searches that name a patient";
    EXPECT_EQ(member(server.router.get("/fhir/Patient/" + kAnna + "/$everything").body, "/total"),
              "6");
}

TEST(Series, GivesTheSamplesAndWhoHasTheWord) {
    Server server;
    server.send(batch({heart_rates(kBegin, 60'000, {60, 80}),
                       heart_rates(kBegin + 30'000, 360'000, {99, 100}, "phone", 5)}));
    const auto answer =
        server.router
            .get("/series/" + kAnna + "/8867-4?from=2020-09-13T12:00:00Z&to=2020-09-13T13:00:00Z")
            .body;
    EXPECT_EQ(member(answer, "/sources/0/name"), "watch");
    EXPECT_EQ(member(answer, "/samples/0/at"), "2020-09-13T12:00:00Z");
    EXPECT_EQ(member(answer, "/samples/1/counts"), "false") << "the watch has the word";
    EXPECT_EQ(std::stod(member(answer, "/samples/1/value")), 99);
    EXPECT_EQ(member(answer, "/samples/3/source"), "1");
    EXPECT_EQ(member(answer, "/samples/3/counts"), "") << "where it is silent the phone counts";
    EXPECT_EQ(member(answer, "/samples/4"), "");
    const auto audit = values_of(server.log, "audit");
    ASSERT_EQ(audit.size(), 1U);
    EXPECT_EQ(member(audit.front(), "/resource"), "series");
    EXPECT_EQ(member(audit.front(), "/count"), "4");
}

TEST(Series, ComesToStatisticsByStep) {
    Server server;
    server.send(batch({heart_rates(kBegin, 600'000, {60, 70, 80, 90})}));
    const auto answer =
        server.router
            .get("/series/" + kAnna +
                 "/8867-4?from=2020-09-13T12:00:00Z&to=2020-09-13T13:00:00Z&step=20m")
            .body;
    EXPECT_EQ(member(answer, "/steps/0/from"), "2020-09-13T12:00:00Z");
    EXPECT_EQ(member(answer, "/steps/0/count"), "2");
    EXPECT_EQ(std::stod(member(answer, "/steps/0/mean")), 65);
    EXPECT_EQ(std::stod(member(answer, "/steps/1/min")), 80);
    EXPECT_EQ(std::stod(member(answer, "/steps/1/last")), 90);
    EXPECT_EQ(member(answer, "/steps/2"), "");
}

TEST(Series, RefusesWhatItDoesNotKnow) {
    Server server;
    const std::string path = "/series/" + kAnna + "/8867-4";
    EXPECT_EQ(server.router.get(path + "?step=0s").status, 400);
    EXPECT_EQ(server.router.get(path + "?step=often").status, 400);
    EXPECT_EQ(server.router.get(path + "?from=2020-02-01&to=2020-01-01").status, 400);
    EXPECT_EQ(server.router.get(path + "?from=2010-01-01&to=2020-01-01&step=1s").status, 400);
    EXPECT_EQ(server.router.get(path + "?since=2020").status, 400);
    EXPECT_EQ(server.router.get("/series/nobody/8867-4").status, 404);
    Caller gateway;
    gateway.role = "gateway";
    EXPECT_EQ(server.router.get(path, gateway).status, 403);
    EXPECT_EQ(server.router.get(path).status, 200) << "nothing there is no error";
}

TEST(ViewStore, PassesOverSamplesThatCanNotBe) {
    Archive archive;
    Records records;
    auto wrong = heart_rates(kBegin, 1, {1, 2});
    wrong.steps.pop_back();
    auto back = heart_rates(kBegin, -1, {1, 2});
    auto huge = heart_rates(kBegin, 1, {1, views::kSampleValueMax + 1});
    for (const auto& series : {wrong, back, huge}) records.add(batch({series}));
    const std::vector<views::ViewBatch> batches{records.batch("person")};
    const auto applied = archive.store.apply(batches);
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->refused, 3U);
    EXPECT_EQ(applied->samples, 0U);
}

}  // namespace
}  // namespace vitalog::sinks
