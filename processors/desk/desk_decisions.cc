#include "processors/desk/desk.h"
#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

using schemas::DecisionAction;
using schemas::TaskStatus;
using schemas::Topic;

/// As the history of a task says it.
std::string_view done(DecisionAction action) {
    switch (action) {
        case DecisionAction::Accept:
            return "accepted";
        case DecisionAction::Confirm:
            return "confirmed";
        case DecisionAction::Modify:
            return "confirmed with another text";
        case DecisionAction::Reject:
            return "rejected";
        case DecisionAction::HandOver:
            return "handed over";
    }
    return "decided";
}

}  // namespace

Result<void> DeskProcessor::decision(Hand hand, const Input& input) {
    VITALOG_TRY(const auto event, schemas::decode<schemas::Decision>(input.value, decoder_));
    VITALOG_CHECK(must_be_key(event.task, input));
    TaskEntity& entity = hand.entity;
    const std::string root = input.root.to_string();
    if (!entity.known()) {
        const std::string message = "no task '" + entity.task + "'";
        hand.out.emit_event(
            Topic::TaskBoard, entity.task,
            schemas::TaskJudged{entity.task, {root, event.request_id, 404, message, 0}});
        hand.out.remove_entity();
        return {};
    }
    const auto struck = strike_clock(hand);
    if (!struck.empty()) show(hand, false);
    const bool was_open = entity.open();
    const std::int64_t before = entity.version;
    const HeldJudgement answer = judged(hand, event);
    const schemas::Judgement judgement{root, event.request_id, answer.status, answer.message,
                                       answer.version};
    if (entity.version == before) {
        hand.out.emit_event(Topic::TaskBoard, entity.task,
                            schemas::TaskJudged{entity.task, judgement});
    } else {
        schemas::TaskState state = entity.state();
        state.judged = judgement;
        hand.out.emit_event(Topic::TaskBoard, entity.task, state);
    }
    if (was_open && entity.outcome && !entity.person.empty()) {
        const HeldOutcome& outcome = *entity.outcome;
        hand.out.emit_event(
            Topic::Person, entity.person,
            schemas::PersonDecision{entity.person, entity.task, entity.alert, outcome.action,
                                    outcome.user, outcome.text, outcome.at});
    }
    tell_strikes(hand, struck);
    return {};
}

HeldJudgement DeskProcessor::judged(const Hand& hand, const schemas::Decision& decision) {
    if (const HeldJudgement* held = hand.entity.answered(decision.user, decision.request_id)) {
        if (held->action == decision.action) return *held;
        HeldJudgement other = *held;
        other.status = 422;
        other.version = hand.entity.version;
        other.message = "request_id '" + other.request_id + "' already stands for '" +
                        std::string(schemas::name_of_enum(held->action)) +
                        "'; give each decision its own";
        return other;
    }
    HeldJudgement answer = judged_anew(hand, decision);
    hand.entity.remember(answer);
    return answer;
}

/// A decision that takes force makes a new version of the task, and is answered with it.
HeldJudgement DeskProcessor::judged_anew(const Hand& hand, const schemas::Decision& decision) {
    Verdict verdict = judge(hand.entity, decision, teams_);
    if (verdict.status == 200 && apply(hand, decision, verdict)) ++hand.entity.version;
    return {std::string(decision.user),
            std::string(decision.request_id),
            decision.action,
            verdict.status,
            std::move(verdict.message),
            hand.entity.version};
}

/// False where everything is as the decision wants it already.
bool DeskProcessor::apply(const Hand& hand, const schemas::Decision& decision,
                          const Verdict& verdict) {
    TaskEntity& entity = hand.entity;
    if (decision.action == DecisionAction::HandOver) {
        hand_over(hand, decision, verdict);
        return true;
    }
    if (decision.action == DecisionAction::Accept && entity.owner == decision.user) return false;
    touch(hand);
    entity.owner = decision.user;
    entity.note(hand.now, std::string(done(decision.action)), decision.user);
    if (decision.action == DecisionAction::Accept) {
        entity.status = TaskStatus::Accepted;
        hand.out.count(kTasksMetric, {{"state", "accepted"}});
        return true;
    }
    entity.status = TaskStatus::Completed;
    entity.status_reason = decision.reason;
    entity.outcome =
        HeldOutcome{decision.action, std::string(decision.user), std::string(decision.text),
                    std::string(decision.reason), hand.now};
    finish(hand, "the task was decided");
    return true;
}

void DeskProcessor::hand_over(const Hand& hand, const schemas::Decision& decision,
                              const Verdict& verdict) {
    TaskEntity& entity = hand.entity;
    touch(hand);
    entity.status_reason = "handed over by " + std::string(decision.user);
    std::string note = verdict.to_user.empty() ? "handed over to team " + verdict.to_team
                                               : "handed over to " + verdict.to_user;
    if (!decision.reason.empty()) {
        entity.status_reason.append(": ").append(decision.reason);
        note.append(": ").append(decision.reason);
    }
    entity.note(hand.now, std::move(note), decision.user);
    entity.owner = verdict.to_user;
    entity.status = verdict.to_user.empty() ? TaskStatus::Requested : TaskStatus::Accepted;
    if (!verdict.to_team.empty()) entity.team = verdict.to_team;
    if (entity.owner != decision.user)
        tell_assigned(hand, "hand-over:" + std::to_string(++entity.notices));
}

}  // namespace vitalog::processors
