#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "ingest/mllp/client.h"
#include "ingest/mllp/message_file.h"
#include "topology/cli/cli.h"
#include "topology/clock.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog send-hl7 FILE|DIR [--to HOST:PORT] [--connections N] [--rate N] [--shift-to-now]
                        [--zone ZONE] [--tls [--ca F] [--cert F --key F]] [--quiet]

Sends HL7 v2 messages over MLLP as a careful sending system does: one message outstanding per connection, the
acknowledgement matched, the same message sent again after a lost connection. One patient's messages keep their order.

  --to HOST:PORT   the listener (127.0.0.1:2575)
  --connections N  connections at once (1)
  --rate N         messages per second over all connections (as fast as they are taken)
  --shift-to-now   moves all times together so that the newest is now; birth dates too, so that ages stay
  --zone ZONE      zone of times that come without one (Asia/Shanghai)
  --tls            over TLS; the listener's certificate must be of HOST
  --ca FILE        PEM of who signed the listener's certificate (the system's authorities)
  --cert FILE      PEM of our own certificate, where the listener wants one; --key FILE its key
  --quiet          no progress bar

Exits 1 and lists what was refused when anything was.

example:
  vitalog send-hl7 tests/data/hl7/simhospital.hl7 --connections 4 --shift-to-now
)";

void show_progress(const ingest::mllp::SendProgress& progress) {
    constexpr std::uint64_t kWidth = 40;
    const std::uint64_t done =
        progress.total == 0 ? kWidth : progress.sent * kWidth / progress.total;
    fmt::print(stderr, "\r[{:=<{}}{: <{}}] {}/{} sent, {} refused ", "", done, "", kWidth - done,
               progress.sent, progress.total, progress.refused);
}

void print_summary(const ingest::mllp::SendSummary& summary) {
    fmt::print(
        "sent {} accepted {} refused {} resent {} in {:.2f} s: {:.0f} messages/s, latency p50 "
        "{:.2f} ms p99 {:.2f} ms\n",
        summary.sent, summary.accepted, summary.refused.size(), summary.resent,
        static_cast<double>(summary.elapsed.count()) / 1e6, summary.messages_per_second(),
        static_cast<double>(summary.latency_p50.count()) / 1e3,
        static_cast<double>(summary.latency_p99.count()) / 1e3);
    for (const auto& refusal : summary.refused)
        fmt::print("refused {} {} {}\n", refusal.control_id, refusal.code, refusal.text);
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(
        words, {{"--to", "--connections", "--rate", "--zone", "--ca", "--cert", "--key"},
                {"--shift-to-now", "--tls", "--quiet"},
                1});
    if (!arguments) return report_usage("send-hl7", arguments.error());
    if (arguments->words().empty())
        return report_usage("send-hl7", Error(Errc::Configuration, "say which file or folder"));
    const auto connections = number_of(*arguments, "--connections", 1, 1, 10'000);
    const auto rate = number_of(*arguments, "--rate", 0, 0, 10'000'000);
    const auto zone = ingest::hl7::SiteZone::named(arguments->value_or("--zone", "Asia/Shanghai"));
    const std::string to = arguments->value_or("--to", "127.0.0.1:2575");
    const std::size_t colon = to.rfind(':');
    if (!connections) return report_usage("send-hl7", connections.error());
    if (!rate) return report_usage("send-hl7", rate.error());
    if (!zone) return report_usage("send-hl7", zone.error());
    if (colon == std::string::npos)
        return report_usage("send-hl7", Error(Errc::Configuration, "--to must be HOST:PORT"));
    if (!arguments->has("--tls") &&
        (arguments->has("--ca") || arguments->has("--cert") || arguments->has("--key")))
        return report_usage("send-hl7",
                            Error(Errc::Configuration, "--ca, --cert and --key go with --tls"));
    if (arguments->has("--cert") != arguments->has("--key"))
        return report_usage("send-hl7",
                            Error(Errc::Configuration, "--cert and --key belong together"));
    auto messages = ingest::mllp::load_messages(arguments->words()[0]);
    if (!messages) return report("send-hl7", messages.error());
    if (arguments->has("--shift-to-now")) {
        const auto shifted =
            ingest::mllp::shift_to_now(*messages, SystemClock().now().as<EventTime>(), *zone);
        if (!shifted) return report("send-hl7", shifted.error());
    }
    ingest::mllp::ClientConfig config;
    config.host = to.substr(0, colon);
    config.port = static_cast<std::uint16_t>(std::strtoul(to.c_str() + colon + 1, nullptr, 10));
    config.connections = static_cast<unsigned>(*connections);
    config.rate = static_cast<double>(*rate);
    config.tls = {arguments->has("--tls"), arguments->value_or("--ca", ""),
                  arguments->value_or("--cert", ""), arguments->value_or("--key", "")};
    const bool bar = !arguments->has("--quiet");
    const auto summary = ingest::mllp::send_messages(
        *messages, config, bar ? show_progress : [](const auto&) {});
    if (bar) fmt::print(stderr, "\n");
    if (!summary) return report("send-hl7", summary.error());
    print_summary(*summary);
    return summary->refused.empty() ? kStopped : kFailed;
}

}  // namespace

const Command kSendHl7{"send-hl7", "send HL7 messages from files over MLLP", kHelp, run};

}  // namespace vitalog::topology::cli
