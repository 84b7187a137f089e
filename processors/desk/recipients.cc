#include "processors/desk/recipients.h"

#include <algorithm>
#include <utility>

namespace vitalog::processors {
namespace {

void add_once(std::vector<std::string>& users, std::string user) {
    if (!user.empty() && std::find(users.begin(), users.end(), user) == users.end())
        users.push_back(std::move(user));
}

}  // namespace

std::vector<std::string> Recipients::assigned(const TaskEntity& task) const {
    if (!task.owner.empty()) return {task.owner};
    const Teams::Team* team = teams_.find(task.team);
    if (team == nullptr) return {};
    std::vector<std::string> users = team->members;
    if (users.empty()) users = struck(task, {Strike::Kind::Escalation, 1, {}});
    const Teams::Duty duty = Teams::duty(*team, when_);
    if (task.priority == schemas::Priority::High && duty.by_shift)
        add_once(users, std::string(duty.doctor));
    return users;
}

std::vector<std::string> Recipients::struck(const TaskEntity& task, const Strike& strike) const {
    std::vector<std::string> users;
    if (strike.kind == Strike::Kind::Reminder) {
        add_once(users, task.owner);
        return users;
    }
    const Teams::Team* team = teams_.find(task.team);
    if (team == nullptr) team = teams_.find(default_team_);
    if (team == nullptr) return {};
    const Teams::Duty duty = Teams::duty(*team, when_);
    std::vector<std::string> doctor;
    add_once(doctor, std::string(duty.doctor));
    const bool first = strike.kind == Strike::Kind::Escalation && strike.step == 1;
    users = first ? doctor : teams_.group(duty.group);
    if (users.empty()) users = first ? teams_.group(duty.group) : doctor;
    if (users.empty()) users = team->members;
    if (strike.kind == Strike::Kind::Escalation) return users;
    add_once(doctor, task.owner);
    for (auto& user : doctor) add_once(users, std::move(user));
    return users;
}

}  // namespace vitalog::processors
