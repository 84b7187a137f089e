#include "processors/desk/teams.h"

#include <algorithm>

#include "schemas/json_decode.h"

namespace vitalog::processors {
namespace {

bool contains(const std::vector<std::string>& users, std::string_view user) {
    return std::find(users.begin(), users.end(), user) != users.end();
}

}  // namespace

WallTime WallTime::at(ReceivedTime time, const schemas::ZoneRule& zone) {
    const std::int64_t day = zone.day_at(time.micros());
    // 1970-01-01 was a Thursday.
    return {static_cast<int>(((day + 3) % 7 + 7) % 7), zone.minute_at(time.micros())};
}

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
    if (entry.shifts.size() > schemas::kShiftsMax)
        return fail(Errc::TooLarge, "team '" + std::string(entry.team) + "' has more than " +
                                        std::to_string(schemas::kShiftsMax) +
                                        " shifts; give the days of one in one line");
    for (const auto& shift : entry.shifts) {
        VITALOG_TRY(schemas::Shift checked, schemas::Shift::of(shift));
        team.shifts.push_back(std::move(checked));
    }
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

Teams::Duty Teams::duty(const Team& team, const WallTime& when) {
    Duty duty;
    for (const auto& shift : team.shifts) {
        if (!shift.holds(when.weekday, when.minute)) continue;
        if (duty.doctor.empty()) duty.doctor = shift.doctor;
        if (duty.group.empty()) duty.group = shift.group;
    }
    duty.by_shift = !duty.doctor.empty();
    if (duty.doctor.empty()) duty.doctor = team.duty_doctor;
    if (duty.group.empty()) duty.group = team.duty_group;
    return duty;
}

bool Teams::is_duty(const Team& team, std::string_view user) const {
    const auto holds = [&](const std::string& doctor, const std::string& group_name) {
        return (!doctor.empty() && doctor == user) || contains(group(group_name), user);
    };
    return holds(team.duty_doctor, team.duty_group) ||
           std::any_of(team.shifts.begin(), team.shifts.end(), [&](const schemas::Shift& shift) {
               return holds(shift.doctor, shift.group);
           });
}

}  // namespace vitalog::processors
