#include "topology/operator/alarm_watcher.h"

#include <array>

#include "schemas/base/thread_name.h"
#include "topology/operator/operations.h"

namespace vitalog::topology {
namespace {

using schemas::OperationKind;
using schemas::Topic;

constexpr std::chrono::seconds kEvery{1};
constexpr std::string_view kAlarmMetric = "vitalog_alarm";
constexpr std::string_view kSendsMetric = "vitalog_sends_total";
constexpr std::string_view kHeldMetric = "vitalog_sends_held";
constexpr std::array<std::string_view, 3> kChannels{"sms", "wechat", "wecom"};
/// Feeds whose records come from outside and may be refused.
constexpr std::array kFeeds{Topic::FeedHis,      Topic::FeedLis,       Topic::FeedPacs,
                            Topic::FeedWearable, Topic::FeedDirectory, Topic::FeedReceipt};

std::int64_t records_ever(const Log& log, const schemas::TopicNames& topics, Topic topic) {
    std::int64_t sum = 0;
    for (std::uint32_t p = 0; p < topics.partitions(topic); ++p)
        if (const auto end = log.end_offset({topics.name(topic), Partition(p)}))
            sum += end->value();
    return sum;
}

/// When the topic took its last record; nothing when it never did.
Result<std::optional<LogTime>> last_heard(const Log& log, const schemas::TopicNames& topics,
                                          Topic topic) {
    std::optional<LogTime> last;
    RecordBatch batch;
    for (std::uint32_t p = 0; p < topics.partitions(topic); ++p) {
        const TopicPartition tp{topics.name(topic), Partition(p)};
        VITALOG_TRY(const Offset begin, log.begin_offset(tp));
        VITALOG_TRY(const Offset end, log.end_offset(tp));
        if (begin >= end) continue;
        VITALOG_CHECK(log.read(tp, Offset(end.value() - 1), 1, batch));
        if (!batch.records.empty())
            last = std::max(last.value_or(LogTime()), batch.records.back().timestamp);
    }
    return last;
}

}  // namespace

AlarmWatcher::AlarmWatcher(AlarmSettings settings, Ports ports,
                           std::map<std::string, LogTime> heard)
    : ports_(std::move(ports)),
      team_(settings.team),
      turn_(ports_.duty().turn),
      rules_(std::move(settings), std::move(heard)) {}

Result<std::unique_ptr<AlarmWatcher>> AlarmWatcher::start(AlarmSettings settings, Ports ports) {
    std::map<std::string, LogTime> heard;
    for (const auto& [feed, limit] : settings.silence) {
        VITALOG_TRY(const auto last,
                    last_heard(ports.log, ports.topics, *schemas::topic_named(feed)));
        if (last) heard[feed] = *last;
    }
    std::unique_ptr<AlarmWatcher> watcher(
        new AlarmWatcher(std::move(settings), std::move(ports), std::move(heard)));
    VITALOG_CHECK(watcher->restore());
    watcher->thread_ = std::thread([raw = watcher.get()] { raw->work(); });
    return watcher;
}

AlarmWatcher::~AlarmWatcher() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

std::map<std::string, Alarm> AlarmWatcher::alarms() const {
    const std::lock_guard lock(mutex_);
    return alarms_;
}

Result<void> AlarmWatcher::restore() {
    std::map<std::string, Alarm> standing;
    VITALOG_CHECK(
        for_each_operation(ports_.log, ports_.topics, [&](const schemas::Operation& operation) {
            if (operation.kind == OperationKind::AlarmRaised)
                standing[std::string(operation.name)] = {true, operation.since.as<LogTime>(),
                                                         std::string(operation.problem),
                                                         operation.priority};
            if (operation.kind == OperationKind::AlarmCleared)
                standing.erase(std::string(operation.name));
        }));
    for (const auto& [name, alarm] : standing) book_.restore(name, alarm);
    return {};
}

Readings AlarmWatcher::read() const {
    Readings readings;
    readings.now = ports_.clock.now();
    for (const Topic feed : kFeeds)
        readings.feeds[std::string(schemas::name_of(feed))] =
            records_ever(ports_.log, ports_.topics, feed);
    readings.dead_letters = records_ever(ports_.log, ports_.topics, Topic::DeadLetter);
    readings.lag = ports_.flow.lag();
    for (const auto channel : kChannels) {
        const auto count = [&](std::string_view state) {
            return static_cast<std::int64_t>(ports_.metrics.value(
                kSendsMetric, {{"channel", std::string(channel)}, {"state", std::string(state)}}));
        };
        readings.sends[std::string(channel)] = {
            count("sending"), count("failed"),
            ports_.metrics.total(kHeldMetric, {{"channel", std::string(channel)}}) > 0};
    }
    for (const auto& folder : ports_.folders) {
        std::error_code error;
        const auto space = std::filesystem::space(folder, error);
        if (!error) readings.free[folder.string()] = space.available;
    }
    return readings;
}

Result<void> AlarmWatcher::say(const AlarmChange& change) {
    schemas::Operation operation;
    operation.kind = change.alarm.raised ? OperationKind::AlarmRaised : OperationKind::AlarmCleared;
    operation.name = change.name;
    operation.since = change.alarm.since.as<ReceivedTime>();
    operation.problem = change.alarm.problem;
    operation.team = team_;
    operation.priority = change.alarm.priority;
    return append_operation(ports_.log, ports_.topics, ports_.clock.now(), operation);
}

/// Nobody else raises alarms, or has since this one looked which stand.
bool AlarmWatcher::on_duty() const {
    const Duty duty = ports_.duty();
    return duty.sure && duty.turn == turn_;
}

void AlarmWatcher::round() {
    if (!on_duty()) return;
    Readings readings = read();
    const LogTime now = readings.now;
    for (auto& change : book_.see(rules_.judge(std::move(readings)), now)) {
        log_line(change.alarm.raised ? "error" : "info",
                 change.alarm.raised ? "alarm_raised" : "alarm_cleared",
                 {{"name", change.name},
                  {"problem", change.alarm.problem},
                  {"since", to_rfc3339(change.alarm.since)}});
        unsaid_.push_back(std::move(change));
    }
    while (!unsaid_.empty() && on_duty()) {
        if (const auto said = say(unsaid_.front()); !said) {
            log_line("error", "alarm_not_recorded",
                     {{"name", unsaid_.front().name}, {"error", said.error().to_string()}});
            break;  // the next round tries again
        }
        unsaid_.erase(unsaid_.begin());
    }
    auto alarms = book_.alarms();
    for (const auto& [name, alarm] : alarms)
        ports_.metrics.gauge(kAlarmMetric, {{"name", name}}, alarm.raised ? 1 : 0);
    const std::lock_guard lock(mutex_);
    alarms_ = std::move(alarms);
}

void AlarmWatcher::work() {
    name_thread("alarms");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        // A clock set by hand that nobody has set yet measures no silence.
        if (ports_.clock.now() > LogTime()) round();
        lock.lock();
        wake_.wait_for(lock, kEvery, [this] { return stopping_; });
    }
}

}  // namespace vitalog::topology
