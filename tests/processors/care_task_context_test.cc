#include "tests/processors/care_fixture.h"

// What care tells a task besides its evidence.

namespace vitalog::tests {
namespace {

using schemas::Topic;
using std::chrono::minutes;

class CareTaskContext : public CareTest {
  protected:
    void encounter(std::string_view trigger, EventTime at) {
        schemas::PersonClinical record;
        record.person = person;
        schemas::Identifier identifier{"MRN", "1", {}};
        record.event.identifiers = {identifier};
        record.event.trigger = trigger;
        record.event.occurred = {at, 0, Precision::Second};
        auto& event = record.event.encounter.emplace();
        event.visit = "V1";
        event.trigger = trigger;
        event.occurred = record.event.occurred;
        ASSERT_TRUE(driver.event(person, record));
    }
};

TEST_F(CareTaskContext, NamesThePatientsMessageOfTheRule) {
    course({potassium("k1", 7.0)});
    const auto open = last<schemas::TaskOpen>(Topic::Task);
    EXPECT_EQ(open.patient_purpose, "alert");
    EXPECT_EQ(open.patient_template, "patient-notice");
    EXPECT_TRUE(open.earlier.empty());
    EXPECT_FALSE(open.index.has_value()) << "the rule looks at a value";
}

TEST_F(CareTaskContext, TellsWhatTheIndexLacked) {
    ASSERT_TRUE(results({{.name = "c1", .value = 400}}, "", ""));
    const auto open = last<schemas::TaskOpen>(Topic::Task);
    ASSERT_TRUE(open.index.has_value());
    EXPECT_EQ(open.index->method, "aki-nhs");
    EXPECT_EQ(open.index->band, "?AKI");
    EXPECT_EQ(open.index->status, schemas::IndexStatus::Incomplete);
    EXPECT_FALSE(open.index->missing.empty());
}

TEST_F(CareTaskContext, TellsTheIndexOfTheResultThatRaisesIt) {
    course({{.name = "c1", .value = 80}, {.name = "c2", .value = 250, .at = kMorning + hours(24)}});
    const auto open = last<schemas::TaskOpen>(Topic::Task);
    ASSERT_TRUE(open.index.has_value());
    EXPECT_EQ(open.index->band, "3");
    ASSERT_TRUE(open.index->value.has_value());
    EXPECT_NEAR(*open.index->value, 250.0 / 80, 0.01);
}

TEST_F(CareTaskContext, TellsEarlierEpisodesOfTheRuleWithTheirOutcomeTheLatestFirst) {
    course({potassium("k1", 7.0)});
    decide(schemas::DecisionAction::Reject);
    course({potassium("k2", 4.5, kMorning + hours(1)), potassium("k3", 7.1, kMorning + hours(2)),
            potassium("k4", 4.5, kMorning + hours(3)), potassium("k5", 7.2, kMorning + hours(4))});
    const auto open = last<schemas::TaskOpen>(Topic::Task);
    ASSERT_EQ(open.earlier.size(), 2U);
    EXPECT_EQ(open.earlier[0].since.at, kMorning + hours(2));
    EXPECT_EQ(open.earlier[0].outcome, "undecided");
    EXPECT_EQ(open.earlier[1].since.at, kMorning);
    EXPECT_EQ(open.earlier[1].outcome, "reject");
    EXPECT_EQ(open.earlier[1].user, "dr.li");
}

TEST_F(CareTaskContext, KnowsNoEarlierEpisodeOfAnotherRule) {
    course({potassium("k1", 7.0), potassium("k2", 4.5, kMorning + hours(1))});
    course({{.name = "n1",
             .value = 118,
             .at = kMorning + hours(2),
             .loinc = "2951-2",
             .unit = "mmol/L",
             .high = 145}});
    EXPECT_TRUE(last<schemas::TaskOpen>(Topic::Task).earlier.empty());
}

TEST_F(CareTaskContext, TellsUndecidedTasksOfADischarge) {
    course({potassium("k1", 7.0)});
    const std::string task(last<schemas::TaskOpen>(Topic::Task).task);
    encounter("A01", kMorning + minutes(1));
    EXPECT_EQ(count<schemas::TaskRemark>(Topic::Task), 0U);
    encounter("A03", kMorning + minutes(2));
    ASSERT_EQ(count<schemas::TaskRemark>(Topic::Task), 1U);
    const auto remark = last<schemas::TaskRemark>(Topic::Task);
    EXPECT_EQ(remark.task, task);
    EXPECT_EQ(remark.what, "the patient was discharged");
    EXPECT_EQ(remark.at.at, kMorning + minutes(2));
    encounter("A13", kMorning + minutes(3));
    EXPECT_EQ(last<schemas::TaskRemark>(Topic::Task).what, "the patient's discharge was cancelled");
}

TEST_F(CareTaskContext, TellsNoDecidedTaskOfADischarge) {
    course({potassium("k1", 7.0)});
    decide(schemas::DecisionAction::Confirm);
    encounter("A03", kMorning + minutes(2));
    EXPECT_EQ(count<schemas::TaskRemark>(Topic::Task), 0U);
}

}  // namespace
}  // namespace vitalog::tests
