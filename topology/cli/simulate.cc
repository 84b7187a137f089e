#include <fmt/format.h>
#include <signal.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "ingest/http/server.h"
#include "topology/cli/cli.h"
#include "topology/clock.h"
#include "topology/simulate/hospital.h"
#include "topology/simulate/traffic.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog simulate [--mllp HOST:PORT] [--url U] [--seed N] [--persons N] [--rate N] [--hl7 PERCENT]
                        [--samples N] [--duration D] [--start TIME] [--connections N] [--quiet]
       vitalog simulate --write DIR --duration D [...]

A city that does not exist, sent through a site's own doors: people with Chinese names and valid identity numbers that
nobody has; a hospital's HL7 v2.5 messages in GB 18030 over MLLP (registrations, ward stays, laboratory, vital signs);
watches whose cloud posts batches in gzip over HTTP. Some results come late, in another order, twice, or corrected; some
people are registered twice, or known only after a merge; some have failing kidneys, a critical potassium, get worse on
the ward, or sleep with too little oxygen. The directory is told first who they are and who looks after them.

  --mllp HOST:PORT  the site's listener (127.0.0.1:2575)
  --url U           the site (http://127.0.0.1:8080)
  --seed N          of everything that chance decides (1)
  --persons N       in the city (10000)
  --rate N          HL7 messages and wearable batches a second, together (50)
  --hl7 PERCENT     of these that are HL7 messages (20)
  --samples N       values in a batch, at most (60)
  --duration D      such as 90s, 10m, 24h (60s); 0s: until it is stopped
  --start TIME      of the event times (now). The same seed, start and numbers give the same bytes
  --connections N   of MLLP, and of HTTP (4)
  --write DIR       sends nothing; writes directory.ndjson, messages.hl7 and batches.ndjson
  --quiet           no progress line

Exits 1 when anything was refused or rejected, with the first reasons. Ctrl-C ends it with the summary.

examples:
  vitalog simulate --persons 1000 --rate 100 --duration 10m
  vitalog simulate --seed 7 --start 2026-11-20T08:00:00+08:00 --duration 60s --write city
)";

constexpr std::string_view kZone = "Asia/Shanghai";

struct Request {
    simulate::Plan plan;
    simulate::Doors doors;
    std::uint64_t seed = 1;
    std::uint64_t persons = 0;
    std::string write;
};

Result<void> read_doors(const Arguments& arguments, simulate::Doors& doors) {
    VITALOG_TRY(const auto mllp,
                ingest::split_host_port(arguments.value_or("--mllp", "127.0.0.1:2575")));
    VITALOG_TRY(const auto connections, number_of(arguments, "--connections", 4, 1, 1'000));
    std::tie(doors.mllp_host, doors.mllp_port) = mllp;
    doors.connections = static_cast<unsigned>(connections);
    doors.url = arguments.value_or("--url", "http://127.0.0.1:8080");
    while (doors.url.ends_with('/')) doors.url.pop_back();
    doors.token = bearer_token();
    return {};
}

Result<Request> read_request(const Arguments& arguments) {
    Request request;
    VITALOG_CHECK(read_doors(arguments, request.doors));
    VITALOG_TRY(const auto seed, number_of(arguments, "--seed", 1, 0, INT64_MAX));
    VITALOG_TRY(const auto persons,
                number_of(arguments, "--persons", 10'000, 1, simulate::City::kPersonsMax));
    VITALOG_TRY(const auto rate, number_of(arguments, "--rate", 50, 1, 1'000'000));
    VITALOG_TRY(const auto hl7, number_of(arguments, "--hl7", 20, 0, 100));
    VITALOG_TRY(const auto samples, number_of(arguments, "--samples", 60, 1, 10'000));
    request.seed = static_cast<std::uint64_t>(seed);
    request.persons = static_cast<std::uint64_t>(persons);
    request.plan.messages_per_second = static_cast<double>(rate * hl7) / 100;
    request.plan.watches = {static_cast<double>(rate * (100 - hl7)) / 100,
                            static_cast<std::size_t>(samples)};
    VITALOG_TRY(request.plan.duration, parse_duration(arguments.value_or("--duration", "60s")));
    request.plan.start = SystemClock().now().as<EventTime>();
    if (const auto start = arguments.value("--start")) {
        VITALOG_TRY(const auto micros, parse_rfc3339(*start));
        request.plan.start = EventTime(micros);
    }
    request.write = arguments.value_or("--write", "");
    if (!request.write.empty() && request.plan.duration.count() == 0)
        return fail(Errc::Configuration, "--write needs a --duration other than 0s");
    return request;
}

/// A message or batch falls due every 1 / rate seconds, from 0 on and before the end.
std::uint64_t count_of(const simulate::Plan& plan, double rate) {
    if (rate <= 0) return 0;
    std::uint64_t count = 0;
    while (static_cast<double>(count) * 1e6 / rate < static_cast<double>(plan.duration.count()))
        ++count;
    return count;
}

EventTime due(const simulate::Plan& plan, std::uint64_t n, double rate) {
    return plan.start + std::chrono::microseconds(
                            static_cast<std::int64_t>(static_cast<double>(n) * 1e6 / rate));
}

Result<void> write_city(const Request& request, const simulate::City& city,
                        const ingest::hl7::SiteZone& zone) {
    const std::filesystem::path folder(request.write);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    std::ofstream directory(folder / "directory.ndjson", std::ios::binary | std::ios::trunc);
    std::ofstream messages(folder / "messages.hl7", std::ios::binary | std::ios::trunc);
    std::ofstream batches(folder / "batches.ndjson", std::ios::binary | std::ios::trunc);
    simulate::for_each_directory_piece(city, [&](const std::string& lines) { directory << lines; });
    simulate::Hospital hospital(city, request.plan.start, zone);
    const double messages_rate = request.plan.messages_per_second;
    const std::uint64_t messages_count = count_of(request.plan, messages_rate);
    for (std::uint64_t i = 0; i < messages_count; ++i)
        messages << hospital.next(due(request.plan, i, messages_rate)) << "\r";
    const simulate::Watches watches(city, request.plan.start, request.plan.watches);
    const double batches_rate = request.plan.watches.batches_per_second;
    const std::uint64_t turns = count_of(request.plan, batches_rate);
    for (std::uint64_t i = 0; i < turns; ++i)
        for (const auto& batch : watches.turn(i))
            batches << fmt::format("{{\"account\":\"{}\",\"at\":\"{}\",\"body\":{}}}\n",
                                   batch.account, to_rfc3339(due(request.plan, i, batches_rate)),
                                   batch.json);
    if (!directory.flush() || !messages.flush() || !batches.flush())
        return fail(Errc::Io, folder.string() + ": can't be written");
    fmt::print("wrote {} messages and the batches of {} turns to {}\n", messages_count, turns,
               folder.string());
    return {};
}

void show(const simulate::Totals& totals) {
    fmt::print(stderr, "\r{} messages, {} batches, {} samples ", totals.messages, totals.batches,
               totals.samples + totals.samples_duplicate);
}

int summarise(const simulate::Totals& totals) {
    fmt::print("messages {} accepted {} refused {} resent {}\n", totals.messages,
               totals.messages_accepted, totals.messages_refused, totals.messages_resent);
    fmt::print("batches {} refused {} asked-to-wait {}\n", totals.batches, totals.batches_refused,
               totals.batches_asked_to_wait);
    fmt::print("samples accepted {} duplicate {} rejected {}\n", totals.samples,
               totals.samples_duplicate, totals.samples_rejected);
    fmt::print("behind at most {} ms\n", totals.behind.count());
    for (const auto& problem : totals.problems) fmt::print("problem: {}\n", problem);
    const bool clean =
        totals.messages_refused + totals.batches_refused + totals.samples_rejected == 0;
    return clean && totals.problems.empty() ? kStopped : kFailed;
}

/// Until everything is sent, or SIGINT or SIGTERM.
void wait_for_end(const simulate::Traffic& traffic, bool progress) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    const timespec a_while{0, 200'000'000};
    while (!traffic.done() && sigtimedwait(&signals, nullptr, &a_while) < 0)
        if (progress) show(traffic.totals());
    if (progress) fmt::print(stderr, "\n");
}

int send_city(const Request& request, const simulate::City& city, ingest::hl7::SiteZone zone,
              bool progress) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread, so that all inherit it
    std::signal(SIGPIPE, SIG_IGN);
    simulate::Totals totals;
    {
        simulate::Traffic traffic(city, request.plan, request.doors, std::move(zone));
        if (const auto known = traffic.register_city(); !known)
            return report("simulate", known.error());
        fmt::print("seed {} start {} persons {} in the directory\n", request.seed,
                   to_rfc3339(request.plan.start), request.persons);
        std::fflush(stdout);
        traffic.start();
        wait_for_end(traffic, progress);
        traffic.finish();
        totals = traffic.totals();
    }
    return summarise(totals);
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(
        words, {{"--mllp", "--url", "--seed", "--persons", "--rate", "--hl7",
                 "--samples", "--duration", "--start", "--connections", "--write"},
                {"--quiet"},
                0});
    if (!arguments) return report_usage("simulate", arguments.error());
    const auto request = read_request(*arguments);
    if (!request) return report_usage("simulate", request.error());
    auto zone = ingest::hl7::SiteZone::named(kZone);
    if (!zone) return report("simulate", zone.error());
    const simulate::City city(request->seed, request->persons);
    if (request->write.empty())
        return send_city(*request, city, *std::move(zone), !arguments->has("--quiet"));
    const auto written = write_city(*request, city, *zone);
    return written ? kStopped : report("simulate", written.error());
}

}  // namespace

const Command kSimulate{"simulate", "send a simulated city through a site's doors", kHelp, run};

}  // namespace vitalog::topology::cli
