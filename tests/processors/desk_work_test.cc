#include <functional>

#include "tests/processors/desk_fixture.h"

// What a task carries for whoever decides, its reminder, its roster and its history.

namespace vitalog::tests {
namespace {

constexpr std::string_view kPack = R"(id: site
version: "1"
templates:
  - name: patient-notice
    purpose: alert
    sms:
      aliyun: SMS_1
      text: 您有一条新的健康提醒，请登录查看。
  - name: patient-code
    purpose: alert
    sms:
      aliyun: SMS_2
      params: [code]
      text: 您有一条新的健康提醒，编号${code}，请登录查看。
  - name: patient-minutes
    purpose: alert
    sms:
      aliyun: SMS_3
      params: [minutes]
      text: 请在${minutes}分钟内登录查看。
)";

class DeskWork : public Desk {
  protected:
    void open_with(const std::function<void(schemas::TaskOpen&)>& change,
                   Priority priority = Priority::Medium) {
        schemas::TaskOpen event;
        event.task = kTask;
        event.alert = "alert1";
        event.person = "person1";
        event.rule = "aki";
        event.rule_version = "1";
        event.team = "ward";
        event.priority = priority;
        event.evidence = {sample("obs1", 180)};
        event.evidence[0].effective = {(driver.now() - 90min).as<EventTime>(), 480};
        change(event);
        ASSERT_TRUE(driver.event(kTask, event));
        opened = driver.now();
    }
    void shifts(std::vector<schemas::TeamShift> list) {
        schemas::TeamEntry entry;
        entry.team = "ward";
        entry.members_list = {{"li", "", "", ""}, {"wang", "", "", ""}};
        entry.duty_doctor = "zhao";
        entry.duty_group = "chiefs";
        entry.shifts = std::move(list);
        ASSERT_TRUE(driver.control("team", "ward", "2", schemas::encode(entry)));
    }
    void at(std::string_view time) { driver.set_now(ReceivedTime(*parse_rfc3339(time))); }
    std::vector<std::string> notes() {
        std::vector<std::string> list;
        const auto state = board();
        for (const auto& note : state.notes)
            list.push_back(std::string(note.what) +
                           (note.by.empty() ? "" : " by " + std::string(note.by)));
        return list;
    }
};

TEST_F(DeskWork, SaysHowFreshAValueWasWhenItWasShown) {
    open_with([](auto&) {});
    const auto before = board();
    ASSERT_TRUE(before.evidence.at(0).shown.has_value());
    EXPECT_EQ(*before.evidence[0].shown - before.evidence[0].effective.at.as<ReceivedTime>(),
              90min);
    received_after(10min);
    evidence(Priority::Medium, "obs1", true);
    EXPECT_EQ(board().evidence.at(0).shown, opened + 10min) << "a corrected value is shown anew";
}

TEST_F(DeskWork, CarriesTheIndexAndWhatItLacked) {
    open_with([](schemas::TaskOpen& event) {
        event.index = schemas::TaskIndex{"news2",   "rcp-2017", schemas::IndexStatus::Incomplete, 5,
                                         "{score}", "5-6",      {"consciousness", "temperature"}};
    });
    const auto state = board();
    ASSERT_TRUE(state.index.has_value());
    EXPECT_EQ(state.index->method, "news2");
    EXPECT_EQ(state.index->status, schemas::IndexStatus::Incomplete);
    EXPECT_EQ(state.index->value, 5);
    EXPECT_EQ(state.index->missing,
              (std::vector<std::string_view>{"consciousness", "temperature"}));
}

TEST_F(DeskWork, ReplacesTheIndexByANewerOneAndKeepsItOtherwise) {
    open_with([](schemas::TaskOpen& event) { event.index.emplace().band = "1"; });
    evidence(Priority::Medium, "obs2");
    EXPECT_EQ(board().index->band, "1");
    schemas::TaskEvidence more;
    more.task = kTask;
    more.index.emplace().band = "2";
    ASSERT_TRUE(driver.event(kTask, more));
    EXPECT_EQ(board().index->band, "2");
}

TEST_F(DeskWork, CarriesEarlierEpisodesAndTheirOutcome) {
    open_with([](schemas::TaskOpen& event) {
        schemas::EarlierEpisode earlier;
        earlier.alert = "alert0";
        earlier.problem = "Acute kidney injury stage 1";
        earlier.outcome = "reject";
        earlier.user = "li";
        earlier.decided = ReceivedTime(5);
        event.earlier = {earlier};
    });
    const auto state = board();
    ASSERT_EQ(state.earlier.size(), 1u);
    EXPECT_EQ(state.earlier[0].alert, "alert0");
    EXPECT_EQ(state.earlier[0].outcome, "reject");
    EXPECT_EQ(state.earlier[0].user, "li");
    EXPECT_EQ(state.earlier[0].decided, ReceivedTime(5));
}

TEST_F(DeskWork, ProposesThePatientsMessageFromTheTemplate) {
    ASSERT_TRUE(driver.control("templates", "pack.yaml", "1", kPack));
    open_with([](schemas::TaskOpen& event) {
        event.patient_purpose = "alert";
        event.patient_template = "patient-notice";
    });
    EXPECT_EQ(board().proposed, "您有一条新的健康提醒，请登录查看。");
}

TEST_F(DeskWork, FillsTheTasksCodeIntoAProposal) {
    ASSERT_TRUE(driver.control("templates", "pack.yaml", "1", kPack));
    open_with([](schemas::TaskOpen& event) {
        event.patient_purpose = "alert";
        event.patient_template = "patient-code";
    });
    EXPECT_EQ(board().proposed, "您有一条新的健康提醒，编号01234567，请登录查看。");
}

TEST_F(DeskWork, ProposesNothingThatDependsOnTheHour) {
    ASSERT_TRUE(driver.control("templates", "pack.yaml", "1", kPack));
    open_with([](schemas::TaskOpen& event) {
        event.patient_purpose = "alert";
        event.patient_template = "patient-minutes";
    });
    EXPECT_EQ(board().proposed, "");
}

TEST_F(DeskWork, ProposesNothingWhereNoMessageIsSent) {
    ASSERT_TRUE(driver.control("templates", "pack.yaml", "1", kPack));
    open_with([](auto&) {});
    EXPECT_EQ(board().proposed, "");
    EXPECT_FALSE(board().index.has_value());
}

TEST_F(DeskWork, RefusesATextThatTellsWhatSomebodySuffersFrom) {
    open();
    for (const char* text :
         {"您的肌酐偏高", "请复查血钾", "potassium 6.9 mmol/L", "请服用阿司匹林"}) {
        const auto answer = modify("li", text);
        EXPECT_EQ(answer.status, 422) << text;
        EXPECT_NE(answer.message.find("say only"), std::string::npos) << answer.message;
    }
    EXPECT_EQ(board().status, TaskStatus::Requested);
    EXPECT_EQ(modify("li", "请于周一上午来院复查").status, 200);
}

TEST_F(DeskWork, RemindsTheOwnerBeforeTheDeadline) {
    open();
    ASSERT_EQ(accept("li").status, 200);
    after(44min + 59s);
    forget();
    after(45min);
    EXPECT_EQ(told(), (List{"user:li reminder"}));
    EXPECT_EQ(notes().back(), "undecided: the owner is reminded");
    const auto intent =
        driver.as<schemas::Intent>(driver.of<schemas::Intent>(Topic::Notification).front());
    EXPECT_EQ(intent.template_name, "task-reminder");
    EXPECT_EQ(intent.not_after, opened + 60min);
    forget();
    after(49min);
    EXPECT_TRUE(driver.outputs().empty()) << "once";
}

TEST_F(DeskWork, RemindsNobodyOfATaskThatNobodyHas) {
    open();
    after(44min);
    forget();
    after(45min);
    EXPECT_TRUE(driver.outputs().empty());
    after(50min);
    EXPECT_EQ(board().escalation, 2) << "the clock goes on";
}

TEST_F(DeskWork, RemindsNobodyWhoTookTheTaskAfterwards) {
    open();
    received_after(46min);
    ASSERT_EQ(accept("li").status, 200);
    forget();
    after(49min);
    EXPECT_TRUE(told().empty());
}

TEST_F(DeskWork, TakesAReminderThatADecisionOvertook) {
    open();
    ASSERT_EQ(accept("li").status, 200);
    received_after(45min);
    ASSERT_EQ(confirm("li").status, 200);
    forget();
    after(61min);
    EXPECT_TRUE(driver.outputs().empty());
}

TEST_F(DeskWork, FollowsTheSettingOfTheReminder) {
    ASSERT_TRUE(settings({{"desk.remind", "5m"}}));
    open();
    accept("li");
    after(54min + 59s);
    forget();
    after(55min);
    EXPECT_EQ(told(), (List{"user:li reminder"}));
}

TEST_F(DeskWork, RemindsNeverWhereTheSettingSaysSoOrTheDeadlineIsNearer) {
    for (const char* remind : {"0s", "60m", "2h"}) {
        processors::DeskProcessor fresh;
        StageDriver other(fresh);
        schemas::Settings values;
        values.set("desk.remind", remind);
        ASSERT_TRUE(other.control("settings", "site", "1", values.to_body()));
        schemas::TaskOpen event;
        event.task = kTask;
        event.alert = "alert1";
        ASSERT_TRUE(other.event(kTask, event));
        const auto shown = other.of<schemas::TaskState>(Topic::TaskBoard).back();
        EXPECT_FALSE(other.as<schemas::TaskState>(shown).remind.has_value()) << remind;
    }
}

TEST_F(DeskWork, ShowsWhenItsClockStrikes) {
    open();
    const auto state = board();
    EXPECT_EQ(state.steps, (std::vector<ReceivedTime>{opened + 35min, opened + 50min}));
    EXPECT_EQ(state.remind, opened + 45min);
}

// 2026-11-20 is a Friday; Shanghai is eight hours ahead of UTC.
TEST_F(DeskWork, TellsTheDoctorOfTheShiftOfAHighTask) {
    shifts({{"08:00", "20:00", {}, "day", "chiefs"}, {"20:00", "08:00", {}, "night", ""}});
    at("2026-11-20T11:59:59Z");
    open(Priority::High);
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task", "user:day task"}));
}

TEST_F(DeskWork, TellsTheTeamAloneOfAMediumTask) {
    shifts({{"08:00", "20:00", {}, "day", ""}});
    at("2026-11-20T04:00:00Z");
    open(Priority::Medium);
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task"}));
}

TEST_F(DeskWork, EscalatesToWhoeverHasTheShiftThen) {
    shifts({{"08:00", "20:00", {}, "day", "chiefs"}, {"20:00", "08:00", {}, "night", "nights"}});
    at("2026-11-20T11:30:00Z");  // 19:30
    open();
    forget();
    after(35min);
    EXPECT_EQ(told(), (List{"user:night escalation"})) << "20:05: the shift has changed";
    forget();
    after(50min);
    EXPECT_EQ(told(), (List{"user:nights escalation"}));
}

TEST_F(DeskWork, FallsBackToThePostWhereNoShiftHoldsTheHour) {
    shifts({{"08:00", "20:00", {"mon", "tue"}, "day", "nobody-else"}});
    at("2026-11-20T02:00:00Z");
    open();
    forget();
    after(35min);
    EXPECT_EQ(told(), (List{"user:zhao escalation"}));
    forget();
    after(50min);
    EXPECT_EQ(told(), (List{"user:qian escalation", "user:sun escalation"}));
}

TEST_F(DeskWork, KeepsTheShiftPastMidnightOfTheDayItBegan) {
    shifts({{"20:00", "08:00", {"fri"}, "night", ""}});
    at("2026-11-20T23:00:00Z");  // Saturday 07:00
    open();
    forget();
    after(35min);
    EXPECT_EQ(told(), (List{"user:night escalation"}));
}

TEST_F(DeskWork, LetsADoctorOfAnyShiftDecide) {
    shifts({{"08:00", "20:00", {}, "day", ""}, {"20:00", "08:00", {}, "night", ""}});
    at("2026-11-20T04:00:00Z");
    open();
    EXPECT_EQ(accept("night").status, 200);
    EXPECT_EQ(hand_over("night", "day").status, 200);
}

TEST_F(DeskWork, RefusesARosterWithAnUnreadableShiftAndKeepsTheOldOne) {
    schemas::TeamEntry entry;
    entry.team = "ward";
    entry.shifts = {{"8:00", "20:00", {}, "day", ""}};
    const auto refused = driver.control("team", "ward", "3", schemas::encode(entry));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("shifts.from"), std::string::npos);
    open();
    EXPECT_EQ(told(), (List{"user:li task", "user:wang task"}));
}

TEST_F(DeskWork, KeepsTheHistoryOfATask) {
    open();
    accept("li");
    hand_over("li", "wang");
    after(35min);
    evidence(Priority::High, "obs2");
    evidence(Priority::High, "obs1", true);
    confirm("wang");
    EXPECT_EQ(notes(), (List{"opened for team ward", "accepted by li", "handed over to wang by li",
                             "undecided: escalated, step 1", "priority rose to high",
                             "a value changed after it was shown", "confirmed by wang"}));
    EXPECT_EQ(board().notes[3].at, opened + 35min);
}

TEST_F(DeskWork, SaysThatItsPersonWasMerged) {
    open();
    schemas::TaskPerson event;
    event.task = kTask;
    event.person = "survivor";
    ASSERT_TRUE(driver.event(kTask, event));
    EXPECT_EQ(notes().back(), "the person was merged: person1 is now survivor");
}

TEST_F(DeskWork, SaysWhatBefellThePersonWhileItIsOpen) {
    open();
    schemas::TaskRemark event;
    event.task = kTask;
    event.what = "the patient was discharged";
    event.at = *parse_zoned_time("2026-11-20T10:00:00+08:00");
    ASSERT_TRUE(driver.event(kTask, event));
    EXPECT_EQ(notes().back(), "the patient was discharged at 2026-11-20T10:00:00+08:00");
    EXPECT_EQ(board().status, TaskStatus::Requested);
    confirm("li");
    forget();
    ASSERT_TRUE(driver.event(kTask, event));
    EXPECT_TRUE(driver.outputs().empty()) << "what was decided stays as it was decided";
}

TEST_F(DeskWork, ForgetsARemarkForATaskThatWasNeverOpened) {
    schemas::TaskRemark event;
    event.task = kTask;
    event.what = "the patient was discharged";
    ASSERT_TRUE(driver.event(kTask, event));
    EXPECT_FALSE(driver.has_entity(kTask));
}

TEST_F(DeskWork, SaysThatTheDoctorWhoDecidedIsToldOfACorrection) {
    open();
    confirm("li");
    evidence(Priority::Medium, "obs1", true);
    const auto list = notes();
    EXPECT_EQ(list[list.size() - 2], "a value changed after it was shown");
    EXPECT_EQ(list.back(), "li, who decided, is told");
}

TEST_F(DeskWork, SaysWhyItWasCancelled) {
    open();
    cancel("deceased");
    EXPECT_EQ(notes().back(), "cancelled: deceased");
}

TEST_F(DeskWork, KeepsTheFirstAndTheNewestNotes) {
    open();
    for (int i = 0; i < 100; ++i) evidence(Priority::Medium, "obs1", true);
    EXPECT_EQ(board().notes.size(), processors::TaskEntity::kNotesMax);
    EXPECT_EQ(notes().front(), "opened for team ward");
}

}  // namespace
}  // namespace vitalog::tests
