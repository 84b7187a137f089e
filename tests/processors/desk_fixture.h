#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "processors/desk/desk.h"
#include "schemas/events/message.h"
#include "tests/support/stage_driver.h"

namespace vitalog::tests {

using namespace std::chrono_literals;
using schemas::DecisionAction;
using schemas::Priority;
using schemas::TaskStatus;
using schemas::Topic;

/// A ward with two doctors, a duty doctor and a duty group, and the verbs of its day.
class Desk : public ::testing::Test {
  protected:
    static constexpr std::string_view kTask = "0123456789abcdef0123456789abcdef";

    void SetUp() override {
        team("ward", {"li", "wang"}, "zhao", "chiefs"), team("chiefs", {"qian", "sun"});
    }

    void team(const std::string& name, const std::vector<std::string>& members,
              std::string_view duty_doctor = "", std::string_view duty_group = "") {
        schemas::TeamEntry entry;
        entry.team = name;
        for (const auto& member : members) entry.members_list.push_back({member, member, "", ""});
        entry.duty_doctor = duty_doctor;
        entry.duty_group = duty_group;
        ASSERT_TRUE(driver.control("team", name, "1", schemas::encode(entry)));
    }
    Result<void> settings(const std::vector<std::pair<std::string, std::string>>& values) {
        schemas::Settings settings;
        for (const auto& [key, value] : values) settings.set(key, value);
        return driver.control("settings", "site", "1", settings.to_body());
    }
    void open(Priority priority = Priority::Medium, std::string_view in_team = "ward") {
        schemas::TaskOpen event;
        event.task = kTask;
        event.alert = "alert1";
        event.person = "person1";
        event.rule = "aki";
        event.rule_version = "1";
        event.team = in_team;
        event.priority = priority;
        event.problem = "Acute kidney injury stage 2";
        event.evidence = {sample("obs1", 180)};
        ASSERT_TRUE(driver.event(kTask, event));
        opened = driver.now();
    }
    static schemas::Evidence sample(std::string_view observation, double value) {
        schemas::Evidence evidence;
        evidence.observation = observation;
        evidence.value = value;
        evidence.unit = "umol/L";
        return evidence;
    }
    void evidence(Priority priority, std::string_view observation, bool correction = false) {
        schemas::TaskEvidence event;
        event.task = kTask;
        event.priority = priority;
        event.evidence = {sample(observation, 400)};
        event.correction = correction;
        ASSERT_TRUE(driver.event(kTask, event));
    }
    void cancel(std::string_view reason) {
        schemas::TaskCancel event;
        event.task = kTask;
        event.reason = reason;
        ASSERT_TRUE(driver.event(kTask, event));
    }

    struct Answer {
        int status = 0;
        std::string message;
        std::string owner;
        TaskStatus task_status = TaskStatus::Requested;
        std::int64_t version = 0;
    };
    /// The answer with the task as of that version, as the board has it.
    Answer shown(int status, std::string message, std::int64_t version) {
        Answer answer{status, std::move(message), "", TaskStatus::Requested, version};
        for (const auto& output : driver.of<schemas::TaskState>(Topic::TaskBoard)) {
            const auto state = driver.as<schemas::TaskState>(output);
            if (state.version != version) continue;
            answer.owner = state.owner;
            answer.task_status = state.status;
        }
        return answer;
    }
    /// One decision, and what the waiting doctor is answered.
    Answer decide(schemas::Decision decision) {
        decision.task = kTask;
        const std::size_t before = driver.outputs().size();
        EXPECT_TRUE(driver.event(kTask, decision));
        for (std::size_t i = before; i < driver.outputs().size(); ++i) {
            const auto& output = driver.outputs()[i];
            if (output.type == schemas::TaskJudged::kType) {
                const auto judged = driver.as<schemas::TaskJudged>(output).judged;
                return shown(judged.status, std::string(judged.message), judged.version);
            }
            if (output.type != schemas::TaskState::kType) continue;
            const auto state = driver.as<schemas::TaskState>(output);
            if (state.judged)
                return shown(state.judged->status, std::string(state.judged->message),
                             state.judged->version);
        }
        ADD_FAILURE() << "the decision was not answered";
        return {};
    }
    Answer accept(std::string_view user, std::string_view request = "") {
        return decide({{}, DecisionAction::Accept, user, "", "", "", request});
    }
    Answer confirm(std::string_view user, std::string_view request = "") {
        return decide({{}, DecisionAction::Confirm, user, "", "", "", request});
    }
    Answer modify(std::string_view user, std::string_view text) {
        return decide({{}, DecisionAction::Modify, user, text, "", "", ""});
    }
    Answer reject(std::string_view user, std::string_view reason) {
        return decide({{}, DecisionAction::Reject, user, "", reason, "", ""});
    }
    Answer hand_over(std::string_view user, std::string_view to) {
        return decide({{}, DecisionAction::HandOver, user, "", "", to, ""});
    }

    void after(std::chrono::microseconds passed) { driver.advance_to(opened + passed); }
    void received_after(std::chrono::microseconds passed) { driver.set_now(opened + passed); }

    /// The newest state on the board.
    schemas::TaskState board() {
        const auto states = driver.of<schemas::TaskState>(Topic::TaskBoard);
        VITALOG_ASSERT(!states.empty(), "no task on the board");
        return driver.as<schemas::TaskState>(states.back());
    }
    /// "recipient purpose" of every message asked for since the last call of forget().
    std::vector<std::string> told() {
        std::vector<std::string> list;
        for (const auto& output : driver.of<schemas::Intent>(Topic::Notification)) {
            const auto intent = driver.as<schemas::Intent>(output);
            list.push_back(std::string(intent.recipient) + " " + std::string(intent.purpose));
        }
        return list;
    }
    std::vector<std::string> called_off() {
        std::vector<std::string> list;
        for (const auto& output : driver.of<schemas::IntentCancel>(Topic::Notification))
            list.push_back(output.key);
        return list;
    }
    std::vector<schemas::PersonDecision> person_decisions() {
        std::vector<schemas::PersonDecision> list;
        for (const auto& output : driver.of<schemas::PersonDecision>(Topic::Person))
            list.push_back(driver.as<schemas::PersonDecision>(output));
        return list;
    }
    void forget() { driver.take(); }

    using List = std::vector<std::string>;

    processors::DeskProcessor processor;
    StageDriver driver{processor};
    ReceivedTime opened;
};

}  // namespace vitalog::tests
