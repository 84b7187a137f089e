#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "schemas/base/time.h"
#include "schemas/json_decode.h"
#include "topology/cli/site_client.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog status [--once] [--interval 2s] [--json] (--url U | --data-dir D)

One screen about a running site: health, lag by stage, messages, dead letters, alerts, tasks, sends, disk, memory and
the alarms that stand. Goes on until interrupted; "since start" is the start of the process.

  --once         prints it once; exits 1 unless the site is ready and no alarm stands
  --interval D   how often, live (2s)
  --json         the numbers as the site gives them, once

example:
  vitalog status --data-dir /var/lib/vitalog
)";

struct StandingAlarm {
    std::string_view name;
    std::string_view since;
    std::string_view problem;
    template <class V>
    void members(V& v) {
        v.required("name", name);
        v.required("since", since);
        v("problem", problem);
    }
};

struct Messages {
    std::int64_t accepted = 0;
    std::int64_t duplicate = 0;
    std::int64_t error = 0;
    std::int64_t refused = 0;
    template <class V>
    void members(V& v) {
        v("accepted", accepted);
        v("duplicate", duplicate);
        v("error", error);
        v("refused", refused);
    }
};

struct AlertCounts {
    std::int64_t high = 0;
    std::int64_t medium = 0;
    std::int64_t low = 0;
    template <class V>
    void members(V& v) {
        v("high", high);
        v("medium", medium);
        v("low", low);
    }
};

struct TaskCounts {
    std::int64_t requested = 0;
    std::int64_t accepted = 0;
    std::int64_t overdue = 0;
    template <class V>
    void members(V& v) {
        v("requested", requested);
        v("accepted", accepted);
        v("overdue", overdue);
    }
};

struct SendCounts {
    std::int64_t sending = 0;
    std::int64_t delivered = 0;
    std::int64_t failed = 0;
    std::int64_t suppressed = 0;
    std::int64_t expired = 0;
    template <class V>
    void members(V& v) {
        v("sending", sending);
        v("delivered", delivered);
        v("failed", failed);
        v("suppressed", suppressed);
        v("expired", expired);
    }
};

struct Channels {
    SendCounts sms;
    SendCounts wechat;
    SendCounts wecom;
    SendCounts none;
    template <class V>
    void members(V& v) {
        v("sms", sms);
        v("wechat", wechat);
        v("wecom", wecom);
        v("none", none);
    }
};

struct Lags {
    std::int64_t intake = 0;
    std::int64_t identity = 0;
    std::int64_t care = 0;
    std::int64_t desk = 0;
    std::int64_t notify = 0;
    std::int64_t views = 0;
    template <class V>
    void members(V& v) {
        v("intake", intake);
        v("identity", identity);
        v("care", care);
        v("desk", desk);
        v("notify", notify);
        v("views", views);
    }
};

struct Status {
    std::string_view version;
    std::string_view now;
    std::int64_t memory = 0;
    std::int64_t disk_free = 0;
    std::int64_t disk_reserve = 0;
    std::int64_t effects = 0;
    std::int64_t dead_letters = 0;
    Lags lag;
    Messages messages;
    AlertCounts alerts;
    TaskCounts tasks;
    Channels sends;
    std::vector<StandingAlarm> alarms;
    template <class V>
    void members(V& v) {
        v.required("version", version);
        v.required("now", now);
        v("memory", memory);
        v("disk_free", disk_free);
        v("disk_reserve", disk_reserve);
        v("effects", effects);
        v("dead_letters", dead_letters);
        v("lag", lag);
        v("messages_since_start", messages);
        v("alerts_open", alerts);
        v("tasks", tasks);
        v("sends_since_start", sends);
        v("alarms", alarms);
    }
};

double mebibytes(std::int64_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
}

void print_sends(std::string_view channel, const SendCounts& counts) {
    if (counts.sending + counts.delivered + counts.failed + counts.suppressed + counts.expired == 0)
        return;
    fmt::print("sends {:<7} sending {} delivered {} failed {} suppressed {} expired {}\n", channel,
               counts.sending, counts.delivered, counts.failed, counts.suppressed, counts.expired);
}

/// `rate`: messages a second since the screen before; negative: there was none.
void print_screen(const Status& status, bool ready, double rate) {
    fmt::print("vitalog {} {} {}\n", status.version, ready ? "ready" : "NOT READY", status.now);
    fmt::print(
        "lag           intake {} identity {} care {} desk {} notify {} views {} effects {}\n",
        status.lag.intake, status.lag.identity, status.lag.care, status.lag.desk, status.lag.notify,
        status.lag.views, status.effects);
    fmt::print("messages      accepted {} repeats {} in error {} refused {}{}\n",
               status.messages.accepted, status.messages.duplicate, status.messages.error,
               status.messages.refused, rate < 0 ? "" : fmt::format("  {:.1f}/s", rate));
    fmt::print("dead letters  {}\n", status.dead_letters);
    fmt::print("alerts open   high {} medium {} low {}\n", status.alerts.high, status.alerts.medium,
               status.alerts.low);
    fmt::print("tasks         requested {} accepted {} overdue {}\n", status.tasks.requested,
               status.tasks.accepted, status.tasks.overdue);
    print_sends("sms", status.sends.sms);
    print_sends("wechat", status.sends.wechat);
    print_sends("wecom", status.sends.wecom);
    print_sends("none", status.sends.none);
    fmt::print("disk          {:.0f} MiB free, reserve {:.0f} MiB\n", mebibytes(status.disk_free),
               mebibytes(status.disk_reserve));
    fmt::print("memory        {:.0f} MiB\n", mebibytes(status.memory));
    if (status.alarms.empty()) fmt::print("alarms        none\n");
    for (const auto& alarm : status.alarms)
        fmt::print("ALARM         {} since {}: {}\n", alarm.name, alarm.since, alarm.problem);
    std::fflush(stdout);
}

/// Prints one screen; gives accepted messages, and whether all is well.
Result<std::pair<std::int64_t, bool>> screen(SiteClient& site, double seconds,
                                             std::int64_t accepted_before) {
    const bool ready = site.get("/healthz").has_value();
    VITALOG_TRY(const std::string body, site.get("/admin/status"));
    schemas::Decoder decoder;
    VITALOG_TRY(const auto status, schemas::decode<Status>(body, decoder));
    const std::int64_t accepted = status.messages.accepted;
    print_screen(status, ready,
                 seconds > 0 ? static_cast<double>(accepted - accepted_before) / seconds : -1);
    return std::pair(accepted, ready && status.alarms.empty());
}

Result<void> live(SiteClient& site, std::chrono::microseconds interval) {
    std::int64_t accepted = 0;
    auto before = std::chrono::steady_clock::now();
    for (bool first = true;; first = false) {
        if (::isatty(STDOUT_FILENO) != 0) fmt::print("\x1b[H\x1b[2J");
        const auto now = std::chrono::steady_clock::now();
        const std::chrono::duration<double> passed = now - before;
        before = now;
        VITALOG_TRY(const auto shown, screen(site, first ? 0 : passed.count(), accepted));
        accepted = shown.first;
        poll(nullptr, 0, static_cast<int>(interval.count() / 1000));
    }
}

int run(const std::vector<std::string>& words) {
    const auto arguments =
        Arguments::parse(words, {site_flags({"--interval"}), {"--once", "--json"}, 0});
    if (!arguments) return report_usage("status", arguments.error());
    const auto interval = parse_duration(arguments->value_or("--interval", "2s"));
    if (!interval || *interval < std::chrono::milliseconds(100) ||
        *interval > std::chrono::hours(1))
        return report_usage(
            "status", Error(Errc::Configuration, "--interval must be a duration of 100ms to 1h"));
    auto site = open_site(*arguments);
    if (!site) return report("status", site.error());
    if (arguments->has("--json")) {
        const auto body = site->get("/admin/status");
        if (!body) return report("status", body.error());
        fmt::print("{}\n", *body);
        return kStopped;
    }
    if (arguments->has("--once")) {
        const auto shown = screen(*site, 0, 0);
        if (!shown) return report("status", shown.error());
        return shown->second ? kStopped : kFailed;
    }
    const auto done = live(*site, *interval);
    return done ? kStopped : report("status", done.error());
}

}  // namespace

const Command kStatus{"status", "one screen about a running site", kHelp, run};

}  // namespace vitalog::topology::cli
