// Open mHealth data points.
#include <algorithm>
#include <filesystem>

#include "tests/ingest/wearable_fixture.h"

namespace vitalog::tests {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// What became of one body, in one line.
std::string outcome(std::string_view schema, std::string_view body) {
    Wearable wearable;
    const auto done = wearable.decode(data_point(schema, body));
    if (!done) return done.error().to_string();
    std::string line;
    for (const auto* list : {&wearable.series, &wearable.statistics, &wearable.faults})
        for (const auto& text : *list) line += (line.empty() ? "" : "; ") + text;
    return line;
}

TEST(OpenMhealth, ReadsEveryPublishedBodyAsItSays) {
    const fs::path root = fs::path(VITALOG_SOURCE_DIR) / "tests/data/wearable";
    Lines read;
    for (const auto& entry : fs::recursive_directory_iterator(root / "openmhealth")) {
        const fs::path path = fs::relative(entry.path(), root / "openmhealth");
        const std::string schema = path.begin()->string();
        if (!entry.is_regular_file() || schema == "header" || schema == "data-point") continue;
        read.push_back(path.string() + ": " + outcome(schema, text_of(entry.path())));
    }
    std::sort(read.begin(), read.end());
    std::string all;
    for (const auto& line : read) all += line + "\n";
    EXPECT_EQ(all, text_of(root / "openmhealth.read"));
}

TEST(OpenMhealth, ReadsEveryPublishedHeader) {
    const fs::path root = fs::path(VITALOG_SOURCE_DIR) / "tests/data/wearable/openmhealth/header";
    std::size_t headers = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        if (!entry.is_regular_file()) continue;
        ++headers;
        Wearable wearable;
        ASSERT_TRUE(wearable.decode("{\"header\":" + text_of(entry.path()) + ",\"body\":{}}"));
        EXPECT_EQ(wearable.faults,
                  Lines{"0 unsupported: schema omh:physical-activity:1.1 is not in "
                        "the table of measures"});
    }
    EXPECT_EQ(headers, 3u);
}

TEST(OpenMhealth, TakesOnePointAnArrayOrLines) {
    const std::string one =
        data_point("heart-rate", R"({"heart_rate":{"value":60,"unit":"beats/min"},
        "effective_time_frame":{"date_time":"2020-02-05T07:25:00Z"}})");
    const std::string flat = data_point(
        "step-count",
        R"({"step_count":12,"effective_time_frame":{)"
        R"("time_interval":{"start_date_time":"2020-02-05T07:25:00Z","end_date_time":"2020-02-05T07:26:00Z"}}})");
    for (const std::string& text : {"[" + one + "," + flat + "]", flat + "\n\n" + flat + "\r\n",
                                    one + flat, " " + one + "\n"}) {
        Wearable wearable;
        ASSERT_TRUE(wearable.decode(text)) << text;
        EXPECT_EQ(wearable.faults, Lines{});
        EXPECT_FALSE(wearable.series.empty());
    }
    for (const char* text : {"", " ", "5", "[5]", "{", "[{}", "<xml/>", "{} {", "\"a\""}) {
        Wearable wearable;
        EXPECT_FALSE(wearable.decode(text).has_value()) << text;
    }
    Wearable wearable;
    ASSERT_TRUE(wearable.decode("[]"));
    EXPECT_EQ(wearable.decoder.items(), 0u);
}

TEST(OpenMhealth, ABrokenLineTakesNoOtherWithIt) {
    const std::string flat = data_point(
        "step-count",
        R"({"step_count":12,"effective_time_frame":{)"
        R"("time_interval":{"start_date_time":"2020-02-05T07:25:00Z","end_date_time":"2020-02-05T07:26:00Z"}}})");
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(flat + "\n{\"header\": {\nnonsense\n" + flat + "\n"));
    EXPECT_EQ(wearable.series.size(), 1u);
    EXPECT_EQ(wearable.decoder.samples(), 2u);
    ASSERT_EQ(wearable.faults.size(), 2u);
    EXPECT_EQ(wearable.faults[0].substr(0, 11), "1 malformed");
    EXPECT_EQ(wearable.faults[1].substr(0, 11), "2 malformed");
}

TEST(OpenMhealth, KnowsWhoseAPointIs) {
    const std::string body = R"({"heart_rate":{"value":60,"unit":"beats/min"},
        "effective_time_frame":{"date_time":"2020-02-05T07:25:00Z"}})";
    const std::string points = data_point("heart-rate", body, R"("user_id":"HUAWEI|u1")") +
                               data_point("heart-rate", body, R"("user_id":"user1432")") +
                               data_point("heart-rate", body, R"("x":1)") +
                               data_point("heart-rate", body, R"("user_id":"|u1")");
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(points, "A|b"));
    EXPECT_EQ(wearable.decoder.accounts(), (Lines{"HUAWEI|u1", "open-mhealth|user1432", "A|b"}));
    EXPECT_EQ(wearable.decoder.points()[1].account, 1u);
    EXPECT_FALSE(wearable.decoder.points()[3].taken);
    EXPECT_EQ(wearable.faults,
              Lines{"3 malformed: the account '|u1' must be written AUTHORITY|ID"});
    ASSERT_TRUE(wearable.decode(points, ""));
    EXPECT_EQ(wearable.faults.size(), 2u);
    EXPECT_EQ(wearable.faults[0],
              "2 missing: whose the point is, nobody says: write header.user_id, or the query "
              "parameter account=AUTHORITY|ID");
    ASSERT_TRUE(wearable.decode(points, "HUAWEI|u1", Wearable::Accounts::One));
    EXPECT_EQ(wearable.decoder.taken(), 2u);
    EXPECT_EQ(wearable.faults[0],
              "1 conflict: the point is of account 'open-mhealth|user1432', its "
              "batch is of 'HUAWEI|u1'");
}

TEST(OpenMhealth, KeepsSourceAndWhoTookTheValue) {
    const std::string body = R"({"body_weight":{"value":154.3,"unit":"lb"},
        "effective_time_frame":{"date_time":"2020-02-05T07:25:00+08:00"}})";
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        data_point(
            "body-weight", body,
            R"("acquisition_provenance":{"source_name":"Ann\u2019s \"scale\"","modality":"sensed"})") +
        data_point("body-weight", body,
                   R"("acquisition_provenance":{"modality":"self-reported"})")));
    EXPECT_EQ(wearable.series,
              (Lines{"29463-7 69.99@2020-02-04T23:25:00Z zone 480 from Ann’s \"scale\"",
                     "29463-7 69.99@2020-02-04T23:25:00Z zone 480 self-reported"}));
}

TEST(OpenMhealth, ConvertsByTheUnitThatCame) {
    const auto glucose = [](const char* value, const char* unit, const char* specimen) {
        return outcome("blood-glucose", std::string(R"({"blood_glucose":{"value":)") + value +
                                            R"(,"unit":")" + unit + R"("},"specimen_source":")" +
                                            specimen +
                                            R"(","effective_time_frame":)"
                                            R"({"date_time":"2020-02-05T07:25:00Z"}})");
    };
    EXPECT_EQ(glucose("180.182", "mg/dL", "capillary blood"), "15074-8 10.00@2020-02-05T07:25:00Z");
    EXPECT_EQ(glucose("5.55", "mmol/L", "interstitial fluid"),
              "105272-9 5.55@2020-02-05T07:25:00Z");
    EXPECT_EQ(glucose("5.55", "mmol/L", "plasma"), "14749-6 5.55@2020-02-05T07:25:00Z");
    EXPECT_EQ(glucose("5.55", "beats/min", "plasma"),
              "0 out-of-range: wrong dimension: '/min' does not convert to 'mmol/L' of Glucose");
    EXPECT_EQ(glucose("5.55", "furlong", "plasma"),
              "0 unsupported: 'furlong' is no known unit; add the spelling to the unit table");
    EXPECT_EQ(outcome("heart-rate", R"({"heart_rate":60})"),
              "0 missing: Heart rate needs a unit that converts to '/min'");
    EXPECT_EQ(
        outcome("heart-rate", R"({"heart_rate":"60"})"),
        "0 malformed: member 'heart_rate' must be a number, or an object of 'value' and 'unit'");
}

TEST(OpenMhealth, AClockAheadIsKnownByWhatItWroteDown) {
    Wearable wearable;  // received 2026-05-28T20:26:40Z
    ASSERT_TRUE(wearable.decode(
        R"({"header":{"id":"1","creation_date_time":"2026-05-28T22:26:40Z","schema_id":{"namespace":"omh",
           "name":"heart-rate","version":"2.0"}},"body":{"heart_rate":{"value":60,"unit":"beats/min"},
           "effective_time_frame":{"date_time":"2026-05-28T18:26:40Z"}}})"));
    EXPECT_EQ(wearable.series, Lines{"8867-4 60.0@2026-05-28T16:26:40Z shift -7200s"});
    EXPECT_EQ(wearable.decoder.event("T|1").series[0].clock_reason,
              "the device's clock states 2026-05-28T22:26:40Z, 2h ahead of its receipt");
}

TEST(OpenMhealth, OfAnotherNamespaceGoesByItsName) {
    Wearable wearable;
    ASSERT_TRUE(wearable.decode(
        R"({"header":{"schema_id":{"namespace":"apple","name":"HKQuantityTypeIdentifierOxygenSaturation"}},
            "body":{"value":{"value":0.97,"unit":"%"},"effective_time_frame":{"date_time":"2020-02-05T07:25:00Z"}}})"));
    EXPECT_EQ(wearable.series, Lines{"59408-5 97.0@2020-02-05T07:25:00Z"});
    EXPECT_EQ(wearable.decoder.event("T|1").provider, "apple");
}

TEST(OpenMhealth, IntervalsMayStateALengthInPlaceOfAnEnd) {
    const auto interval = [](const char* text) {
        return outcome("step-count",
                       std::string(R"({"step_count":5,"effective_time_frame":{"time_interval":{)") +
                           text + "}}}");
    };
    const std::string good = "55423-8 5@2020-02-05T07:30:00Z/300s";
    EXPECT_EQ(
        interval(R"("start_date_time":"2020-02-05T07:25:00Z","duration":{"value":5,"unit":"min"})"),
        good);
    EXPECT_EQ(
        interval(R"("end_date_time":"2020-02-05T07:30:00Z","duration":{"value":300,"unit":"sec"})"),
        good);
    EXPECT_EQ(
        interval(R"("start_date_time":"2020-02-05T07:25:00Z")"),
        "0 malformed: time_interval needs two of start_date_time, end_date_time and duration");
    EXPECT_EQ(interval(R"("end_date_time":"2020-02-05","duration":{"value":300,"unit":"sec"})"),
              "0 malformed: '2020-02-05' is not a time such as 2020-02-05T07:25:00-08:00");
    EXPECT_EQ(
        interval(R"("end_date_time":"2020-02-05T07:30:00Z","duration":{"value":-1,"unit":"sec"})"),
        "0 malformed: time_interval.duration must be at least 0 and in ms, sec, min, h, d or wk");
}

}  // namespace
}  // namespace vitalog::tests
