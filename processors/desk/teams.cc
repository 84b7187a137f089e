#include "processors/desk/teams.h"

#include <algorithm>

#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

bool contains(const std::vector<std::string>& users, std::string_view user) {
    return std::find(users.begin(), users.end(), user) != users.end();
}

}  // namespace

Result<void> Teams::apply(std::string_view name, std::string_view body, schemas::Decoder& decoder) {
    if (body.empty()) {
        if (const auto found = teams_.find(name); found != teams_.end()) teams_.erase(found);
        return {};
    }
    VITALOG_TRY(const auto entry, schemas::decode<schemas::TeamEntry>(body, decoder));
    if (entry.team != name)
        return fail(Errc::Conflict, "team '" + std::string(entry.team) +
                                        "' was published under the name '" + std::string(name) +
                                        "'; use one name");
    Team team;
    for (const auto& member : entry.members_list)
        if (!member.user.empty() && !contains(team.members, member.user))
            team.members.emplace_back(member.user);
    team.duty_doctor = entry.duty_doctor;
    team.duty_group = entry.duty_group;
    teams_.insert_or_assign(std::string(name), std::move(team));
    return {};
}

const Teams::Team* Teams::find(std::string_view name) const {
    const auto found = teams_.find(name);
    return found == teams_.end() ? nullptr : &found->second;
}

bool Teams::has_user(std::string_view user) const {
    return std::any_of(teams_.begin(), teams_.end(), [&](const auto& entry) {
        return contains(entry.second.members, user) || is_duty(entry.second, user);
    });
}

bool Teams::nobody() const {
    return std::all_of(teams_.begin(), teams_.end(),
                       [](const auto& entry) { return entry.second.members.empty(); });
}

std::vector<std::string> Teams::group(std::string_view name) const {
    if (const Team* team = find(name)) return team->members;
    if (name.empty()) return {};
    return {std::string(name)};
}

bool Teams::is_duty(const Team& team, std::string_view user) const {
    return (!team.duty_doctor.empty() && team.duty_doctor == user) ||
           contains(group(team.duty_group), user);
}

}  // namespace vitalog::processors
