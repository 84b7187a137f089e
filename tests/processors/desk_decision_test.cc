#include "processors/stored_form.h"
#include "tests/processors/desk_fixture.h"

namespace vitalog::tests {
namespace {

TEST_F(Desk, GivesATaskToTheDoctorWhoAccepts) {
    open();
    const auto answer = accept("li");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.owner, "li");
    EXPECT_EQ(answer.task_status, TaskStatus::Accepted);
    EXPECT_TRUE(person_decisions().empty());
    EXPECT_TRUE(called_off().empty());
}

TEST_F(Desk, GivesATaskToTheFirstOfTwoDoctors) {
    open();
    EXPECT_EQ(accept("li").status, 200);
    const auto second = accept("wang");
    EXPECT_EQ(second.status, 409);
    EXPECT_EQ(second.owner, "li");
    EXPECT_NE(second.message.find("li"), std::string::npos);
}

TEST_F(Desk, LetsOneOfTwoDoctorsConfirm) {
    open();
    EXPECT_EQ(confirm("wang").status, 200);
    const auto second = confirm("li");
    EXPECT_EQ(second.status, 409);
    EXPECT_EQ(second.task_status, TaskStatus::Completed);
    EXPECT_EQ(second.owner, "wang");
    EXPECT_EQ(person_decisions().size(), 1u);
}

TEST_F(Desk, LetsTheSameDoctorAcceptAgain) {
    open();
    accept("li");
    EXPECT_EQ(accept("li").status, 200);
}

TEST_F(Desk, AcceptsWhatItDecides) {
    open();
    const auto answer = confirm("li");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.owner, "li");
    EXPECT_EQ(answer.task_status, TaskStatus::Completed);
    const auto decisions = person_decisions();
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].person, "person1");
    EXPECT_EQ(decisions[0].alert, "alert1");
    EXPECT_EQ(decisions[0].action, DecisionAction::Confirm);
    EXPECT_EQ(decisions[0].user, "li");
    EXPECT_EQ(called_off(), (List{"user:li", "user:wang"}));
    ASSERT_TRUE(board().outcome.has_value());
    EXPECT_EQ(board().outcome->user, "li");
}

TEST_F(Desk, KeepsTheTextOfAModification) {
    open();
    EXPECT_EQ(modify("li", "please come on Monday").status, 200);
    EXPECT_EQ(board().outcome->text, "please come on Monday");
    EXPECT_EQ(person_decisions().at(0).action, DecisionAction::Modify);
    EXPECT_EQ(person_decisions().at(0).text, "please come on Monday");
}

TEST_F(Desk, KeepsTheReasonOfARejection) {
    open();
    EXPECT_EQ(reject("li", "known dialysis patient").status, 200);
    EXPECT_EQ(board().outcome->reason, "known dialysis patient");
    EXPECT_EQ(board().status, TaskStatus::Completed);
    EXPECT_EQ(person_decisions().at(0).action, DecisionAction::Reject);
}

TEST_F(Desk, WantsAReasonATextAndATarget) {
    open();
    EXPECT_EQ(reject("li", "").status, 422);
    EXPECT_EQ(modify("li", "").status, 422);
    EXPECT_EQ(hand_over("li", "").status, 422);
    EXPECT_EQ(accept("").status, 422);
    EXPECT_EQ(modify("li", std::string(processors::kDecisionTextMax + 1, 'x')).status, 422);
    EXPECT_EQ(board().status, TaskStatus::Requested);
    EXPECT_EQ(modify("li", std::string(processors::kDecisionTextMax, 'x')).status, 200);
}

TEST_F(Desk, KeepsAnAcceptedTaskFromOthers) {
    open();
    accept("li");
    EXPECT_EQ(confirm("wang").status, 409);
    EXPECT_EQ(reject("wang", "no").status, 409);
    EXPECT_EQ(hand_over("wang", "wang").status, 409);
    EXPECT_EQ(confirm("li").status, 200);
}

TEST_F(Desk, AnswersALateDecisionWithTheTask) {
    open();
    cancel("the episode closed");
    const auto answer = confirm("li");
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.task_status, TaskStatus::Cancelled);
    EXPECT_NE(answer.message.find("the episode closed"), std::string::npos);
}

TEST_F(Desk, LetsOnlyTheTeamAndThoseOnDutyDecide) {
    open();
    const auto stranger = confirm("stranger");
    EXPECT_EQ(stranger.status, 409);
    EXPECT_NE(stranger.message.find("ward"), std::string::npos);
    EXPECT_EQ(accept("zhao").status, 200) << "the duty doctor";
}

TEST_F(Desk, LetsAMemberOfTheDutyGroupDecide) {
    open();
    EXPECT_EQ(confirm("sun").status, 200);
}

TEST_F(Desk, LetsAnybodyDecideWhereTheTeamHasNoMembers) {
    team("small", {});
    open(Priority::Medium, "small");
    EXPECT_EQ(confirm("anybody").status, 200);
}

TEST_F(Desk, LetsAnybodyDecideWhereTheTeamIsUnknown) {
    open(Priority::Medium, "unheard-of");
    EXPECT_EQ(confirm("anybody").status, 200);
}

TEST_F(Desk, LetsAServerWithoutTokensDecideInNobodysName) {
    open();
    EXPECT_EQ(confirm("anonymous").status, 200);
}

TEST_F(Desk, HandsOverToAUser) {
    open();
    accept("li");
    forget();
    const auto answer = hand_over("li", "wang");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.owner, "wang");
    EXPECT_EQ(answer.task_status, TaskStatus::Accepted);
    EXPECT_EQ(told(), (List{"user:wang task"}));
    EXPECT_EQ(confirm("li").status, 409);
    EXPECT_EQ(confirm("wang").status, 200);
}

TEST_F(Desk, HandsOverToATeam) {
    open();
    accept("li");
    forget();
    const auto answer = hand_over("li", "chiefs");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.owner, "");
    EXPECT_EQ(answer.task_status, TaskStatus::Requested);
    EXPECT_EQ(board().team, "chiefs");
    EXPECT_EQ(told(), (List{"user:qian task", "user:sun task"}));
    EXPECT_EQ(board().deadline, opened + 60min);
    EXPECT_EQ(accept("li").status, 409) << "no longer in the task's team";
    EXPECT_EQ(accept("sun").status, 200);
}

TEST_F(Desk, TellsTheSameDoctorAgainWhenATaskComesBack) {
    open();
    accept("li");
    hand_over("li", "wang");
    hand_over("wang", "li");
    forget();
    hand_over("li", "wang");
    const auto intents = driver.of<schemas::Intent>(Topic::Notification);
    ASSERT_EQ(intents.size(), 1u) << "a new step, so a new message";
}

TEST_F(Desk, RefusesToHandOverToNobody) {
    open();
    EXPECT_EQ(hand_over("li", "nobody-of-that-name").status, 422);
    EXPECT_EQ(hand_over("li", "team:li").status, 422);
    EXPECT_EQ(hand_over("li", "user:wang").status, 200);
}

TEST_F(Desk, LetsThoseOnDutyTakeOverOnceEscalated) {
    open();
    accept("li");
    EXPECT_EQ(hand_over("zhao", "zhao").status, 409) << "before the escalation";
    after(35min);
    EXPECT_EQ(confirm("zhao").status, 409) << "a named doctor still has it";
    EXPECT_EQ(hand_over("zhao", "zhao").status, 200);
    EXPECT_EQ(confirm("zhao").status, 200);
}

TEST_F(Desk, GivesTheSameAnswerToTheSameRequest) {
    open();
    EXPECT_EQ(confirm("li", "r1").status, 200);
    forget();
    EXPECT_EQ(confirm("li", "r1").status, 200);
    EXPECT_EQ(driver.outputs().size(), 1u) << "the answer, and nothing else";
    EXPECT_TRUE(person_decisions().empty());
    EXPECT_EQ(confirm("li", "r2").status, 409);
}

TEST_F(Desk, AnswersARepeatWithTheVersionOfTheFirstAnswer) {
    open();
    EXPECT_EQ(accept("li", "r1").version, 2);
    EXPECT_EQ(accept("wang", "r2").version, 2) << "a refusal changes nothing";
    EXPECT_EQ(hand_over("li", "wang").version, 3);
    EXPECT_EQ(accept("li", "r1").version, 2);
    EXPECT_EQ(accept("li", "r1").owner, "li");
    EXPECT_EQ(accept("wang", "r2").version, 2);
    EXPECT_EQ(accept("wang", "r3").version, 3) << "has it already";
    EXPECT_EQ(board().version, 3);
    EXPECT_EQ(driver.of<schemas::TaskState>(Topic::TaskBoard).size(), 3u);
}

TEST_F(Desk, RemembersARefusalToo) {
    open();
    accept("li");
    EXPECT_EQ(accept("wang", "r1").status, 409);
    hand_over("li", "ward");
    EXPECT_EQ(accept("wang", "r1").status, 409);
    EXPECT_EQ(accept("wang", "r2").status, 200);
}

TEST_F(Desk, TellsTwoDoctorsWithTheSameRequestIdApart) {
    open();
    EXPECT_EQ(accept("li", "1").status, 200);
    EXPECT_EQ(accept("wang", "1").status, 409);
}

TEST_F(Desk, RefusesARequestIdThatStandsForAnotherDecision) {
    open();
    EXPECT_EQ(accept("li", "r1").status, 200);
    EXPECT_EQ(confirm("li", "r1").status, 422);
    EXPECT_EQ(board().status, TaskStatus::Accepted);
}

TEST_F(Desk, RemembersABoundedNumberOfRequests) {
    open();
    EXPECT_EQ(accept("li", "first").status, 200);
    for (std::size_t i = 1; i < processors::TaskEntity::kRequestsMax; ++i)
        accept("li", "r" + std::to_string(i));
    EXPECT_EQ(confirm("li", "first").status, 422) << "still remembered as an accept";
    accept("li", "one more");
    EXPECT_EQ(confirm("li", "first").status, 200) << "forgotten, so a new request";
}

TEST_F(Desk, AnswersAboutAnUnknownTaskAndForgetsIt) {
    EXPECT_EQ(confirm("li", "r1").status, 404);
    EXPECT_FALSE(driver.has_entity(kTask));
    open();
    EXPECT_EQ(confirm("li", "r1").status, 200);
}

TEST_F(Desk, NamesTheFeedRecordInItsAnswer) {
    open();
    schemas::Decision decision{kTask, DecisionAction::Accept, "li", "", "", "", "r1"};
    ASSERT_TRUE(driver.event(kTask, decision));
    const auto state = board();
    ASSERT_TRUE(state.judged.has_value());
    EXPECT_EQ(state.judged->root.size(), 32u);
    EXPECT_EQ(state.judged->request_id, "r1");
}

TEST(TaskEntity, RefusesBytesThatAreNotATask) {
    processors::TaskEntity task;
    EXPECT_EQ(task.decode("").error().code(), Errc::Damaged);
    EXPECT_EQ(task.decode("VT\x04").error().code(), Errc::Damaged) << "a later version";
    std::string bytes;
    task.encode(bytes);
    EXPECT_TRUE(task.decode(bytes));
    EXPECT_EQ(task.decode(bytes + "x").error().code(), Errc::Damaged);
    EXPECT_EQ(task.decode(std::string_view(bytes).substr(0, bytes.size() - 1)).error().code(),
              Errc::Damaged);
}

}  // namespace
}  // namespace vitalog::tests
