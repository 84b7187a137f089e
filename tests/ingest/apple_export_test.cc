// Apple Health's export.xml.
#include "ingest/wearable/apple_export.h"

#include "ingest/http/deflate.h"
#include "ingest/http/inflate.h"
#include "tests/ingest/wearable_fixture.h"

namespace vitalog::ingest::wearable {
namespace {

using tests::Lines;

const std::string kHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE HealthData [\n"
    "<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout)*)>\n]>\n"
    "<HealthData locale=\"zh_CN\">\n <ExportDate value=\"2016-05-29 10:00:00 -0400\"/>\n";

std::string record(std::string_view type, std::string_view unit, std::string_view value,
                   std::string_view source = "Watch",
                   std::string_view end = "2016-05-28 18:41:38 -0400",
                   std::string_view inside = {}) {
    return "<Record type=\"" + std::string(type) + "\" sourceName=\"" + std::string(source) +
           "\" sourceVersion=\"9.3.2\" unit=\"" + std::string(unit) +
           "\" creationDate=\"2016-05-28 18:45:38 -0400\" startDate=\"2016-05-28 18:41:38 -0400\" "
           "endDate=\"" +
           std::string(end) + "\" value=\"" + std::string(value) + "\"" +
           (inside.empty() ? "/>\n" : ">" + std::string(inside) + "</Record>\n");
}

/// What the door makes of an export.
struct Imported {
    explicit Imported(const std::string& records, std::size_t piece = 7) {
        std::string points;
        AppleExport reader(tests::builtin_tables().measures(), [&](std::string_view point) {
            points.append(point).append("\n");
            return Result<void>();
        });
        const std::string text = kHead + records + "</HealthData>\n";
        for (std::size_t at = 0; at < text.size(); at += piece)
            EXPECT_TRUE(reader.read(std::string_view(text).substr(at, piece)).has_value());
        EXPECT_TRUE(reader.finish().has_value());
        counts = reader.counts();
        if (points.empty()) return;
        EXPECT_TRUE(wearable.decode(points).has_value()) << points;
    }
    tests::Wearable wearable;
    AppleExportCounts counts;
};

TEST(AppleExport, GivesRecordsOnAsTheDoorReadsThem) {
    const Imported imported(
        record("HKQuantityTypeIdentifierHeartRate", "count/min", "74") +
        record("HKQuantityTypeIdentifierOxygenSaturation", "%", "0.97") +
        record("HKQuantityTypeIdentifierBodyTemperature", "degF", "98.6") +
        record("HKQuantityTypeIdentifierBloodGlucose", "mmol&lt;180.1558800000541&gt;/L", "5.4") +
        record("HKQuantityTypeIdentifierDistanceWalkingRunning", "km", "1.5", "Li’s iPhone",
               "2016-05-28 18:51:38 -0400") +
        record("HKQuantityTypeIdentifierVO2Max", "mL/min·kg", "40"));
    EXPECT_EQ(imported.wearable.faults, Lines{});
    EXPECT_EQ(imported.wearable.series,
              (Lines{"8867-4 74.0@2016-05-28T22:41:38Z zone -240 from Watch",
                     "59408-5 97.0@2016-05-28T22:41:38Z zone -240 from Watch",
                     "8310-5 37.00@2016-05-28T22:41:38Z zone -240 from Watch",
                     "15074-8 5.40@2016-05-28T22:41:38Z zone -240 from Watch",
                     "55430-3 1500.0@2016-05-28T22:51:38Z/600s zone -240 from Li’s iPhone"}));
    EXPECT_EQ(imported.counts.records, 6u);
    EXPECT_EQ(imported.counts.points, 5u);
    EXPECT_EQ(imported.counts.others, 1u);
}

TEST(AppleExport, KeepsWatchAndPhoneApart) {
    const Imported imported(record("HKQuantityTypeIdentifierStepCount", "count", "120",
                                   "Li's Apple Watch", "2016-05-28 18:46:38 -0400") +
                            record("HKQuantityTypeIdentifierStepCount", "count", "110", "iPhone",
                                   "2016-05-28 18:46:38 -0400"));
    EXPECT_EQ(imported.wearable.series,
              (Lines{"55423-8 120@2016-05-28T22:46:38Z/300s zone -240 from Li's Apple Watch",
                     "55423-8 110@2016-05-28T22:46:38Z/300s zone -240 from iPhone"}));
}

TEST(AppleExport, CountsTheRecordsOfACorrelationOnceWhereverTheyStand) {
    const std::string pressure =
        record("HKQuantityTypeIdentifierBloodPressureSystolic", "mmHg", "120") +
        record("HKQuantityTypeIdentifierBloodPressureDiastolic", "mmHg", "80");
    const std::string correlation =
        "<Correlation type=\"HKCorrelationTypeIdentifierBloodPressure\">" + pressure +
        "</Correlation>\n";
    for (const auto& text : {pressure + correlation, correlation + pressure, correlation}) {
        const Imported imported(text);
        EXPECT_EQ(imported.wearable.series,
                  (Lines{"8480-6 120.0@2016-05-28T22:41:38Z zone -240 from Watch",
                         "8462-4 80.0@2016-05-28T22:41:38Z zone -240 from Watch"}));
    }
}

TEST(AppleExport, KnowsWhatWasTypedIn) {
    const Imported imported(record("HKQuantityTypeIdentifierBodyMass", "kg", "70.5", "Health",
                                   "2016-05-28 18:41:38 -0400",
                                   "<MetadataEntry key=\"HKWasUserEntered\" value=\"1\"/>"));
    EXPECT_EQ(imported.wearable.series,
              Lines{"29463-7 70.50@2016-05-28T22:41:38Z zone -240 from Health self-reported"});
}

TEST(AppleExport, MakesMinutesOfSleepAndLeavesTheBedOut) {
    const auto night = [](std::string_view value) {
        return record("HKCategoryTypeIdentifierSleepAnalysis", "", value, "Watch",
                      "2016-05-28 20:11:38 -0400");
    };
    const Imported imported(night("HKCategoryValueSleepAnalysisAsleepDeep") +
                            night("HKCategoryValueSleepAnalysisInBed") +
                            night("HKCategoryValueSleepAnalysisAwake"));
    EXPECT_EQ(imported.wearable.series,
              Lines{"93832-4 90.0@2016-05-29T00:11:38Z/5400s zone -240 from Watch"});
    EXPECT_EQ(imported.counts.others, 2u);
}

TEST(AppleExport, CountsWhatItCantRead) {
    const Imported imported(
        record("HKQuantityTypeIdentifierHeartRate", "count/min", "fast") +
        record("HKQuantityTypeIdentifierHeartRate", "count/min", "74", "W", "later"));
    EXPECT_EQ(imported.counts.unreadable, 2u);
    EXPECT_EQ(imported.counts.points, 0u);
}

TEST(AppleExport, RefusesOtherFilesAndTornOnes) {
    const auto read = [](std::string_view text) -> Result<void> {
        AppleExport reader(tests::builtin_tables().measures(),
                           [](std::string_view) { return Result<void>(); });
        VITALOG_CHECK(reader.read(text));
        return reader.finish();
    };
    EXPECT_EQ(read("<gpx></gpx>").error().message(),
              "not an export of Apple Health: it begins with <gpx>, not <HealthData>");
    EXPECT_EQ(read("not xml").error().code(), Errc::Malformed);
    EXPECT_EQ(read(kHead).error().code(), Errc::Malformed);
    EXPECT_EQ(read("").error().code(), Errc::Malformed);
    EXPECT_TRUE(read(kHead + "</HealthData>").has_value());
}

TEST(AppleExport, StopsWhereItsReaderStops) {
    AppleExport reader(tests::builtin_tables().measures(), [](std::string_view) {
        return Result<void>(tl::unexpected(Error(Errc::Io, "the site is gone")));
    });
    const auto done =
        reader.read(kHead + record("HKQuantityTypeIdentifierHeartRate", "count/min", "74"));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().message(), "the site is gone");
}

TEST(Gzip, IsWhatTheServerUnpacks) {
    for (const std::string& text : {std::string(), std::string("x"), std::string(100'000, 'y')})
        EXPECT_EQ(gunzip(gzip(text), 1 << 20).value(), text);
}

}  // namespace
}  // namespace vitalog::ingest::wearable
