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

Speaks the APIs of the message providers and enforces what they enforce: signatures, dates, nonces, tokens, signs,
templates and variables, numbers, limits. Aliyun: SendSms, QuerySendDetails. Tencent: SendSms,
PullSmsSendStatusByPhoneNumber (application 1400006666). WeChat: stable_token, message/template/send, the event
TEMPLATESENDJOBFINISH. WeCom: webhook/send. A provider is there when its secrets are, the same as for `run`, from the
environment. Nothing leaves this machine.

  --http HOST:PORT      where to listen, on loopback; port 0 takes a free one, printed on stdout
  --receipts-to URL     where receipts are pushed: the site, for example http://127.0.0.1:8080 (each provider has its
                        path below /receipts/)
  GET /sent             what was taken: [{"channel","to","template","params","intent","at"}]
  POST /fail            {"next":n,"as":"timeout|error|limit|after-send|undelivered|code","code","channel"}: how the next
                        n sends fail, of one channel or of any

example:
  vitalog gateway-sim --http 127.0.0.1:9100 --receipts-to http://127.0.0.1:8080/receipts/aliyun
)";

/// What the providers have approved: the built-in pack.
Result<void> approve_templates(sinks::GatewaySimConfig& config) {
    for (const auto& file : schemas::builtin_files()) {
        if (file.kind != "templates") continue;
        VITALOG_TRY(const auto pack, schemas::TemplatePack::parse(file.text));
        for (const auto& entry : pack.templates) {
            if (entry.sms && !entry.sms->aliyun.empty())
                config.templates.push_back({entry.sms->aliyun, entry.sms->params, false});
            if (entry.sms && !entry.sms->tencent.empty())
                config.tencent.templates.push_back({entry.sms->tencent, entry.sms->params.size()});
            if (!entry.wechat) continue;
            sinks::SimWechatTemplate wechat{entry.wechat->wechat, {}};
            for (const auto& [key, text] : entry.wechat->data) wechat.keys.push_back(key);
            config.wechat.templates.push_back(std::move(wechat));
        }
    }
    return {};
}

/// Configuration: no provider's secrets are there.
Result<void> use_secrets(sinks::GatewaySimConfig& config) {
    VITALOG_TRY(const Secrets secrets, Secrets::read(environment(), ""));
    config.key_id = secrets.aliyun_key_id;
    config.key_secret = secrets.aliyun_key_secret;
    config.tencent.secret_id = secrets.tencent_secret_id;
    config.tencent.secret_key = secrets.tencent_secret_key;
    config.wechat.appid = secrets.wechat_appid;
    config.wechat.secret = secrets.wechat_secret;
    config.callback_token = secrets.wechat_token;
    config.wecom.robots = secrets.wecom_robots;
    const bool any = !config.key_id.empty() || !config.tencent.secret_id.empty() ||
                     !config.wechat.appid.empty() || !config.wecom.robots.empty();
    if (any) return {};
    return fail(Errc::Configuration,
                "set VITALOG_ALIYUN_KEY_ID and VITALOG_ALIYUN_KEY_SECRET, or another provider's secrets, to what the "
                "client uses");
}

int run(const std::vector<std::string>& words) {
    const auto arguments = Arguments::parse(words, {{"--http", "--receipts-to", "--sign", "--receipt-delay"}, {}, 0});
    if (!arguments) return report_usage("gateway-sim", arguments.error());
    const auto delay = number_of(*arguments, "--receipt-delay", 500, 0, 600'000);
    const auto address = ingest::split_host_port(arguments->value_or("--http", "127.0.0.1:9100"));
    if (!delay) return report_usage("gateway-sim", delay.error());
    if (!address) return report_usage("gateway-sim", address.error());
    sinks::GatewaySimConfig config;
    if (const auto approved = approve_templates(config); !approved) return report("gateway-sim", approved.error());
    if (const auto known = use_secrets(config); !known) return report("gateway-sim", known.error());
    if (const auto sign = arguments->value("--sign")) config.signs = config.tencent.signs = {*sign};
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
