#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::AlertEvent;
using schemas::AlertState;
using schemas::DecisionAction;
using schemas::IndexStatus;
using schemas::ObservationStatus;
using schemas::Priority;
using schemas::RiskEvent;
using schemas::TaskCancel;
using schemas::TaskEvidence;
using schemas::TaskOpen;
using schemas::Topic;

using Indices = CareTest;
using EpisodesOf = CareTest;
using Corrections = CareTest;
using Decisions = CareTest;

TEST_F(Indices, AreWrittenPerObservationBand0Included) {
    ASSERT_TRUE(results({{"a", 80}}));
    ASSERT_EQ(count<RiskEvent>(Topic::Risk), 2U);
    const auto aki = driver.as<RiskEvent>(driver.outputs()[0]);
    EXPECT_EQ(aki.method, "aki-nhs");
    EXPECT_EQ(aki.version, "aki-nhs/2014");
    EXPECT_EQ(aki.band, "0");
    EXPECT_EQ(aki.status, IndexStatus::Complete);
    const auto egfr = driver.as<RiskEvent>(driver.outputs()[1]);
    EXPECT_EQ(egfr.method, "egfr-ckdepi-2021");
    EXPECT_EQ(egfr.version, "ckd-epi/2021");
    EXPECT_NEAR(egfr.value.value(), 103.36,
                0.01);  // M 50, 80 umol/L: 142 (0.905 / 0.9)^-1.2 0.9938^50
    EXPECT_EQ(driver.of<AlertEvent>(Topic::Alert).size(), 0U);
}

TEST_F(Indices, SayWhatIsMissing) {
    ASSERT_TRUE(results({{"a", 80}}, "", ""));
    const auto egfr = driver.as<RiskEvent>(driver.outputs()[1]);
    EXPECT_EQ(egfr.status, IndexStatus::Incomplete);
    EXPECT_EQ(egfr.missing, (std::vector<std::string_view>{"birth date", "sex"}));
    EXPECT_FALSE(egfr.value.has_value());
}

TEST_F(Indices, AreMadeUpForWhenTheBirthDateComes) {
    ASSERT_TRUE(results({{"a", 80}}, "", ""));
    driver.take();
    ASSERT_TRUE(results({}));
    const auto egfr = last<RiskEvent>(Topic::Risk);
    EXPECT_EQ(egfr.status, IndexStatus::Complete);
    EXPECT_EQ(egfr.basis.front(), id_of("a"));
}

TEST_F(Indices, EgfrIsNotForChildren) {
    ASSERT_TRUE(results({{"a", 80}}, "2010-01-01"));
    const auto egfr = last<RiskEvent>(Topic::Risk);
    EXPECT_EQ(egfr.status, IndexStatus::NotApplicable);
    EXPECT_FALSE(egfr.reason.empty());
}

TEST_F(Indices, ALateCreatinineReEvaluatesThoseItTouches) {
    course({{"a", 120, kMorning}});
    EXPECT_EQ(aki_band("a"), "?AKI");
    course({{"b", 60, kMorning - hours(24 * 30)}});
    EXPECT_EQ(aki_band("a"), "2");
    EXPECT_EQ(aki_band("b"), "0");
}

TEST_F(Indices, ARepeatHasNoEffect) {
    course({{"a", 120}});
    driver.take();
    course({{"a", 120}});
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Indices, ARetractedObservationTakesItsResultBack) {
    course({{"a", 60, kMorning - hours(72)}, {"b", 120, kMorning - hours(24)}, {"c", 70}});
    EXPECT_EQ(aki_band("c"), "0");
    Lab gone{"b", 0, kMorning - hours(24)};
    gone.status = ObservationStatus::Deleted;
    gone.kind = schemas::ValueKind::Missing;
    course({gone});
    EXPECT_EQ(aki_band("b"), "retracted");
    Lab wrong{"a", 0, kMorning - hours(72)};
    wrong.status = ObservationStatus::WrongPatient;
    course({wrong});
    EXPECT_EQ(aki_band("a"), "retracted");
}

TEST_F(EpisodesOf, AnAkiCourseIsOneEpisodeWhosePriorityRises) {
    course({{"a", 60, kMorning - hours(60)}, {"b", 95, kMorning - hours(40)}});
    EXPECT_EQ(last_alert().priority, Priority::Low);
    EXPECT_EQ(last_alert().state, AlertState::Raised);
    EXPECT_EQ(tasks(), 0U);
    course({{"c", 190, kMorning - hours(10)}});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    const auto alert = last_alert();
    EXPECT_EQ(alert.state, AlertState::Updated);
    EXPECT_EQ(alert.priority, Priority::High);
    EXPECT_EQ(alert.band, "3");
    EXPECT_EQ(alert.rule, "aki");
    EXPECT_EQ(alert.rule_version, "1");
    EXPECT_EQ(alert.pack_version, "2026.1");
    EXPECT_EQ(alert.coefficients, "aki-nhs/2014");
    EXPECT_EQ(alert.problem, "Acute kidney injury stage 3");
    EXPECT_EQ(alert.evidence.size(), 3U);
    EXPECT_EQ(alert.evidence.back().trend, "rising");
    EXPECT_EQ(alert.evidence.back().input_event.size(), 32U);
    EXPECT_TRUE(driver.of<AlertEvent>(Topic::Alert).back().urgent);
    ASSERT_EQ(tasks(), 1U);
    EXPECT_EQ(last<TaskOpen>(Topic::Task).priority, Priority::High);
    course({{"d", 130, kMorning - hours(5)}});  // stage 2: the priority does not fall
    EXPECT_EQ(last_alert().priority, Priority::High);
    EXPECT_EQ(tasks(), 1U);
    EXPECT_EQ(last<TaskEvidence>(Topic::Task).evidence.size(), 1U);
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(EpisodesOf, AnEpisodeClosesByItsOwnLimit) {
    course({potassium("a", 6.5, kMorning - hours(3))});
    EXPECT_EQ(tasks(), 1U);
    course({potassium("b", 6.1, kMorning - hours(2))});  // neither raises nor clears
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
    course({potassium("c", 5.9, kMorning - hours(1))});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(count<TaskCancel>(Topic::Task), 0U);  // the task stays with the doctor
    EXPECT_EQ(last<TaskEvidence>(Topic::Task).evidence.front().observation, id_of("c"));
    course({potassium("d", 6.5)});
    EXPECT_EQ(alerts(AlertState::Raised), 2U);
    EXPECT_EQ(tasks(), 2U);
}

TEST_F(EpisodesOf, ALateNormalValueDoesNotCloseIt) {
    course({potassium("a", 6.5), potassium("b", 4.5, kMorning - hours(2))});
    EXPECT_EQ(alerts(AlertState::Closed), 0U);
}

TEST_F(EpisodesOf, ALateCriticalValueRaisesAndIsClosedByTheNewerOne) {
    course({potassium("a", 4.5), potassium("b", 6.5, kMorning - hours(2))});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
    EXPECT_EQ(tasks(), 1U);
}

TEST_F(EpisodesOf, WhatIsOlderThanMaxAgeMakesNoTask) {
    course({potassium("a", 6.5, kMorning - hours(24) - std::chrono::microseconds(1))});
    EXPECT_TRUE(last_alert().retrospective);
    EXPECT_EQ(tasks(), 0U);
    EXPECT_FALSE(driver.of<AlertEvent>(Topic::Alert).back().urgent);
    course({potassium("b", 6.6, kMorning - hours(24))});  // just in time: the same episode wakes
    EXPECT_FALSE(last_alert().retrospective);
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(tasks(), 1U);
}

TEST_F(EpisodesOf, AnIncompleteIndexAlertsByTheLeastThatIsCertain) {
    ASSERT_TRUE(results({{"a", 80, kMorning - hours(20)}}, "", "male"));
    Lab second{"b", 170, kMorning - hours(1)};
    second.high = 50;  // a child would be at stage 3
    ASSERT_TRUE(results({second}, "", "male"));
    EXPECT_EQ(last_alert().band, "2");
    const auto risk = driver.as<RiskEvent>(driver.outputs()[driver.outputs().size() - 4]);
    EXPECT_EQ(risk.status, IndexStatus::Incomplete);
    EXPECT_EQ(risk.missing, (std::vector<std::string_view>{"birth date"}));
}

TEST_F(EpisodesOf, AnOpenEpisodeStaysWithItsRuleVersion) {
    course({potassium("a", 6.5, kMorning - hours(3))});
    std::string pack = built_in_rules();
    const auto at = pack.find("clear: {low: 3.0, high: 6.0}");
    ASSERT_NE(at, std::string::npos);
    pack.replace(at, 28, "clear: {low: 3.0, high: 4.0}");
    ASSERT_TRUE(driver.control("rules", "acute-core.yaml", "2", pack));
    course({potassium("b", 5.9, kMorning - hours(1))});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
}

TEST_F(EpisodesOf, ARetiredRuleStillClosesWhatItOpened) {
    course({potassium("a", 6.5, kMorning - hours(3))});
    ASSERT_TRUE(driver.control("rules", "acute-core.yaml", "2", ""));
    course({potassium("b", 6.6, kMorning - hours(2)), potassium("c", 5.0, kMorning - hours(1))});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    course({potassium("d", 6.6)});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
}

TEST_F(EpisodesOf, AValueInAnotherUnitIsRefusedNotGuessed) {
    Lab lab = potassium("a", 6.5);
    lab.unit = "mg/dL";
    course({lab});
    ASSERT_EQ(driver.dead_letters.size(), 1U);
    EXPECT_NE(driver.dead_letters[0].reason.find("rule 'potassium-critical'"), std::string::npos);
    EXPECT_EQ(driver.of<AlertEvent>(Topic::Alert).size(), 0U);
}

TEST_F(EpisodesOf, EveryCriticalValueOfTheFirstPackRaisesAtItsLimits) {
    struct Edge {
        std::string loinc, unit;
        double low, high, step;
    };
    for (const auto& [loinc, unit, low, high, step] :
         {Edge{"2823-3", "mmol/L", 2.8, 6.2, 0.01}, Edge{"2951-2", "mmol/L", 120, 160, 0.1},
          Edge{"14749-6", "mmol/L", 2.5, 22.2, 0.01}, Edge{"718-7", "g/L", 60, 200, 0.1}}) {
        const auto raises = [&](double value) {
            driver.take();
            person = id_of(loinc + std::to_string(value));
            EXPECT_TRUE(results({{.name = "x" + loinc + std::to_string(value),
                                  .value = value,
                                  .loinc = loinc,
                                  .unit = unit}}));
            return alerts(AlertState::Raised) == 1;
        };
        EXPECT_TRUE(raises(low)) << loinc;
        EXPECT_FALSE(raises(low + step)) << loinc;
        EXPECT_FALSE(raises(high - step)) << loinc;
        EXPECT_TRUE(raises(high)) << loinc;
    }
}

TEST_F(EpisodesOf, AChangeRuleComparesWithinItsTime) {
    ASSERT_TRUE(driver.control("rules", "local.yaml", "1",
                               "format: 1\npack: local\nversion: 1\nrules:\n  - id: hb-fall\n    "
                               "version: 1\n    kind: change\n"
                               "    problem: Haemoglobin falls\n    loinc: 718-7\n    unit: g/L\n  "
                               "  direction: fall\n    by: 20\n"
                               "    within: 48h\n    priority: medium\n    max_age: 72h\n    "
                               "source: needs clinical sign-off\n"));
    const auto hb = [](std::string name, double value, EventTime at) {
        return Lab{
            .name = std::move(name), .value = value, .at = at, .loinc = "718-7", .unit = "g/L"};
    };
    course({hb("b", 120, kMorning)});
    EXPECT_EQ(alerts(AlertState::Raised), 0U);
    course({hb("a", 140, kMorning - hours(30))});  // late: the later value fell
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(last_alert().rule, "hb-fall");
}

TEST_F(Corrections, BeforeADecisionCloseWhatNothingSupports) {
    course({potassium("a", 6.5)});
    Lab fixed = potassium("a", 4.5);
    fixed.status = ObservationStatus::Corrected;
    course({fixed});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_FALSE(last_alert().reason.empty());
    const auto told = last<TaskEvidence>(Topic::Task);
    EXPECT_TRUE(told.correction);
    EXPECT_EQ(told.evidence.front().value, 4.5);
}

TEST_F(Corrections, MayRaise) {
    course({potassium("a", 5.0)});
    Lab fixed = potassium("a", 7.0);
    fixed.status = ObservationStatus::Corrected;
    course({fixed});
    EXPECT_EQ(alerts(AlertState::Raised), 1U);
    EXPECT_EQ(tasks(), 1U);
}

TEST_F(Corrections, ThatRaiseAreNoCorrectionOfWhatTheyRaised) {
    course({potassium("a", 5.0)});
    Lab fixed = potassium("a", 7.0);
    fixed.status = ObservationStatus::Corrected;
    course({fixed});
    EXPECT_EQ(alerts(AlertState::Updated), 0U);
    EXPECT_EQ(last_alert().state, AlertState::Raised);
}

TEST_F(Corrections, AfterAConfirmationTellTheDoctorAndStopTheMessage) {
    course({potassium("a", 6.5)});
    decide(DecisionAction::Confirm);
    driver.set_now(driver.now() + hours(1));
    Lab gone = potassium("a", 6.5);
    gone.status = ObservationStatus::WrongPatient;
    course({gone});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    const auto told = last<TaskEvidence>(Topic::Task);
    EXPECT_TRUE(told.correction);
    EXPECT_EQ(told.evidence.front().text, "withdrawn");
    EXPECT_EQ(last<schemas::IntentCancel>(Topic::Notification).recipient, person);
}

TEST_F(Corrections, OfAClosedEpisodeStillReachTheDoctor) {
    course({potassium("a", 6.5, kMorning - hours(2)), potassium("b", 5.0)});
    decide(DecisionAction::Confirm);
    driver.take();
    Lab fixed = potassium("a", 5.1, kMorning - hours(2));
    fixed.status = ObservationStatus::Corrected;
    course({fixed});
    EXPECT_TRUE(last<TaskEvidence>(Topic::Task).correction);
    EXPECT_EQ(last_alert().state, AlertState::Closed);
}

TEST_F(Corrections, WithAnotherTimeReplaceTheNewestOfTheOrder) {
    Lab first = potassium("a", 6.5, kMorning - hours(2));
    first.series = "order";
    course({first});
    Lab fixed = potassium("b", 4.4, kMorning - hours(1));
    fixed.series = "order";
    fixed.status = ObservationStatus::Corrected;
    course({fixed});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was corrected");
    EXPECT_EQ(last<TaskEvidence>(Topic::Task).evidence.size(), 2U);
}

TEST_F(Corrections, WithAnEarlierTimeStandInTheSame) {
    Lab first = potassium("a", 6.5, kMorning - hours(1));
    first.series = "order";
    course({first});
    Lab fixed = potassium("b", 4.4, kMorning - hours(2));
    fixed.series = "order";
    fixed.status = ObservationStatus::Corrected;
    course({fixed});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was corrected");
    EXPECT_EQ(last<TaskEvidence>(Topic::Task).evidence.size(), 2U);
}

TEST_F(Decisions, OnlyConfirmAndModifyTellThePatient) {
    course({potassium("a", 6.5)});
    EXPECT_EQ(count<schemas::Intent>(Topic::Notification), 0U);
    decide(DecisionAction::Reject);
    EXPECT_EQ(count<schemas::Intent>(Topic::Notification), 0U);
    decide(DecisionAction::Confirm);
    ASSERT_EQ(count<schemas::Intent>(Topic::Notification), 1U);
    const auto intent = last<schemas::Intent>(Topic::Notification);
    EXPECT_EQ(intent.recipient, person);
    EXPECT_EQ(intent.purpose, "alert");
    EXPECT_EQ(intent.template_name, "patient-notice");
    EXPECT_EQ(intent.priority, Priority::High);
    EXPECT_EQ(intent.not_after, driver.now() + hours(24));
    EXPECT_EQ(intent.text, "please come in");
    decide(DecisionAction::Confirm);
    EXPECT_EQ(count<schemas::Intent>(Topic::Notification), 1U);
}

TEST_F(Decisions, TheLimitOfAMessageIsASetting) {
    ASSERT_TRUE(
        driver.control("settings", "site", "1",
                       R"({"settings":[{"key":"care.patient_notice_limit","value":"2h"}]})"));
    EXPECT_FALSE(
        driver.control("settings", "site", "2",
                       R"({"settings":[{"key":"care.patient_notice_limit","value":"soon"}]})"));
    course({potassium("a", 6.5)});
    decide(DecisionAction::Modify);
    EXPECT_EQ(last<schemas::Intent>(Topic::Notification).not_after, driver.now() + hours(2));
}

TEST_F(Decisions, DeathCancelsWhatWaits) {
    course({potassium("a", 6.5)});
    deceased = true;
    ASSERT_TRUE(results({}));
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last<TaskCancel>(Topic::Task).reason, "deceased");
    course({potassium("b", 6.9)});
    EXPECT_EQ(alerts(AlertState::Raised), 2U);  // recorded
    EXPECT_EQ(tasks(), 1U);                     // but no task
}

TEST_F(Decisions, TheTeamComesFromTheDirectory) {
    ASSERT_TRUE(driver.event(person, schemas::PersonBinding{.person = person,
                                                            .entry = {.patient = "MRN|1",
                                                                      .team = "renal",
                                                                      .phone = "13800000000",
                                                                      .openid = {},
                                                                      .accounts = {},
                                                                      .zone = {},
                                                                      .consent = {},
                                                                      .quiet = {}}}));
    const auto contact = last<schemas::Contact>(Topic::Notification);
    EXPECT_EQ(contact.recipient, person);
    EXPECT_EQ(contact.phone, "13800000000");
    course({potassium("a", 6.5)});
    EXPECT_EQ(last<TaskOpen>(Topic::Task).team, "renal");
}

TEST_F(Decisions, UnknownTypesAreRefused) {
    EXPECT_EQ(driver.record(person, "vitalog.else.v1", "{}").error().code(), Errc::Unsupported);
    EXPECT_FALSE(driver.record(person, schemas::PersonClinical::kType, "{"));
    EXPECT_TRUE(driver.event(
        person, schemas::PersonIdentified{.person = person, .identifier = {"MRN", "1", {}}}));
}

TEST_F(Corrections, TakeBackAResultThatIsSentAgainWithoutAValue) {
    course({potassium("k", 6.8)});
    auto empty = potassium("k", 0);
    empty.kind = schemas::ValueKind::Missing;
    course({empty});
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().reason, "a result it rests on was withdrawn");
}

TEST_F(Corrections, APendingResultSaysNothingAboutTheOneBeforeIt) {
    auto first = potassium("k1", 6.8);
    first.series = "order";
    auto pending = potassium("k2", 0, kMorning + hours(1));
    pending.series = "order";
    pending.kind = schemas::ValueKind::Missing;
    course({first, pending});
    EXPECT_EQ(last_alert().state, AlertState::Raised);
}

}  // namespace
}  // namespace vitalog::tests
