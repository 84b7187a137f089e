#include "topology/site_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::topology {
namespace {

bool on_kafka(const Config& config) {
    return config.text("log.kind") == "kafka";
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "vitalog";
}

EmbeddedLog::Options embedded_options(const Config& config, const schemas::TopicNames& topics,
                                      const SiteLog::Options& given) {
    EmbeddedLog::Options options;
    options.path = given.data_dir;
    options.topics = configured_topics(config, topics);
    options.recent_bytes = config.bytes("log.cache");
    options.disk_reserve_bytes = config.bytes("log.disk_reserve");
    options.ledger.entries_max = static_cast<std::uint64_t>(config.number("log.ledger_entries"));
    if (given.accept_drift) options.older = EmbeddedLog::Options::Older::RaiseAnyhow;
    return options;
}

/// librdkafka's properties for TLS and SASL.
std::map<std::string, std::string> security_of(const Config& config, const std::string& password) {
    std::map<std::string, std::string> properties;
    const auto take = [&](std::string_view key, const char* property) {
        if (const auto value = config.text(key); !value.empty()) properties[property] = value;
    };
    const bool tls = config.text("log.tls") == "on";
    const bool sasl = config.text("log.sasl.mechanism") != "none";
    properties["security.protocol"] =
        sasl ? (tls ? "sasl_ssl" : "sasl_plaintext") : (tls ? "ssl" : "plaintext");
    if (tls) {
        take("log.tls.ca", "ssl.ca.location");
        take("log.tls.certificate", "ssl.certificate.location");
        take("log.tls.key", "ssl.key.location");
    }
    if (sasl) {
        take("log.sasl.mechanism", "sasl.mechanism");
        take("log.sasl.user", "sasl.username");
        properties["sasl.password"] = password;
    }
    return properties;
}

}  // namespace

KafkaLog::Options kafka_options(const Config& config, const schemas::TopicNames& topics,
                                const SiteLog::Options& given) {
    KafkaLog::Options options;
    options.path = given.data_dir;
    options.brokers = config.text("log.brokers");
    options.security = security_of(config, given.kafka_password);
    options.group = config.text("log.group");
    options.instance = config.text("log.instance");
    if (options.instance.empty()) options.instance = host_name();
    options.topics = configured_topics(config, topics);
    for (const Stage& stage : all_stages()) {
        if (!stage.make_processor) continue;
        KafkaLog::Stage known{std::string(stage.name), {}, stage.stateful};
        for (const schemas::Topic topic : stage.reads) known.inputs.push_back(topics.name(topic));
        if (given.roles.has(stage.name)) options.runs.push_back(known.name);
        options.stages.push_back(std::move(known));
    }
    if (given.roles.has(Roles::kEffects))
        options.duty_topic = topics.name(schemas::Topic::FeedControl);
    options.local_readers = {"views", "blobs"};
    options.replication = static_cast<int>(config.number("log.replication"));
    options.message_bytes_max = config.bytes("log.message_max");
    options.session =
        std::chrono::duration_cast<std::chrono::milliseconds>(config.duration("log.session"));
    options.standbys = static_cast<std::size_t>(config.number("log.standby"));
    options.ledger.entries_max = static_cast<std::uint64_t>(config.number("log.ledger_entries"));
    options.clock = given.wall;
    options.metrics = given.metrics;
    return options;
}

Result<void> check_log(const Config& config, const std::string& kafka_password) {
    if (!on_kafka(config)) {
        if (config.number("log.standby") == 0) return {};
        return fail(Errc::Configuration,
                    "log.standby: one machine's log has no other process that could stand by; set it "
                    "to 0, or log.kind = 'kafka'");
    }
    if (config.text("log.brokers").empty())
        return fail(Errc::Configuration, "log.kind = 'kafka' needs log.brokers = HOST:PORT,...");
    if (config.text("log.sasl.mechanism") != "none" &&
        (config.text("log.sasl.user").empty() || kafka_password.empty()))
        return fail(
            Errc::Configuration,
            fmt::format(
                "log.sasl.mechanism = '{}' needs log.sasl.user, and VITALOG_KAFKA_PASSWORD in the "
                "environment or in secrets.file",
                config.text("log.sasl.mechanism")));
    return {};
}

Result<SiteLog> SiteLog::open(const Config& config, const schemas::TopicNames& topics,
                              Options options) {
    SiteLog site;
    site.data_dir_ = options.data_dir;
    if (on_kafka(config)) {
        VITALOG_TRY(auto log, KafkaLog::open(kafka_options(config, topics, options)));
        site.kafka_ = log.get();
        site.log_ = std::move(log);
    } else {
        VITALOG_TRY(auto log, EmbeddedLog::open(embedded_options(config, topics, options)));
        site.embedded_ = log.get();
        site.log_ = std::move(log);
    }
    return site;
}

Result<std::unique_ptr<Log>> SiteLog::open_to_read(const Config& config,
                                                   const schemas::TopicNames& topics,
                                                   Options options) {
    if (!on_kafka(config)) {
        auto embedded = embedded_options(config, topics, options);
        embedded.older = EmbeddedLog::Options::Older::Refuse;
        return EmbeddedLog::open(std::move(embedded));
    }
    auto reading = kafka_options(config, topics, options);
    reading.reads_only = true;
    return KafkaLog::open(std::move(reading));
}

Result<void> SiteLog::enforce_retention(LogTime now) const {
    return embedded_ ? embedded_->enforce_retention(now) : Result<void>();
}

std::map<std::string, std::uint64_t> SiteLog::memory() const {
    if (embedded_) {
        const auto stats = embedded_->stats();
        return {{"log-cache", stats.recent_bytes},
                {"write-buffers", stats.write_buffer_bytes},
                {"block-cache", stats.block_cache_bytes},
                {"table-readers", stats.table_reader_bytes}};
    }
    const auto stats = kafka_->stats();
    return {{"log-cache", stats.window_bytes},
            {"write-buffers", stats.write_buffer_bytes},
            {"block-cache", stats.block_cache_bytes},
            {"table-readers", stats.table_reader_bytes}};
}

}  // namespace vitalog::topology
