#include "topology/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "schemas/topics.h"
#include "topology/channel_plan.h"
#include "topology/environment.h"
#include "topology/nearest.h"

namespace vitalog::topology {
namespace {

using enum KeyKind;

constexpr std::array kKeys{
    ConfigKey{"mllp.listen", Address, "127.0.0.1:2575", "",
              "where HL7 v2 over MLLP is accepted; port 0 takes a free one", false},
    ConfigKey{"mllp.endpoint", Text, "his", "",
              "the name of this door in metrics, the ledger of repeats and records", false},
    ConfigKey{"mllp.feed", Text, "feed.his", "",
              "the feed topic this door writes, whatever the message type", false},
    ConfigKey{"mllp.max_connections", Number, "256", "1..100000",
              "connections beyond it are closed at once", false},
    ConfigKey{"mllp.idle_timeout", Duration, "10m", "", "an idle connection is closed after it",
              false},
    ConfigKey{"mllp.tls.certificate", Path, "", "",
              "PEM file of the certificate chain; with it this door speaks TLS 1.2 and later only; "
              "empty: plain",
              false},
    ConfigKey{"mllp.tls.key", Path, "", "", "PEM file of the certificate's key", false},
    ConfigKey{
        "mllp.tls.client_ca", Path, "", "",
        "PEM file of who signs clients' certificates; with it a client without one is refused",
        false},
    ConfigKey{"mllp.rate", Number, "0", "0..1000000",
              "messages a second that one connection may send, which is read no faster; 0: as fast "
              "as the disk takes them",
              false},
    ConfigKey{"http.max_connections", Number, "1024", "1..100000", "at once; more are answered 503",
              false},
    ConfigKey{"http.max_body", Bytes, "16MiB", "1024..1073741824",
              "largest body as sent, four times as much unpacked; more is answered 413. "
              "/ingest/wearable takes 16MiB unpacked at most, /fhir, /receipts and /gateway 1MiB",
              false},
    ConfigKey{"http.rate", Number, "10000", "0..1000000",
              "requests a second that one user may make, without token one address; more are "
              "answered 429; 0: no limit",
              false},
    ConfigKey{"http.listen", Address, "127.0.0.1:8080", "",
              "where the FHIR API, health and metrics are served; loopback only while auth.tokens "
              "is empty",
              false},
    ConfigKey{"auth.tokens", Path, "", "",
              "YAML file with a list of {token, user, role, teams}; empty: loopback only and open "
              "to everybody on this machine",
              false},
    ConfigKey{"clock", Choice, "system", "system|manual",
              "manual: time follows POST /admin/clock, for tests, demonstrations and drills",
              false},
    ConfigKey{"log.kind", Choice, "embedded", "embedded|kafka", "where topics live", false},
    ConfigKey{"log.brokers", List, "", "", "host:port of Kafka brokers; used with log.kind=kafka",
              false},
    ConfigKey{"log.group", Text, "vitalog", "",
              "how the names of this site's consumer groups, transactions and snapshot topics begin; "
              "used with log.kind=kafka",
              false},
    ConfigKey{"log.instance", Text, "", "",
              "this process's name among those of the group, the same after a restart; empty: the "
              "host's name",
              false},
    ConfigKey{"log.session", Duration, "10s", "",
              "a process that the cluster does not hear for so long loses its shards to others", false},
    ConfigKey{"log.standby", Number, "0", "0..3",
              "other processes that keep the state of each shard up to date beside the one that runs it, "
              "and take over with it; used with log.kind=kafka",
              false},
    ConfigKey{"log.replication", Number, "0", "0..9",
              "copies of each partition of a topic that is created; 0: three, or as many as there are "
              "brokers",
              false},
    ConfigKey{"log.message_max", Bytes, "64MiB", "1048576..1073741824",
              "largest record of a topic in the cluster; above hl7.max_message and http.max_body",
              false},
    ConfigKey{"log.tls", Choice, "off", "off|on", "whether brokers are spoken to under TLS", false},
    ConfigKey{"log.tls.ca", Path, "", "",
              "certificates that the brokers' are checked against; empty: the system's", false},
    ConfigKey{"log.tls.certificate", Path, "", "", "our own, where the brokers ask for one", false},
    ConfigKey{"log.tls.key", Path, "", "", "its private key", false},
    ConfigKey{"log.sasl.mechanism", Choice, "none", "none|PLAIN|SCRAM-SHA-256|SCRAM-SHA-512",
              "how to log in to the brokers; the password is VITALOG_KAFKA_PASSWORD", false},
    ConfigKey{"log.sasl.user", Text, "", "", "who logs in to the brokers", false},
    ConfigKey{"log.partitions", Number, "4", "1..1024",
              "partitions of every topic; fixed once the data directory exists", false},
    ConfigKey{"log.retention", Duration, "30d", "",
              "how long topics are kept that are not kept for ever; 0s: for ever", false},
    ConfigKey{"log.retention_bytes", Bytes, "0", "0..9223372036854775807",
              "the same by size, per partition; 0: no limit", false},
    ConfigKey{"log.disk_reserve", Bytes, "1GiB", "0..9223372036854775807",
              "feeds are refused when the disk has less left", false},
    ConfigKey{"log.cache", Bytes, "256MiB", "1048576..1099511627776",
              "recently appended blocks kept in memory for their readers", false},
    ConfigKey{"log.ledger_entries", Number, "1000000", "0..1000000000",
              "how many messages the ledger of repeats remembers, for at most 7 days", false},
    ConfigKey{"state.memory_budget", Bytes, "1GiB", "16777216..1099511627776",
              "entities kept decoded in memory, over all shards", false},
    ConfigKey{"state.trail", Duration, "60s", "",
              "how long a changed entity may wait to be flushed; longer is faster, and makes "
              "recovery longer",
              false},
    ConfigKey{"runtime.workers", Number, "2", "1..256", "threads that run the shards", false},
    ConfigKey{"runtime.commit_delay", Duration, "2ms", "",
              "how long outputs may wait for company before they are committed, at least 20ms "
              "behind a backlog unless 0s; urgent ones only behind a backlog, for as long as a "
              "commit takes",
              false},
    ConfigKey{"views.store", Views, "sqlite", "",
              "where the views are kept: sqlite, or a database as postgresql://user@host/name; its "
              "password in ~/.pgpass or the file that PGPASSFILE names",
              false},
    ConfigKey{"views.workers", Number, "1", "1..64",
              "threads that follow the log for the views; more than one with PostgreSQL only",
              false},
    ConfigKey{"views.path", Path, "", "",
              "the SQLite file of the views; empty: views.sqlite in the data directory", false},
    ConfigKey{"rules.dir", Path, "", "",
              "folder with rule packs (*.yaml); empty: the built-in packs", false},
    ConfigKey{"rules.backtest", Choice, "optional", "optional|required",
              "required: a running site takes rule packs with the record of a back-test only, as "
              "vitalog rules publish --after-backtest sends it; going back is always open",
              false},
    ConfigKey{"rules.load_max", Number, "0", "0..100000",
              "a back-tested pack is refused that brings one doctor more tasks in a shift than "
              "this, on average; 0: no limit",
              false},
    ConfigKey{"tables.dir", Path, "", "",
              "folder with code tables (codes/*.yaml, units.yaml, measures.yaml or the built-in one); empty: the built-in ones",
              false},
    ConfigKey{"templates.dir", Path, "", "",
              "folder with message templates (*.yaml); empty: the built-in ones", false},
    ConfigKey{"site.zone", Text, "Asia/Shanghai", "", "IANA zone of times that come without one",
              true},
    ConfigKey{"site.authorities", List, "", "",
              "identifier authorities in order: the first one present names the person; empty: "
              "PID-3's first repetition",
              true},
    ConfigKey{
        "site.linking", List, "", "",
        "authorities trusted to merge two persons by themselves; a checked national ID always is",
        true},
    ConfigKey{"site.accounts", List, "", "",
              "authorities of wearable accounts, which never found a person", true},
    ConfigKey{"hl7.charset", Text, "auto", "",
              "character set of messages, used as given; auto: MSH-18, else UTF-8 if valid, else "
              "GB 18030",
              true},
    ConfigKey{"hl7.max_message", Bytes, "16MiB", "1024..1073741824",
              "a larger message is answered AE or CE", false},
    ConfigKey{"hl7.reused_id", Choice, "accept", "accept|refuse",
              "MSH-10 used again with another body: accept and count, or answer AE/CE 205", false},
    ConfigKey{"desk.default_team", Text, "general", "", "the team of people without one", true},
    ConfigKey{"desk.deadline", Duration, "60m", "", "a task not decided by then is a breach", true},
    ConfigKey{"desk.escalate", Durations, "35m,50m", "",
              "when the duty doctor, then the duty group, is called in", true},
    ConfigKey{"desk.remind", Duration, "15m", "",
              "how long before its deadline a task's owner is reminded; 0s: never", true},
    ConfigKey{"desk.keep", Duration, "90d", "",
              "how long a finished task still answers late decisions", true},
    ConfigKey{"notify.mode", Choice, "off", "off|live",
              "off: messages are decided and recorded, not sent; live: they are sent", true},
    ConfigKey{"notify.daily_limit", Number, "50", "1..100000", "messages per recipient and day",
              true},
    ConfigKey{"notify.unknown_limit", Duration, "10m", "",
              "how long an attempt without a known outcome may stay open", true},
    ConfigKey{"notify.high_limit", Duration, "5m", "",
              "a message of priority high without an outcome by then goes out by the recipient's "
              "next channel too",
              true},
    ConfigKey{"notify.reserve", Number, "20", "0..90",
              "percent of a provider's rate that only messages of priority high may use", false},
    ConfigKey{"notify.reminder_quiet", Text, "22:00-07:00", "",
              "quiet hours of patients' reminders where the directory says none, on the "
              "recipient's clock; empty: none",
              true},
    ConfigKey{"notify.attempts", Number, "5", "1..100",
              "how often one message is tried when the provider refuses it for now", true},
    ConfigKey{"notify.retry_first", Duration, "30s", "",
              "wait before the second try; doubles with each", true},
    ConfigKey{"notify.retry_most", Duration, "15m", "", "the longest such wait", true},
    ConfigKey{"care.patient_notice_limit", Duration, "24h", "",
              "a message to a patient not sent by then is dropped, unless its rule says otherwise",
              true},
    ConfigKey{"alarms.team", Text, "operators", "",
              "the team whose tasks alarms become; give it members in the directory", false},
    ConfigKey{"alarms.silence", List, "", "",
              "feeds that must not fall silent and for how long they may, such as "
              "feed.his=30m,feed.wearable=2h",
              false},
    ConfigKey{"alarms.dead_letters", Number, "5", "1..1000",
              "an alarm beyond so many dead letters per hundred records taken in", false},
    ConfigKey{"alarms.lag", Number, "20000", "1..1000000000",
              "an alarm when a stage is so many records behind", false},
    ConfigKey{"alarms.send_failures", Number, "20", "1..100",
              "an alarm when so many of a hundred messages of a channel fail", false},
    ConfigKey{"alarms.window", Duration, "10m", "",
              "over how long dead letters and failures are counted", false},
    ConfigKey{"alarms.hold", Duration, "1m", "",
              "how long lag, dead letters, failures or a full disk must last to raise an alarm, "
              "and be over to clear it",
              false},
    ConfigKey{"care.vitals_fresh", Duration, "4h", "",
              "how old a vital sign may be to count for NEWS2, MEWS and the shock index", true},
    ConfigKey{"care.chronic_fresh", Duration, "365d", "",
              "how old a weight, height, creatinine or albumin may be to count for an index", true},
    ConfigKey{"notify.sms.provider", Choice, "aliyun", "aliyun|tencent",
              "whose template codes, and whose API, SMS go out by", true},
    ConfigKey{
        "notify.sms.gateway", Choice, "own", "own|external",
        "external: a hospital's gateway takes send.sms and answers feed.receipt; we send nothing",
        false},
    ConfigKey{"notify.wechat.gateway", Choice, "own", "own|external", "the same for send.wechat",
              false},
    ConfigKey{"notify.wecom.gateway", Choice, "own", "own|external", "the same for send.wecom",
              false},
    ConfigKey{
        "secrets.file", Path, "", "",
        "YAML file with secrets under the names they have in the environment, which goes before it",
        false},
    ConfigKey{"notify.aliyun.url", Url, "", "",
              "base URL of Aliyun SMS (dysmsapi); empty: not set up, as with the others", false},
    ConfigKey{"notify.aliyun.sign", Text, "健康管理", "", "the approved signature of our SMS",
              false},
    ConfigKey{"notify.aliyun.rate", Number, "100", "1..100000", "sends per second at most", false},
    ConfigKey{"notify.tencent.url", Url, "", "", "base URL of Tencent Cloud SMS", false},
    ConfigKey{"notify.tencent.app_id", Text, "", "", "SmsSdkAppId of the application there", false},
    ConfigKey{"notify.tencent.sign", Text, "健康管理", "", "the approved signature there", false},
    ConfigKey{"notify.tencent.region", Text, "ap-guangzhou", "", "region that the requests name",
              false},
    ConfigKey{"notify.tencent.rate", Number, "100", "1..100000", "sends per second at most", false},
    ConfigKey{"notify.wechat.url", Url, "", "", "base URL of the WeChat official account API",
              false},
    ConfigKey{"notify.wechat.rate", Number, "50", "1..100000", "sends per second at most", false},
    ConfigKey{"notify.wecom.url", Url, "", "",
              "base URL of WeCom, whose group robots carry notices to doctors", false},
    ConfigKey{"notify.wecom.rate", Number, "10", "1..100000",
              "sends per second at most, over all robots; each takes 20 a minute", false},
};

const ConfigKey* find_key(std::string_view name) {
    const auto found = std::find_if(kKeys.begin(), kKeys.end(),
                                    [&](const ConfigKey& key) { return key.name == name; });
    return found == kKeys.end() ? nullptr : &*found;
}

tl::unexpected<Error> bad_value(const ConfigKey& key, std::string_view value,
                                std::string_view want) {
    return fail(Errc::Configuration,
                fmt::format("{} = '{}': {}; {}", key.name, value, want, key.meaning));
}

Result<std::int64_t> parse_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || rest != text.data() + text.size())
        return fail(Errc::Malformed, "not a whole number");
    return number;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t at = text.find(separator);
        std::string_view part = text.substr(0, at);
        while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
        if (!part.empty()) parts.emplace_back(part);
        text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
    }
    return parts;
}

bool in_range(std::int64_t value, std::string_view range) {
    const std::size_t dots = range.find("..");
    return value >= *parse_number(range.substr(0, dots)) &&
           value <= *parse_number(range.substr(dots + 2));
}

Result<std::pair<std::string, std::uint16_t>> parse_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return fail(Errc::Malformed, "no port");
    VITALOG_TRY(const std::int64_t port, parse_number(text.substr(colon + 1)));
    if (port < 0 || port > 65535) return fail(Errc::OutOfRange, "no such port");
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    return std::pair(std::string(host), static_cast<std::uint16_t>(port));
}

/// The configuration is shown to whoever asks: no password may be in it.
Result<void> check_views(const ConfigKey& key, std::string_view value) {
    if (value == "sqlite") return {};
    const std::string_view start = "postgresql://";
    if (!value.starts_with(start))
        return bad_value(key, value, "must be sqlite or begin with postgresql://");
    const std::string_view who = value.substr(start.size(), value.rfind('@') - start.size());
    const bool named = value.rfind('@') != std::string_view::npos;
    if ((named && who.find(':') != std::string_view::npos) ||
        value.find("password=") != std::string_view::npos)
        return fail(Errc::Configuration,
                    fmt::format("{} holds a password, which everybody who sees the configuration "
                                "would read: put it into ~/.pgpass",
                                key.name));
    return {};
}

Result<void> check(const ConfigKey& key, std::string_view value) {
    switch (key.kind) {
        case Text:
        case Path:
        case List:
            return {};
        case Choice: {
            for (const auto& word : split(key.allowed, '|'))
                if (word == value) return {};
            return bad_value(key, value, fmt::format("must be one of {}", key.allowed));
        }
        case Number: {
            const auto number = parse_number(value);
            if (number && in_range(*number, key.allowed)) return {};
            return bad_value(key, value, fmt::format("must be a whole number in {}", key.allowed));
        }
        case Bytes: {
            const auto size = parse_bytes(value);
            if (size && in_range(static_cast<std::int64_t>(*size), key.allowed)) return {};
            return bad_value(key, value,
                             fmt::format("must be a size such as 64MiB, in {} bytes", key.allowed));
        }
        case Duration:
            if (parse_duration(value)) return {};
            return bad_value(key, value, "must be a duration such as 500ms, 30s, 60m, 2h, 7d");
        case Durations:
            for (const auto& part : split(value, ','))
                if (!parse_duration(part))
                    return bad_value(key, value, "must be durations such as 35m,50m");
            return {};
        case Address:
            if (parse_address(value)) return {};
            return bad_value(key, value, "must be HOST:PORT");
        case Url:
            if (value.empty() || value.starts_with("http://") || value.starts_with("https://"))
                return {};
            return bad_value(key, value, "must begin with http:// or https://");
        case Views:
            return check_views(key, value);
    }
    return {};
}

/// What a misspelt key is likely to mean.
std::string closest_key(std::string_view wrong) {
    std::vector<std::string> names;
    for (const auto& key : kKeys) names.emplace_back(key.name);
    return fmt::format("; did you mean {}?", nearest(wrong, names));
}

/// Flattens nested maps to dotted keys; lists to comma-separated text.
Result<void> flatten(const YAML::Node& node, const std::string& prefix,
                     std::vector<std::pair<std::string, std::string>>& out) {
    if (node.IsMap()) {
        for (const auto& entry : node) {
            const auto name = entry.first.as<std::string>();
            VITALOG_CHECK(flatten(entry.second, prefix.empty() ? name : prefix + "." + name, out));
        }
        return {};
    }
    std::string text;
    if (node.IsSequence()) {
        for (const auto& item : node) {
            if (!item.IsScalar())
                return fail(Errc::Configuration, prefix + ": a list may hold plain values only");
            text += (text.empty() ? "" : ",") + item.Scalar();
        }
    } else if (node.IsScalar()) {
        text = node.Scalar();
    }
    out.emplace_back(prefix, text);
    return {};
}

Result<std::vector<std::pair<std::string, std::string>>> read_file(const std::string& path) {
    std::vector<std::pair<std::string, std::string>> values;
    try {
        const YAML::Node root = YAML::LoadFile(path);
        if (!root.IsNull() && !root.IsMap())
            return fail(Errc::Configuration,
                        path + ": must hold keys such as \"site.zone: Asia/Shanghai\"");
        if (root.IsMap()) VITALOG_CHECK(flatten(root, "", values));
    } catch (const YAML::BadFile&) {
        return fail(Errc::Configuration,
                    path + ": can't be read; check the path given with --config");
    } catch (const YAML::Exception& problem) {
        return fail(Errc::Configuration,
                    fmt::format("{}:{}: {}", path, problem.mark.line + 1, problem.msg));
    }
    return values;
}

bool is_topic_key(std::string_view key) {
    if (!key.starts_with("topics.")) return false;
    const std::size_t last = key.rfind('.');
    const std::string_view what = key.substr(last + 1);
    if (what != "name" && what != "partitions" && what != "retention") return false;
    return last > 7 && schemas::topic_named(key.substr(7, last - 7)).has_value();
}

Result<void> check_topic_key(std::string_view key, const std::string& value,
                             std::string_view source) {
    const auto number = parse_number(value);
    if (key.ends_with(".partitions") && (!number || *number < 1 || *number > 1024))
        return fail(
            Errc::Configuration,
            fmt::format("{}: {} = '{}': must be a whole number in 1..1024", source, key, value));
    if (key.ends_with(".retention") && !parse_duration(value))
        return fail(Errc::Configuration,
                    fmt::format("{}: {} = '{}': must be a duration such as 30d; 0s keeps for ever",
                                source, key, value));
    if (key.ends_with(".name") && value.empty())
        return fail(Errc::Configuration, fmt::format("{}: {}: must name the topic", source, key));
    return {};
}

}  // namespace

std::span<const ConfigKey> config_keys() {
    return kKeys;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kUnits{
        {{"TiB", 1ULL << 40},
         {"GiB", 1ULL << 30},
         {"MiB", 1ULL << 20},
         {"KiB", 1ULL << 10},
         {"B", 1}}};
    std::uint64_t unit = 1;
    for (const auto& [name, size] : kUnits) {
        if (!text.ends_with(name)) continue;
        unit = size;
        text.remove_suffix(name.size());
        break;
    }
    VITALOG_TRY(const std::int64_t number, parse_number(text));
    if (number < 0 || static_cast<std::uint64_t>(number) > INT64_MAX / unit)
        return fail(Errc::OutOfRange, "too large");
    return static_cast<std::uint64_t>(number) * unit;
}

Result<void> Config::set(std::string key, std::string value, std::string source) {
    const ConfigKey* known = find_key(key);
    const bool is_list = known != nullptr && (known->kind == List || known->kind == Durations);
    if (is_list && value.starts_with('[') && value.ends_with(']'))
        value = value.substr(1, value.size() - 2);
    if (known == nullptr && !is_topic_key(key))
        return fail(Errc::Configuration,
                    fmt::format("{}: there is no key '{}'{}; `vitalog config show` lists all",
                                source, key, closest_key(key)));
    if (known == nullptr) VITALOG_CHECK(check_topic_key(key, value, source));
    if (known != nullptr) {
        auto checked = check(*known, value);
        if (!checked) return fail(Errc::Configuration, source + ": " + checked.error().message());
    }
    values_.insert_or_assign(std::move(key), Value{std::move(value), std::move(source)});
    return {};
}

Result<Config> Config::load(const Sources& sources) {
    Config config;
    for (const auto& key : kKeys)
        config.values_.emplace(key.name, Value{std::string(key.otherwise), "default"});
    if (!sources.file.empty()) {
        VITALOG_TRY(const auto values, read_file(sources.file));
        for (const auto& [key, value] : values) VITALOG_CHECK(config.set(key, value, sources.file));
    }
    for (const auto& [variable, value] : sources.environment) {
        VITALOG_TRY(const std::string key, key_of_variable(variable));
        if (!key.empty()) VITALOG_CHECK(config.set(key, value, variable));
    }
    for (const auto& [key, value] : sources.flags) VITALOG_CHECK(config.set(key, value, "flag"));
    if (!schemas::topic_named(config.text("mllp.feed")) ||
        !schemas::info(*schemas::topic_named(config.text("mllp.feed"))).feed)
        return fail(
            Errc::Configuration,
            fmt::format(
                "mllp.feed = '{}': must be a feed topic such as feed.his, feed.lis or feed.pacs",
                config.text("mllp.feed")));
    const auto plans = channel_plans(config);
    const bool served = std::any_of(plans.begin(), plans.end(),
                                    [](const ChannelPlan& plan) { return plan.served; });
    if (config.text("notify.mode") == "live" && !served)
        return fail(Errc::Configuration, fmt::format("notify.mode = 'live' needs notify.{}.url and "
                                                     "its secrets in the environment, or another "
                                                     "channel, or notify.sms.gateway = external",
                                                     config.text("notify.sms.provider")));
    if (config.text("views.store") == "sqlite" && config.number("views.workers") > 1)
        return fail(Errc::Configuration,
                    fmt::format("views.workers = '{}': a SQLite file has one writer; use 1, or "
                                "views.store = postgresql://...",
                                config.text("views.workers")));
    return config;
}

std::string_view Config::text(std::string_view key) const {
    const auto found = values_.find(key);
    VITALOG_ASSERT(found != values_.end(), "a configuration key that does not exist");
    return found->second.text;
}

std::int64_t Config::number(std::string_view key) const {
    return *parse_number(text(key));
}
std::uint64_t Config::bytes(std::string_view key) const {
    return *parse_bytes(text(key));
}
std::chrono::microseconds Config::duration(std::string_view key) const {
    return *parse_duration(text(key));
}
std::vector<std::string> Config::list(std::string_view key) const {
    return split(text(key), ',');
}
std::pair<std::string, std::uint16_t> Config::address(std::string_view key) const {
    return *parse_address(text(key));
}

std::string Config::show() const {
    std::string out;
    for (const auto& [key, value] : values_)
        out += fmt::format("{} = {}  # {}\n", key, value.text, value.source);
    return out;
}

schemas::Settings Config::processor_settings() const {
    schemas::Settings settings;
    for (const auto& key : kKeys)
        if (key.for_processors) settings.set(std::string(key.name), std::string(text(key.name)));
    if (text("notify.mode") == "live") {
        std::string served;
        for (const ChannelPlan& plan : channel_plans(*this))
            if (plan.served) served += (served.empty() ? "" : ",") + plan.channel;
        settings.set("notify.channels", served);
    }
    return settings;
}

std::optional<std::string> Config::topic_setting(std::string_view topic,
                                                 std::string_view what) const {
    const auto found = values_.find(fmt::format("topics.{}.{}", topic, what));
    if (found == values_.end()) return std::nullopt;
    return found->second.text;
}

std::string sample_config() {
    std::string out =
        "# Vitalog configuration. Every key, with its default. Precedence: flag (--set key=value), "
        "then environment\n"
        "# (VITALOG_ and the key in capitals, dots as underscores), then this file, then the "
        "default.\n"
        "# Secrets are read from the environment or secrets.file only: VITALOG_ALIYUN_KEY_ID, "
        "VITALOG_ALIYUN_KEY_SECRET,\n"
        "# VITALOG_TENCENT_SECRET_ID, VITALOG_TENCENT_SECRET_KEY, VITALOG_WECHAT_APPID, "
        "VITALOG_WECHAT_SECRET,\n"
        "# VITALOG_WECHAT_TOKEN, VITALOG_WECOM_ROBOTS (NAME=KEY,NAME=KEY), VITALOG_KAFKA_PASSWORD.\n"
        "# A topic can be renamed or sized by topics.NAME.name, topics.NAME.partitions, "
        "topics.NAME.retention.\n";
    for (const auto& key : kKeys) {
        out += fmt::format("\n# {}{}.\n", key.meaning,
                           key.allowed.empty() ? "" : fmt::format(" ({})", key.allowed));
        const bool quoted = key.otherwise.empty();
        out += fmt::format("{}: {}\n", key.name, quoted ? "\"\"" : key.otherwise);
    }
    return out;
}

}  // namespace vitalog::topology
