#include "topology/senders.h"

#include <algorithm>
#include <thread>

#include "sinks/aliyun/client.h"
#include "sinks/tencent/client.h"
#include "sinks/wechat/client.h"
#include "sinks/wecom/client.h"

namespace vitalog::topology {
namespace {

constexpr unsigned kSendersOfHigh = 4;

sinks::TencentConfig tencent_config(const Config& config, const Secrets& secrets) {
    sinks::TencentConfig tencent;
    tencent.url = config.text("notify.tencent.url");
    tencent.app_id = config.text("notify.tencent.app_id");
    tencent.sign = config.text("notify.tencent.sign");
    tencent.region = config.text("notify.tencent.region");
    tencent.secret_id = secrets.tencent_secret_id;
    tencent.secret_key = secrets.tencent_secret_key;
    return tencent;
}

sinks::WechatConfig wechat_config(const Config& config, const Secrets& secrets) {
    sinks::WechatConfig wechat;
    wechat.url = config.text("notify.wechat.url");
    wechat.appid = secrets.wechat_appid;
    wechat.secret = secrets.wechat_secret;
    return wechat;
}

sinks::WecomConfig wecom_config(const Config& config, const Secrets& secrets) {
    sinks::WecomConfig wecom;
    wecom.url = config.text("notify.wecom.url");
    wecom.robots = secrets.wecom_robots;
    return wecom;
}

std::unique_ptr<sinks::Provider> make_provider(const std::string& name, const Config& config,
                                               const Secrets& secrets, const Clock& wall) {
    if (name == "aliyun")
        return std::make_unique<sinks::AliyunSms>(aliyun_config(config, secrets), wall);
    if (name == "tencent")
        return std::make_unique<sinks::TencentSms>(tencent_config(config, secrets), wall);
    if (name == "wechat")
        return std::make_unique<sinks::WechatTemplates>(wechat_config(config, secrets), wall);
    return std::make_unique<sinks::WecomRobots>(wecom_config(config, secrets));
}

}  // namespace

Result<void> check_senders(const Config& config, const Secrets& secrets) {
    if (config.text("notify.mode") != "live") return {};
    for (const ChannelPlan& plan : channel_plans(config)) {
        if (!plan.served || plan.external) continue;
        const std::string& provider = plan.provider;
        if (provider == "aliyun") VITALOG_CHECK(sinks::check(aliyun_config(config, secrets)));
        if (provider == "tencent") VITALOG_CHECK(sinks::check(tencent_config(config, secrets)));
        if (provider == "wechat") VITALOG_CHECK(sinks::check(wechat_config(config, secrets)));
        if (provider == "wecom") VITALOG_CHECK(sinks::check(wecom_config(config, secrets)));
    }
    return {};
}

sinks::fhir::GatewayOptions gateway_options(const Config& config,
                                            const schemas::TopicNames& topics) {
    sinks::fhir::GatewayOptions options;
    options.topics = topics;
    for (const ChannelPlan& plan : channel_plans(config)) {
        if (plan.external)
            options.external.emplace(plan.channel, topics.name(plan.topic));
        else
            options.own.push_back(plan.channel);
    }
    return options;
}

Senders::Senders(const Config& config, const Secrets& secrets, const schemas::TopicNames& topics,
                 Ports ports) {
    for (const ChannelPlan& plan : channel_plans(config)) {
        if (!plan.served || plan.external) continue;
        const std::string& provider = plan.provider;
        Channel channel;
        channel.provider = make_provider(provider, config, secrets, ports.wall);
        sinks::SendGate::Options gate;
        gate.rate_per_second = static_cast<double>(config.number("notify." + provider + ".rate"));
        gate.reserve = static_cast<double>(config.number("notify.reserve")) / 100;
        gate.one_at_a_time = provider == "wechat";
        channel.gate = std::make_unique<sinks::SendGate>(gate);
        for (const sinks::Lane lane : {sinks::Lane::High, sinks::Lane::Other}) {
            sinks::EffectWorkerOptions options;
            options.channel = plan.channel;
            options.lane = lane;
            options.topic = topics.name(plan.topic);
            options.receipt_topic = topics.name(schemas::Topic::FeedReceipt);
            if (lane == sinks::Lane::High) options.senders = kSendersOfHigh;
            channel.lanes.push_back(std::make_unique<sinks::EffectWorker>(
                options, sinks::EffectWorker::Ports{ports.source, ports.feed, *channel.provider,
                                                    ports.site, ports.wall, &ports.metrics,
                                                    channel.gate.get(), ports.duty}));
        }
        channels_.push_back(std::move(channel));
    }
}

void Senders::start() {
    for (const Channel& channel : channels_)
        for (const auto& lane : channel.lanes) lane->start();
}

/// All at once: each may wait for the calls it has in hand.
void Senders::stop() {
    std::vector<std::thread> stops;
    for (const Channel& channel : channels_)
        for (const auto& lane : channel.lanes) stops.emplace_back([&lane] { lane->stop(); });
    for (std::thread& stop : stops) stop.join();
}

bool Senders::withdrawn() const {
    return std::ranges::any_of(channels_, [](const Channel& channel) {
        return std::ranges::any_of(channel.lanes,
                                   [](const auto& lane) { return lane->withdrawn(); });
    });
}

std::int64_t Senders::lag() const {
    std::int64_t total = 0;
    for (const Channel& channel : channels_)
        for (const auto& lane : channel.lanes) total += std::max<std::int64_t>(0, lane->lag());
    return total;
}

}  // namespace vitalog::topology
