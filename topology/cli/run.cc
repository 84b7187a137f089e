#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "schemas/base/ports.h"
#include "topology/cli/cli.h"
#include "topology/cli/load_config.h"
#include "topology/site.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog run --data-dir D [--config F] [--mllp HOST:PORT] [--http HOST:PORT]
                   [--set key=value]... [--clock system|manual] [--accept-drift] [--roles R,...]

Runs the whole topology: listens for HL7 v2 over MLLP, serves the FHIR API, watches, sends.
Ready when D/run.json exists and one line with the same JSON stands on stdout. SIGTERM or SIGINT stops it.

  --data-dir D      where everything is kept; created when missing; one process at a time. One that an older version left
                    becomes one of this version: back it up before
  --config F        YAML file; `vitalog config show` prints every key, docs/vitalog.yaml explains them
  --mllp, --http    where to listen; port 0 takes a free one
  --set key=value   overrides any key; precedence: flag, environment VITALOG_*, file, default
  --clock manual    time follows POST /admin/clock, for tests, demonstrations and drills
  --roles R,...     what this process does where several share a Kafka cluster: listeners, intake, identity, care, desk,
                    notify, effects, views; all of it by default
  --accept-drift    start on state that another version left trailing; compares and reports each difference

examples:
  vitalog run --data-dir /var/lib/vitalog
  vitalog run --data-dir /tmp/try --mllp 127.0.0.1:0 --http 127.0.0.1:0 --clock manual
  vitalog run --data-dir /var/lib/vitalog --config /etc/vitalog.yaml --set notify.mode=live
  vitalog run --data-dir /var/lib/vitalog --set log.kind=kafka --set log.brokers=k1:9092,k2:9092 --set log.instance=w1
)";

/// Written whole, then renamed into place.
Result<void> write_run_file(const std::filesystem::path& data_dir, const std::string& json) {
    const auto temporary = data_dir / "run.json.new";
    {
        std::ofstream file(temporary, std::ios::trunc);
        file << json << '\n';
        if (!file.flush()) return fail(Errc::Io, temporary.string() + ": can't be written");
    }
    std::error_code error;
    std::filesystem::rename(temporary, data_dir / "run.json", error);
    if (error) return fail(Errc::Io, "run.json: " + error.message());
    return {};
}

/// Waits for SIGTERM or SIGINT, or for the site's failure, which sends itself SIGTERM.
void wait_for_signal(const sigset_t& signals) {
    int signal = 0;
    sigwait(&signals, &signal);
    log_line("info", "stopping", {{"signal", std::to_string(signal)}});
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {config_flags({"--data-dir", "--roles"}), {"--accept-drift"}, 0});
    if (!arguments) return report_usage("run", arguments.error());
    const auto data_dir = arguments->value("--data-dir");
    if (!data_dir) return report_usage("run", Error(Errc::Configuration, "--data-dir is required"));
    const auto config = load_config(*arguments);
    if (!config) return report("run", config.error());

    auto roles = Roles::parse(arguments->value_or("--roles", ""));
    if (!roles) return report_usage("run", roles.error());
    if (!roles->all() && config->text("log.kind") != "kafka")
        return report_usage("run", Error(Errc::Configuration, "--roles needs log.kind=kafka: on one machine one process does all"));

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread, so that all inherit it
    std::signal(SIGPIPE, SIG_IGN);

    auto secrets = Secrets::read(environment(), config->text("secrets.file"));
    if (!secrets) return report("run", secrets.error());
    const SiteOptions options{*data_dir, *std::move(secrets), arguments->has("--accept-drift"), *std::move(roles)};
    std::atomic<int> ended{kStopped};
    auto site = Site::start(*config, options, [&](const Error& error) {
        log_line("error", "failed", {{"error", error.to_string()}});
        // Starting again doesn't mend a damaged data directory.
        if (ended != kDataDirectory)
            ended = error.code() == Errc::Damaged ? kDataDirectory : kFailed;
        kill(getpid(), SIGTERM);
    });
    if (!site) return report("run", site.error());
    const std::string json = fmt::format(R"({{"pid":{},"mllp":"{}","http":"{}","version":"{}"}})", getpid(),
                                         (*site)->mllp_address(), (*site)->http_address(), program_version());
    if (const auto written = write_run_file(*data_dir, json); !written) return report("run", written.error());
    fmt::print("{}\n", json);
    std::fflush(stdout);
    wait_for_signal(signals);
    const auto stopped = (*site)->stop();
    std::error_code ignored;
    std::filesystem::remove(std::filesystem::path(*data_dir) / "run.json", ignored);
    if (stopped) return ended;
    const int code = report("run", stopped.error());
    return ended == kStopped ? code : ended.load();
}

}  // namespace

const Command kRun{"run", "run the whole topology, or a part of it", kHelp, run};

}  // namespace vitalog::topology::cli
