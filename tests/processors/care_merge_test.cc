#include "tests/processors/care_fixture.h"

namespace vitalog::tests {
namespace {

using schemas::AlertState;
using schemas::PersonMoved;
using schemas::RiskEvent;
using schemas::TaskCancel;
using schemas::TaskOpen;
using schemas::TaskPerson;
using schemas::Topic;

const std::string kLoser(32, 'a');
const std::string kSurvivor(32, 'b');

class Merge : public CareTest {
  protected:
    void at(const std::string& who, const std::vector<Lab>& labs) {
        person = who;
        course(labs);
    }
    /// Tells both, and brings what the loser hands over to the survivor, as the log does.
    void merge() {
        for (const auto& key : {kLoser, kSurvivor})
            ASSERT_TRUE(driver.event(
                key, schemas::PersonMerged{.survivor = kSurvivor, .loser = kLoser, .reason = {}}));
        deliver();
    }
    /// Loops back what was written to `person`.
    void deliver() {
        while (delivered < driver.outputs().size()) {
            const auto output = driver.outputs()[delivered++];
            if (output.topic == Topic::Person) {
                ASSERT_TRUE(driver.record(output.key, output.type, output.json));
            }
        }
    }

    std::size_t delivered = 0;
};

TEST_F(Merge, TheSurvivorsIndicesSeeTheLosersResults) {
    at(kLoser, {{"low", 60, kMorning - hours(24 * 30)}});
    at(kSurvivor, {{"high", 125}});
    EXPECT_EQ(aki_band("high"), "?AKI");
    merge();
    EXPECT_EQ(aki_band("high"), "2");
    std::size_t taken_back = 0;
    for (const auto& output : driver.of<RiskEvent>(Topic::Risk)) {
        const auto risk = driver.as<RiskEvent>(output);
        if (!risk.retracted) continue;
        ++taken_back;
        EXPECT_EQ(output.key, kSurvivor);
        EXPECT_EQ(risk.person, kLoser) << "the row to take back lies with the loser";
        EXPECT_EQ(risk.merged_into, kSurvivor);
    }
    EXPECT_EQ(taken_back,
              2U);  // both indices of the loser's result, which stand under the survivor now
}

TEST_F(Merge, WhatStillArrivesIsForwarded) {
    at(kLoser, {{"low", 60, kMorning - hours(24 * 30)}});
    merge();
    at(kLoser, {{"high", 125}});
    EXPECT_EQ(driver.outputs().back().key, kSurvivor);
    deliver();
    EXPECT_EQ(aki_band("high"), "2");
    const auto risk = last<RiskEvent>(Topic::Risk);
    EXPECT_EQ(risk.person, kSurvivor);
}

TEST_F(Merge, TheOlderOfTwoEpisodesStays) {
    at(kLoser, {potassium("first", 6.5, kMorning - hours(3))});
    const std::string older(last<TaskOpen>(Topic::Task).task);
    at(kSurvivor, {potassium("second", 7.0, kMorning - hours(1))});
    const std::string younger(last<TaskOpen>(Topic::Task).task);
    merge();
    const auto cancel = last<TaskCancel>(Topic::Task);
    EXPECT_EQ(cancel.task, younger);
    EXPECT_EQ(cancel.reason, "superseded");
    EXPECT_EQ(cancel.superseded_by, older);
    EXPECT_EQ(last<TaskPerson>(Topic::Task).person, kSurvivor);
    EXPECT_EQ(last<schemas::RecipientMoved>(Topic::Notification).recipient, kSurvivor);
    driver.take();
    at(kSurvivor, {potassium("third", 5.0)});
    EXPECT_EQ(alerts(AlertState::Closed), 1U);
}

TEST_F(Merge, AnEpisodeOfTheLoserGoesOnWithTheSurvivor) {
    at(kLoser, {potassium("first", 6.5, kMorning - hours(3))});
    const std::string alert(last_alert().id);
    at(kSurvivor, {{"x", 80}});
    merge();
    EXPECT_EQ(last_alert().person, kSurvivor);
    EXPECT_EQ(last_alert().id, alert);
    EXPECT_EQ(last_alert().revision, 2) << "counts on where the loser stopped";
    at(kSurvivor, {potassium("second", 5.0)});
    EXPECT_EQ(last_alert().revision, 3);
    EXPECT_EQ(last_alert().state, AlertState::Closed);
    EXPECT_EQ(last_alert().id, alert);
}

TEST_F(Merge, ADecisionThatArrivesAtTheLoserReachesTheSurvivor) {
    at(kLoser, {potassium("first", 6.5)});
    const auto open = last<TaskOpen>(Topic::Task);
    const std::string task(open.task);
    const std::string alert(open.alert);
    merge();
    ASSERT_TRUE(
        driver.event(kLoser, schemas::PersonDecision{.person = kLoser,
                                                     .task = task,
                                                     .alert = alert,
                                                     .action = schemas::DecisionAction::Confirm,
                                                     .user = "dr",
                                                     .text = {},
                                                     .decided = driver.now()}));
    deliver();
    EXPECT_EQ(last<schemas::Intent>(Topic::Notification).recipient, kSurvivor);
}

TEST_F(Merge, IsIdempotentAndRefusesItself) {
    at(kLoser, {potassium("first", 6.5)});
    merge();
    const auto before = driver.outputs().size();
    ASSERT_TRUE(driver.event(
        kLoser, schemas::PersonMerged{.survivor = kSurvivor, .loser = kLoser, .reason = {}}));
    EXPECT_EQ(driver.outputs().size(), before);
    EXPECT_FALSE(driver.event(
        kLoser, schemas::PersonMerged{.survivor = kLoser, .loser = kLoser, .reason = {}}));
    EXPECT_FALSE(driver.event(kSurvivor,
                              PersonMoved{.survivor = kSurvivor, .loser = kLoser, .state = "!!"}));
}

}  // namespace
}  // namespace vitalog::tests
