#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "ingest/http/server.h"
#include "schemas/embed.h"
#include "schemas/templates.h"
#include "sinks/gateway_sim/gateway_sim.h"
#include "topology/cli/cli.h"
#include "topology/clock.h"
#include "topology/doors.h"

namespace vitalog::topology::cli {
namespace {

constexpr std::string_view kHelp =
    R"(usage: vitalog gateway-sim --http HOST:PORT [--receipts-to URL] [--sign NAME] [--receipt-delay MS]

Speaks the API of a message provider (Aliyun SendSms, QuerySendDetails) and enforces what it enforces: signature, date,
nonce, sign, template and variables, numbers, limits. Reads the same secrets as `run` from the environment:
VITALOG_ALIYUN_KEY_ID and VITALOG_ALIYUN_KEY_SECRET. Nothing leaves this machine.

  --http HOST:PORT      where to listen, on loopback; port 0 takes a free one, printed on stdout
  --receipts-to URL     where receipts are pushed, for example http://127.0.0.1:8080/receipts/aliyun
  GET /sent             what was taken: [{"channel","to","template","params","intent","at"}]
  POST /fail            {"next":n,"as":"timeout|error|limit|after-send"}: how the next n sends fail

example:
  vitalog gateway-sim --http 127.0.0.1:9100 --receipts-to http://127.0.0.1:8080/receipts/aliyun
)";

Result<std::vector<sinks::SimTemplate>> approved_templates() {
    std::vector<sinks::SimTemplate> templates;
    for (const auto& file : schemas::builtin_files()) {
        if (file.kind != "templates") continue;
        VITALOG_TRY(const auto pack, schemas::TemplatePack::parse(file.text));
        for (const auto& entry : pack.templates) 
            if (entry.sms) templates.push_back({entry.sms->provider_code, entry.sms->params, false});
    }
    return templates;
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {{"--http", "--receipts-to", "--sign", "--receipt-delay"}, {}, 0});
    if (!arguments) return report_usage("gateway-sim", arguments.error());
    const auto delay = number_of(*arguments, "--receipt-delay", 500, 0, 600'000);
    const auto address = ingest::split_host_port(arguments->value_or("--http", "127.0.0.1:9100"));
    if (!delay) return report_usage("gateway-sim", delay.error());
    if (!address) return report_usage("gateway-sim", address.error());
    auto templates = approved_templates();
    if (!templates) return report("gateway-sim", templates.error());
    const Secrets secrets = Secrets::from(environment());
    sinks::GatewaySimConfig config;
    config.key_id = secrets.aliyun_key_id;
    config.key_secret = secrets.aliyun_key_secret;
    if (config.key_id.empty() || config.key_secret.empty())
        return report("gateway-sim", Error(Errc::Configuration, "set VITALOG_ALIYUN_KEY_ID and VITALOG_ALIYUN_KEY_SECRET "
                                                                "to what the client uses"));
    if (const auto sign = arguments->value("--sign")) config.signs = {*sign};
    config.templates = *std::move(templates);
    config.receipts_to = arguments->value_or("--receipts-to", "");
    config.receipt_delay = std::chrono::milliseconds(*delay);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    const SystemClock clock;
    sinks::GatewaySim sim(std::move(config), clock);
    ingest::HttpServerOptions options;
    std::tie(options.host, options.port) = *address;
    ingest::HttpServer server(options);
    sim.register_routes(server);
    if (const auto started = server.start(); !started) return report("gateway-sim", started.error());
    fmt::print("{{\"http\":\"{}\"}}\n", server.address());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    sim.stop();
    server.stop();
    return kStopped;
}

}  // namespace

const Command kGatewaySim{"gateway-sim", "simulate a message provider on this machine", kHelp, run};

}  // namespace vitalog::topology::cli
