#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "topology/cli/load_config.h"
#include "topology/clock.h"
#include "topology/doors.h"
#include "topology/operator/migration.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog migrate --from OLD --data-dir NEW --config F [--set key=value]...

Moves a stopped site from its embedded log in the data directory OLD to a Kafka cluster. The configuration is that of
the site as it will run: log.kind kafka, log.brokers, log.group, log.instance; the rest as it was. Every record keeps
its offset, so that the archive, open tasks and their times, episodes and the ledger of repeats go on as if nothing had
happened. Everything is read back and compared before the site's positions are stored, in one step, as the last thing.

NEW becomes the data directory of the site on the cluster; OLD stays as it is, and can be started again as long as the
new site has taken nothing in. If this is interrupted, run it again: it goes on where it was, and until it is done no
site begins on those topics. Afterwards: vitalog run --data-dir NEW with the same configuration.

  --from OLD        data directory of the site on the embedded log
  --data-dir NEW    data directory of the site on the cluster; empty or missing
  --config F        YAML file; VITALOG_KAFKA_PASSWORD as for run

example:
  vitalog migrate --from /var/lib/vitalog --data-dir /var/lib/vitalog-kafka --config /etc/vitalog-kafka.yaml
)";

using SteadyClock = std::chrono::steady_clock;

/// Shows how far it is, how fast, and how long it will take, once a second.
class ProgressLine {
  public:
    void operator()(const MoveProgress& stand) {
        const auto now = SteadyClock::now();
        if (stand.part != part_) {
            end_line();
            part_ = stand.part;
            began_ = now;
            shown_ = {};
        }
        if (stand.all == 0 || (now - shown_ < kEvery && stand.done != stand.all)) return;
        shown_ = now;
        const double seconds = std::max(std::chrono::duration<double>(now - began_).count(), 1e-3);
        const double rate = static_cast<double>(stand.done) / seconds;
        const double left = static_cast<double>(stand.all - stand.done) / std::max(rate, 1.0);
        fmt::print(stderr, "\r{}: {} of {}, {:.0f}/s, {:.0f} s left   ", part_, stand.done,
                   stand.all, rate, left);
        open_ = true;
    }
    void end_line() {
        if (open_) fmt::print(stderr, "\n");
        open_ = false;
    }

  private:
    static constexpr std::chrono::seconds kEvery{1};
    std::string part_;
    SteadyClock::time_point began_;
    SteadyClock::time_point shown_;
    bool open_ = false;
};

void print_done(const Migrated& done, const std::string& from, const std::string& to) {
    const MoveCounts& log = done.log;
    fmt::print(
        "moved {} to the cluster{}: {} records in {} partitions, {} offsets of dropped records, "
        "{} keys of state, {} of the ledger of repeats, {} positions; all read back and equal\n",
        from, done.resumed ? " (an earlier attempt had begun)" : "", log.records, log.partitions,
        log.filled, log.entities, log.ledger, log.positions);
    fmt::print("start it with: vitalog run --data-dir {} and the same configuration\n", to);
}

Result<void> move(const Arguments& arguments, const std::string& from, const std::string& to) {
    VITALOG_TRY(const auto config, load_config(arguments));
    VITALOG_TRY(const auto secrets, Secrets::read(environment(), config.text("secrets.file")));
    const SystemClock wall;
    ProgressLine line;
    const auto done = migrate(config, {from, to, secrets.kafka_password, &wall,
                                       [&line](const MoveProgress& stand) { line(stand); }});
    line.end_line();
    if (!done) return tl::unexpected(done.error());
    print_done(*done, from, to);
    return {};
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {config_flags({"--from", "--data-dir"}), {}, 0});
    if (!arguments) return report_usage("migrate", arguments.error());
    const auto from = arguments->value("--from");
    const auto to = arguments->value("--data-dir");
    if (!from || !to)
        return report_usage("migrate", Error(Errc::Configuration,
                                             "say migrate --from OLD --data-dir NEW --config F"));
    const auto done = move(*arguments, *from, *to);
    return done ? kStopped : report("migrate", done.error());
}

}  // namespace

const Command kMigrate{"migrate", "move a site from the embedded log to Kafka", kHelp, run};

}  // namespace vitalog::topology::cli
