#include "topology/operator/alarm_book.h"

#include <set>

namespace vitalog::topology {

using Level = Finding::Level;

void AlarmBook::restore(const std::string& name, Alarm alarm) {
    entries_[name] = {std::move(alarm), Level::Bad, std::nullopt};
}

std::optional<AlarmChange> AlarmBook::judge(const Finding& finding, Entry& entry, LogTime now) {
    if (!entry.level_since || entry.level != finding.level) entry.level_since = now;
    entry.level = finding.level;
    const bool lasts = now - *entry.level_since >= finding.hold;
    if (entry.alarm.raised && finding.level == Level::Bad) entry.alarm.problem = finding.problem;
    if (!entry.alarm.raised && finding.level == Level::Bad && lasts) {
        entry.alarm = {true, *entry.level_since, finding.problem, finding.priority};
        return AlarmChange{finding.name, entry.alarm};
    }
    if (entry.alarm.raised && finding.level == Level::Good && lasts) {
        entry.alarm.raised = false;
        return AlarmChange{finding.name, entry.alarm};
    }
    return std::nullopt;
}

std::vector<AlarmChange> AlarmBook::see(const std::vector<Finding>& findings, LogTime now) {
    std::vector<AlarmChange> changes;
    std::set<std::string_view> seen;
    for (const Finding& finding : findings) {
        seen.insert(finding.name);
        if (auto change = judge(finding, entries_[finding.name], now))
            changes.push_back(std::move(*change));
    }
    for (auto at = entries_.begin(); at != entries_.end();) {
        if (seen.contains(at->first)) {
            ++at;
            continue;
        }
        if (at->second.alarm.raised) {
            at->second.alarm.raised = false;
            changes.push_back({at->first, at->second.alarm});
        }
        at = entries_.erase(at);
    }
    return changes;
}

std::map<std::string, Alarm> AlarmBook::alarms() const {
    std::map<std::string, Alarm> all;
    for (const auto& [name, entry] : entries_) all[name] = entry.alarm;
    return all;
}

}  // namespace vitalog::topology
