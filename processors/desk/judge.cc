#include "processors/desk/judge.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "schemas/templates.h"

namespace vitalog::processors {
namespace {

using schemas::DecisionAction;

Verdict refuse(int status, std::string message) {
    return {status, std::move(message), {}, {}};
}

std::optional<Verdict> lacks_something(const schemas::Decision& decision) {
    if (decision.user.empty()) return refuse(422, "no user: say who decides");
    if (decision.action == DecisionAction::Reject && decision.reason.empty())
        return refuse(422, "reject needs a 'reason'");
    if (decision.action == DecisionAction::Modify && decision.text.empty())
        return refuse(422, "modify needs a 'text'");
    if (decision.action == DecisionAction::HandOver && decision.to.empty())
        return refuse(422, "hand-over needs 'to': a user or a team");
    if (std::max(decision.text.size(), decision.reason.size()) > kDecisionTextMax)
        return refuse(
            422, "'text' and 'reason' hold at most " + std::to_string(kDecisionTextMax) + " bytes");
    // The text of a modification is what the patient gets to read.
    if (decision.action == DecisionAction::Modify)
        if (const auto checked = schemas::check_privacy(decision.text); !checked)
            return refuse(422, "'text': " + checked.error().message());
    return std::nullopt;
}

Verdict over_already(const TaskEntity& task) {
    if (task.outcome)
        return refuse(409, "decided already by " + task.outcome->user + " (" +
                               std::string(schemas::name_of_enum(task.outcome->action)) + ")");
    return refuse(409, "cancelled: " + task.status_reason);
}

bool may_decide(const TaskEntity& task, std::string_view user, const Teams& teams) {
    const Teams::Team* team = teams.find(task.team);
    if (team == nullptr || team->members.empty() || task.owner == user || user == kAnonymous)
        return true;
    return std::find(team->members.begin(), team->members.end(), user) != team->members.end() ||
           teams.is_duty(*team, user);
}

bool may_take_over(const TaskEntity& task, std::string_view user, const Teams& teams) {
    const Teams::Team* team = teams.find(task.team);
    return task.escalation > 0 && team != nullptr && teams.is_duty(*team, user);
}

Verdict hand_over(std::string_view to, const Teams& teams) {
    constexpr std::string_view kUser = "user:";
    constexpr std::string_view kTeam = "team:";
    const bool user_said = to.starts_with(kUser);
    const bool team_said = to.starts_with(kTeam);
    const std::string_view name = to.substr(user_said   ? kUser.size()
                                            : team_said ? kTeam.size()
                                                        : 0);
    Verdict verdict;
    if (!user_said && teams.find(name) != nullptr) {
        verdict.to_team = name;
    } else if (!team_said && !name.empty() && (teams.has_user(name) || teams.nobody())) {
        verdict.to_user = name;
    } else {
        return refuse(422, "the directory knows no user and no team '" + std::string(to) + "'");
    }
    return verdict;
}

}  // namespace

Verdict judge(const TaskEntity& task, const schemas::Decision& decision, const Teams& teams) {
    if (auto lacking = lacks_something(decision)) return *std::move(lacking);
    if (!task.open()) return over_already(task);
    if (!may_decide(task, decision.user, teams))
        return refuse(409, std::string(decision.user) + " is neither in team " + task.team +
                               " nor on duty for it");
    const bool hands_over = decision.action == DecisionAction::HandOver;
    if (!task.owner.empty() && task.owner != decision.user &&
        !(hands_over && may_take_over(task, decision.user, teams)))
        return refuse(409, task.owner + " has this task");
    return hands_over ? hand_over(decision.to, teams) : Verdict{};
}

}  // namespace vitalog::processors
