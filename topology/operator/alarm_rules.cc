#include "topology/operator/alarm_rules.h"

#include <fmt/format.h>

#include <numeric>

#include "schemas/topics.h"

namespace vitalog::topology {
namespace {

using Level = Finding::Level;
using schemas::Priority;

constexpr std::uint64_t kMiB = 1 << 20;

/// Bad beyond `percent` of `whole`, good up to half of it.
Level share_level(std::int64_t part, std::int64_t whole, std::int64_t percent, std::int64_t least) {
    if (part >= least && part * 100 > percent * whole) return Level::Bad;
    return part == 0 || part * 200 <= percent * whole ? Level::Good : Level::Between;
}

std::int64_t sum_of(const std::map<std::string, std::int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0},
                           [](std::int64_t sum, const auto& entry) { return sum + entry.second; });
}

}  // namespace

Result<AlarmSettings> AlarmSettings::from(const Config& config) {
    AlarmSettings settings;
    settings.team = config.text("alarms.team");
    for (const std::string& item : config.list("alarms.silence")) {
        const std::size_t equals = item.find('=');
        const auto topic = schemas::topic_named(item.substr(0, equals));
        const auto limit = equals == std::string::npos
                               ? Result<std::chrono::microseconds>(fail(Errc::Malformed, ""))
                               : parse_duration(item.substr(equals + 1));
        if (!topic || !schemas::info(*topic).feed || !limit || limit->count() <= 0)
            return fail(
                Errc::Configuration,
                fmt::format("alarms.silence = '{}': must be feed topics with durations such as "
                            "feed.his=30m,feed.wearable=2h",
                            item));
        settings.silence[item.substr(0, equals)] = *limit;
    }
    settings.dead_letter_percent = config.number("alarms.dead_letters");
    settings.lag = static_cast<std::uint64_t>(config.number("alarms.lag"));
    settings.send_failure_percent = config.number("alarms.send_failures");
    settings.hold = config.duration("alarms.hold");
    settings.window = config.duration("alarms.window");
    settings.disk_reserve = config.bytes("log.disk_reserve");
    return settings;
}

std::vector<Finding> AlarmRules::judge(Readings readings) {
    window_.push_back(std::move(readings));
    const Readings& now = window_.back();
    while (window_.size() > 2 && window_[1].now + settings_.window <= now.now) window_.pop_front();
    const Readings& then = window_.front();
    std::vector<Finding> findings;
    silence(now, findings);
    dead_letters(now, then, findings);
    lag(now, findings);
    sends(now, then, findings);
    disk(now, findings);
    return findings;
}

void AlarmRules::silence(const Readings& now, std::vector<Finding>& out) {
    const Readings* before = window_.size() > 1 ? &window_[window_.size() - 2] : nullptr;
    for (const auto& [feed, limit] : settings_.silence) {
        const auto count = now.feeds.find(feed);
        const bool heard = before != nullptr && count != now.feeds.end() &&
                           before->feeds.contains(feed) && before->feeds.at(feed) < count->second;
        LogTime& last = heard_.try_emplace(feed, now.now).first->second;
        if (heard) last = now.now;
        const bool silent = now.now - last >= limit;
        out.push_back({"silence:" + feed,
                       silent ? Level::Bad : Level::Good,
                       fmt::format("{} took no record since {}", feed, to_rfc3339(last)),
                       Priority::High,
                       {}});
    }
}

void AlarmRules::dead_letters(const Readings& now, const Readings& then,
                              std::vector<Finding>& out) const {
    const std::int64_t dead = now.dead_letters - then.dead_letters;
    const std::int64_t records = sum_of(now.feeds) - sum_of(then.feeds);
    out.push_back({"dead-letters",
                   share_level(dead, records, settings_.dead_letter_percent, kDeadLettersLeast),
                   fmt::format("{} dead letters for {} records taken in", dead, records),
                   Priority::Medium, settings_.hold});
}

void AlarmRules::lag(const Readings& now, std::vector<Finding>& out) const {
    for (const auto& [stage, records] : now.lag) {
        const Level level = records > settings_.lag        ? Level::Bad
                            : records <= settings_.lag / 2 ? Level::Good
                                                           : Level::Between;
        out.push_back({"lag:" + stage, level,
                       fmt::format("{} is {} records behind", stage, records), Priority::High,
                       settings_.hold});
    }
}

void AlarmRules::sends(const Readings& now, const Readings& then, std::vector<Finding>& out) const {
    for (const auto& [channel, counts] : now.sends) {
        const auto found = then.sends.find(channel);
        const Readings::Sends base = found == then.sends.end() ? Readings::Sends{} : found->second;
        const std::int64_t failed = counts.failed - base.failed;
        const std::int64_t sent = counts.sent - base.sent;
        const Level share =
            share_level(failed, sent, settings_.send_failure_percent, kFailuresLeast);
        out.push_back(
            {"channel:" + channel, counts.held ? Level::Bad : share,
             counts.held ? fmt::format("the provider of {} does not answer: messages wait", channel)
                         : fmt::format("{} of {} messages by {} failed", failed,
                                       std::max(sent, failed), channel),
             Priority::High, settings_.hold});
    }
}

void AlarmRules::disk(const Readings& now, std::vector<Finding>& out) const {
    if (settings_.disk_reserve == 0) return;
    for (const auto& [folder, free] : now.free) {
        const Level level = free / 2 < settings_.disk_reserve        ? Level::Bad
                            : free / 5 * 2 >= settings_.disk_reserve ? Level::Good
                                                                     : Level::Between;
        out.push_back({"disk:" + folder, level,
                       fmt::format("{} MiB are free for {}; feeds are refused below {} MiB",
                                   free / kMiB, folder, settings_.disk_reserve / kMiB),
                       Priority::High, settings_.hold});
    }
}

}  // namespace vitalog::topology
