#include "tests/processors/desk_fixture.h"

namespace vitalog::tests {
namespace {

TEST_F(Desk, ShowsANewTaskAndTellsTheTeam) {
    open();
    const auto state = board();
    EXPECT_EQ(state.status, TaskStatus::Requested);
    EXPECT_EQ(state.team, "ward");
    EXPECT_EQ(state.owner, "");
    EXPECT_EQ(state.deadline, opened + 60min);
    EXPECT_EQ(state.evidence.size(), 1u);
    EXPECT_FALSE(state.judged.has_value());
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task"}));
    const auto intent =
        driver.as<schemas::Intent>(driver.of<schemas::Intent>(Topic::Notification).front());
    EXPECT_EQ(intent.not_after, opened + 60min);
    EXPECT_EQ(intent.episode, "alert1");
    EXPECT_EQ(intent.task, kTask);
    EXPECT_EQ(intent.person, "");
    EXPECT_EQ(intent.template_name, "task-notice");
    EXPECT_EQ(intent.intent.size(), 32u);
}

TEST_F(Desk, CountsFromWhenTheFeedRecordWasReceived) {
    driver.set_now(ReceivedTime(1'700'000'000'000'000));
    open();
    EXPECT_EQ(board().opened, ReceivedTime(1'700'000'000'000'000));
}

TEST_F(Desk, OpensATaskOnce) {
    open();
    forget();
    open(Priority::High);
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Desk, IsUrgentOnlyForATaskOfPriorityHigh) {
    open(Priority::High);
    EXPECT_TRUE(driver.of<schemas::TaskState>(Topic::TaskBoard).back().urgent);
    received_after(1min);
    evidence(Priority::High, "obs2");
    EXPECT_FALSE(driver.of<schemas::TaskState>(Topic::TaskBoard).back().urgent);
}

TEST_F(Desk, IsUrgentWhenATaskRisesToHigh) {
    open(Priority::Medium);
    EXPECT_FALSE(driver.of<schemas::TaskState>(Topic::TaskBoard).back().urgent);
    evidence(Priority::High, "obs2");
    EXPECT_TRUE(driver.of<schemas::TaskState>(Topic::TaskBoard).back().urgent);
}

TEST_F(Desk, TellsNobodyOfALowTask) {
    open(Priority::Low);
    after(61min);
    EXPECT_TRUE(told().empty());
    EXPECT_TRUE(board().breached);
}

TEST_F(Desk, TellsTheTeamWhenALowTaskRises) {
    open(Priority::Low);
    evidence(Priority::Medium, "obs2");
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task"}));
}

TEST_F(Desk, GivesATaskOfAnUnknownTeamToTheDefaultTeam) {
    ASSERT_TRUE(settings({{"desk.default_team", "ward"}}));
    open(Priority::Medium, "nowhere");
    EXPECT_EQ(board().team, "ward");
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task"}));
}

TEST_F(Desk, GivesATaskWithoutATeamToTheDefaultTeam) {
    ASSERT_TRUE(settings({{"desk.default_team", "chiefs"}}));
    open(Priority::Medium, "");
    EXPECT_EQ(board().team, "chiefs");
}

TEST_F(Desk, ForgetsARetiredTeam) {
    ASSERT_TRUE(driver.control("team", "ward", "2", ""));
    ASSERT_TRUE(settings({{"desk.default_team", "chiefs"}}));
    open(Priority::Medium, "ward");
    EXPECT_EQ(board().team, "chiefs");
}

TEST_F(Desk, RefusesATeamPublishedUnderAnotherName) {
    schemas::TeamEntry entry;
    entry.team = "ward";
    const auto refused = driver.control("team", "other", "1", schemas::encode(entry));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::Conflict);
}

TEST_F(Desk, EscalatesToTheDutyDoctorAtThirtyFiveMinutes) {
    open();
    forget();
    after(34min + 59s + 999ms);
    EXPECT_TRUE(driver.outputs().empty());
    after(35min);
    EXPECT_EQ(board().escalation, 1);
    EXPECT_EQ(told(), (List{"user:zhao escalation"}));
}

TEST_F(Desk, EscalatesToTheDutyGroupAtFiftyMinutes) {
    open();
    after(49min + 59s + 999ms);
    forget();
    after(50min);
    EXPECT_EQ(board().escalation, 2);
    EXPECT_EQ(told(), (List{"user:qian escalation", "user:sun escalation"}));
}

TEST_F(Desk, RecordsABreachAtTheDeadline) {
    open();
    after(59min + 59s + 999ms);
    EXPECT_FALSE(board().breached);
    forget();
    after(60min);
    EXPECT_TRUE(board().breached);
    EXPECT_EQ(board().status, TaskStatus::Requested);
    EXPECT_EQ(told(), (List{"user:qian breach", "user:sun breach", "user:zhao breach"}));
    EXPECT_TRUE(driver.timers(kTask).empty());
}

TEST_F(Desk, StrikesForAnAcceptedTaskToo) {
    open();
    ASSERT_EQ(accept("li").status, 200);
    after(35min);
    EXPECT_EQ(board().escalation, 1);
    after(60min);
    EXPECT_TRUE(board().breached);
    EXPECT_EQ(told().back(), "user:li breach");
}

TEST_F(Desk, StrikesNoMoreOnceDecided) {
    open();
    received_after(34min);
    ASSERT_EQ(confirm("li").status, 200);
    forget();
    after(61min);
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Desk, JudgesADecisionThatCameAfterTheStrikeAsLateWithoutWaitingForATick) {
    open();
    received_after(60min);
    ASSERT_EQ(confirm("li").status, 200);
    EXPECT_TRUE(board().breached);
    EXPECT_EQ(board().escalation, 2);
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task"}))
        << "no escalation for what is decided";
}

TEST_F(Desk, JudgesADecisionOneMicrosecondBeforeTheDeadlineAsInTime) {
    open();
    received_after(60min - 1us);
    ASSERT_EQ(confirm("li").status, 200);
    EXPECT_FALSE(board().breached);
}

TEST_F(Desk, NeverRestartsTheClock) {
    open();
    received_after(20min);
    evidence(Priority::High, "obs2");
    EXPECT_EQ(board().deadline, opened + 60min);
    after(35min);
    EXPECT_EQ(board().escalation, 1);
}

TEST_F(Desk, KeepsTheClockThatWasInForceAtOpening) {
    open();
    ASSERT_TRUE(settings({{"desk.deadline", "10m"}, {"desk.escalate", "5m"}}));
    after(34min);
    EXPECT_EQ(board().escalation, 0);
    EXPECT_EQ(board().deadline, opened + 60min);
}

TEST_F(Desk, FollowsTheSettings) {
    ASSERT_TRUE(settings({{"desk.deadline", "10m"}, {"desk.escalate", "5m"}}));
    open();
    after(5min);
    EXPECT_EQ(board().escalation, 1);
    after(10min);
    EXPECT_TRUE(board().breached);
}

TEST_F(Desk, RefusesStepsThatDoNotRiseOrReachTheDeadline) {
    for (const char* steps : {"50m,35m", "35m,60m", "35m,35m", "0m", "10m,20m,30m", "soon"}) {
        const auto refused = settings({{"desk.escalate", steps}});
        ASSERT_FALSE(refused) << steps;
        EXPECT_EQ(refused.error().code(), Errc::Configuration) << steps;
        EXPECT_NE(refused.error().message().find("desk.escalate"), std::string::npos) << steps;
    }
    open();
    after(35min);
    EXPECT_EQ(board().escalation, 1) << "the old settings stay in force";
}

TEST_F(Desk, EscalatesToWhoeverIsThereWhereAPostIsEmpty) {
    team("ward", {"li", "wang"});
    open();
    forget();
    after(35min);
    EXPECT_EQ(told(), (List{"user:li escalation", "user:wang escalation"}));
}

TEST_F(Desk, TakesADutyGroupThatIsAUser) {
    team("ward", {"li"}, "", "zhou");
    open();
    forget();
    after(50min);
    EXPECT_EQ(told(), (List{"user:zhou escalation", "user:zhou escalation"}));
}

TEST_F(Desk, AppendsEvidenceOnceAndReplacesACorrectedValue) {
    open();
    evidence(Priority::Medium, "obs2");
    evidence(Priority::Medium, "obs1");
    const auto state = board();
    ASSERT_EQ(state.evidence.size(), 2u);
    EXPECT_EQ(state.evidence[0].observation, "obs1");
    EXPECT_EQ(state.evidence[0].value, 400);
}

TEST_F(Desk, KeepsTheFirstAndTheNewestEvidence) {
    open();
    for (int i = 0; i < 200; ++i) evidence(Priority::Medium, "more" + std::to_string(i));
    const auto state = board();
    ASSERT_EQ(state.evidence.size(), processors::TaskEntity::kEvidenceMax);
    EXPECT_EQ(state.evidence.front().observation, "obs1");
    EXPECT_EQ(state.evidence.back().observation, "more199");
}

TEST_F(Desk, RaisesThePriorityAndNeverLowersIt) {
    open(Priority::Medium);
    evidence(Priority::High, "obs2");
    EXPECT_EQ(board().priority, Priority::High);
    evidence(Priority::Low, "obs3");
    EXPECT_EQ(board().priority, Priority::High);
}

TEST_F(Desk, TellsTheOwnerAloneOfARise) {
    open(Priority::Medium);
    accept("li");
    forget();
    evidence(Priority::High, "obs2");
    EXPECT_EQ(told(), (List{"user:li task"}));
}

TEST_F(Desk, TellsTheDoctorWhoDecidedOfACorrection) {
    open();
    ASSERT_EQ(confirm("li").status, 200);
    forget();
    evidence(Priority::Medium, "obs1", true);
    EXPECT_EQ(told(), (List{"user:li correction"}));
    EXPECT_EQ(board().status, TaskStatus::Completed);
}

TEST_F(Desk, TellsOfEachCorrectionSeparately) {
    open();
    confirm("li");
    forget();
    evidence(Priority::Medium, "obs1", true);
    evidence(Priority::Medium, "obs1", true);
    const auto intents = driver.of<schemas::Intent>(Topic::Notification);
    ASSERT_EQ(intents.size(), 2u);
    const std::string first(driver.as<schemas::Intent>(intents[0]).intent);
    EXPECT_NE(first, driver.as<schemas::Intent>(intents[1]).intent);
}

TEST_F(Desk, TellsNobodyOfMoreEvidenceAfterTheDecision) {
    open();
    confirm("li");
    forget();
    evidence(Priority::Medium, "obs2");
    EXPECT_TRUE(told().empty());
    EXPECT_EQ(board().evidence.size(), 2u);
}

TEST_F(Desk, CancelsATaskAndWhatStillWaits) {
    open();
    cancel("the episode closed");
    EXPECT_EQ(board().status, TaskStatus::Cancelled);
    EXPECT_EQ(board().status_reason, "the episode closed");
    EXPECT_EQ(called_off(), (List{"user:li", "user:wang"}));
    forget();
    after(61min);
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Desk, NamesTheTaskThatSupersedes) {
    open();
    schemas::TaskCancel event;
    event.task = kTask;
    event.reason = "merged";
    event.superseded_by = "older";
    ASSERT_TRUE(driver.event(kTask, event));
    EXPECT_EQ(board().status_reason, "merged (superseded by task older)");
}

TEST_F(Desk, LeavesADecidedTaskDecidedWhenItsEpisodeCloses) {
    open();
    confirm("li");
    forget();
    cancel("the episode closed");
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Desk, FollowsAMergedPerson) {
    open();
    schemas::TaskPerson event;
    event.task = kTask;
    event.person = "survivor";
    ASSERT_TRUE(driver.event(kTask, event));
    EXPECT_EQ(board().person, "survivor");
    confirm("li");
    EXPECT_EQ(person_decisions().at(0).person, "survivor");
}

TEST_F(Desk, RefusesEvidenceForATaskThatWasNeverOpened) {
    schemas::TaskEvidence event;
    event.task = kTask;
    const auto refused = driver.event(kTask, event);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::NotFound);
}

TEST_F(Desk, ForgetsACancelForATaskThatWasNeverOpened) {
    cancel("closed");
    EXPECT_FALSE(driver.has_entity(kTask));
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(Desk, RefusesARecordKeyedByAnotherTask) {
    schemas::TaskCancel event;
    event.task = "another";
    event.reason = "closed";
    EXPECT_EQ(driver.event(kTask, event).error().code(), Errc::Conflict);
}

TEST_F(Desk, ForgetsADecidedTaskAfterItWasKept) {
    open();
    confirm("li");
    after(90 * 24h - 1us);
    EXPECT_TRUE(driver.has_entity(kTask));
    after(90 * 24h);
    EXPECT_FALSE(driver.has_entity(kTask));
    EXPECT_EQ(confirm("li").status, 404);
}

TEST_F(Desk, KeepsATaskWithNewEvidenceLonger) {
    open();
    confirm("li");
    received_after(24h);
    evidence(Priority::Medium, "obs2");
    after(90 * 24h);
    EXPECT_TRUE(driver.has_entity(kTask));
    after(91 * 24h);
    EXPECT_FALSE(driver.has_entity(kTask));
}

TEST_F(Desk, NeverForgetsAnUndecidedTask) {
    open();
    after(400 * 24h);
    EXPECT_TRUE(driver.has_entity(kTask));
}

}  // namespace
}  // namespace vitalog::tests
