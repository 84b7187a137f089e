#include <gtest/gtest.h>

#include "schemas/json_decode.h"
#include "sinks/fhir/resources.h"
#include "tests/sinks/views_fixture.h"

// A Task as a doctor gets it: everything that a decision needs is in `input`, what happened in
// `note`.

namespace vitalog::sinks::fhir {
namespace {

using tests::extension;
using tests::hex_id;
using tests::member;

const std::string kTask = hex_id("task");
const std::string kAlert = hex_id("alert");
const std::string kAnna = hex_id("anna");
const std::string kResult = hex_id("result");

std::string rendered(const schemas::TaskState& state) {
    schemas::Decoder decoder;
    views::BodyRow row;
    row.person = kAnna;
    row.id = kTask;
    row.body = schemas::encode(state);
    const auto task = to_task(row, decoder);
    EXPECT_TRUE(task) << (task ? "" : task.error().to_string());
    return task.value_or("");
}

schemas::TaskState task() {
    return tests::open_task(kTask, kAlert, kAnna);
}

schemas::Evidence potassium() {
    schemas::Evidence evidence;
    evidence.observation = kResult;
    evidence.loinc = "2823-3";
    evidence.display = "Potassium";
    evidence.value = 6.9;
    evidence.unit = "mmol/L";
    evidence.effective = tests::at("2026-11-21T08:00:00+08:00");
    return evidence;
}

TEST(FhirTaskInput, SaysHowOldAValueWasWhenItWasShown) {
    auto state = task();
    state.evidence = {potassium()};
    state.evidence[0].shown = ReceivedTime(*parse_rfc3339("2026-11-21T01:30:59Z"));
    const auto age = extension(rendered(state), "urn:vitalog:age", "/input/0");
    EXPECT_EQ(member(age, "/valueDuration/value"), "90");
    EXPECT_EQ(member(age, "/valueDuration/code"), "min");
    EXPECT_EQ(member(age, "/valueDuration/system"), "http://unitsofmeasure.org");
}

TEST(FhirTaskInput, RefersToAnObservationOnlyWhereThereIsOne) {
    auto state = task();
    state.evidence = {potassium(), potassium()};
    state.evidence[1].source = "watch";
    const auto json = rendered(state);
    EXPECT_NE(extension(json, "urn:vitalog:observation", "/input/0"), "");
    EXPECT_EQ(extension(json, "urn:vitalog:observation", "/input/1"), "");
    EXPECT_EQ(member(extension(json, "urn:vitalog:source", "/input/1"), "/valueString"), "watch");
}

TEST(FhirTaskInput, TellsTheIndexAndWhatItLacked) {
    auto state = task();
    state.index.emplace();
    state.index->method = "news2";
    state.index->status = schemas::IndexStatus::Incomplete;
    state.index->value = 5;
    state.index->unit = "1";
    state.index->band = "5-6";
    state.index->missing = {"temperature"};
    const auto json = rendered(state);
    EXPECT_EQ(member(json, "/input/0/type/coding/0/code"), "index");
    EXPECT_EQ(member(json, "/input/0/type/text"), "news2");
    EXPECT_EQ(member(json, "/input/0/valueQuantity/value"), "5");
    EXPECT_EQ(member(extension(json, "urn:vitalog:missing", "/input/0"), "/valueString"),
              "temperature");
    EXPECT_EQ(member(extension(json, "urn:vitalog:status", "/input/0"), "/valueCode"),
              "incomplete");
    EXPECT_EQ(member(extension(json, "urn:vitalog:band", "/input/0"), "/valueCode"), "5-6");
    state.index->value.reset();
    EXPECT_EQ(member(rendered(state), "/input/0/valueString"), "5-6");
}

TEST(FhirTaskInput, TellsEarlierEpisodesWithTheirOutcome) {
    auto state = task();
    schemas::EarlierEpisode earlier;
    earlier.alert = kAlert;
    earlier.problem = "Critical potassium";
    earlier.since = tests::at("2026-11-20T08:00:00+08:00");
    earlier.outcome = "reject";
    earlier.user = "dr.li";
    state.earlier = {earlier};
    const auto json = rendered(state);
    EXPECT_EQ(member(json, "/input/0/type/coding/0/code"), "earlier-episode");
    EXPECT_EQ(member(json, "/input/0/valueReference/reference"), "DetectedIssue/" + kAlert);
    EXPECT_EQ(member(extension(json, "urn:vitalog:outcome", "/input/0"), "/valueCode"), "reject");
    EXPECT_EQ(member(extension(json, "urn:vitalog:user", "/input/0"), "/valueString"), "dr.li");
    EXPECT_EQ(member(extension(json, "urn:vitalog:since", "/input/0"), "/valueDateTime"),
              "2026-11-20T08:00:00+08:00");
}

TEST(FhirTaskInput, ProposesTheMessage) {
    auto state = task();
    state.proposed = "您有一条新的健康提醒，请登录查看。";
    const auto json = rendered(state);
    EXPECT_EQ(member(json, "/input/0/type/coding/0/code"), "proposed-message");
    EXPECT_EQ(member(json, "/input/0/valueString"), "您有一条新的健康提醒，请登录查看。");
}

TEST(FhirTaskInput, IsAbsentWhereThereIsNothing) {
    const auto json = rendered(task());
    EXPECT_EQ(member(json, "/input"), "");
    EXPECT_EQ(member(json, "/note"), "");
}

TEST(FhirTaskNote, TellsWhatHappenedAndWhoDidIt) {
    auto state = task();
    state.notes = {{ReceivedTime(1'000'000), "opened for team renal", ""},
                   {ReceivedTime(2'000'000), "accepted", "dr.li"}};
    const auto json = rendered(state);
    EXPECT_EQ(member(json, "/note/0/text"), "opened for team renal");
    EXPECT_EQ(member(json, "/note/0/authorString"), "");
    EXPECT_EQ(member(json, "/note/1/authorString"), "dr.li");
    EXPECT_EQ(member(json, "/note/1/time"), "1970-01-01T00:00:02Z");
}

}  // namespace
}  // namespace vitalog::sinks::fhir
