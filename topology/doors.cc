#include "topology/doors.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/time.h"
#include "topology/environment.h"
#include "topology/operator/alarm_rules.h"
#include "topology/senders.h"
#include "topology/site_log.h"

namespace vitalog::topology {

namespace {

constexpr const char* kRobots = "VITALOG_WECOM_ROBOTS";

Result<std::map<std::string, std::string>> read_robots(std::string_view text) {
    std::map<std::string, std::string> robots;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view part = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        const std::size_t equals = part.find('=');
        const bool whole =
            equals != std::string_view::npos && equals > 0 && equals + 1 < part.size();
        if (!whole || part.substr(0, equals).find('|') != std::string_view::npos)
            return fail(Errc::Configuration,
                        fmt::format("{}: write NAME=KEY,NAME=KEY, a name without '|'", kRobots));
        robots.emplace(part.substr(0, equals), part.substr(equals + 1));
    }
    return robots;
}

}  // namespace

Result<Secrets> Secrets::read(const std::map<std::string, std::string>& environment,
                              std::string_view path) {
    std::map<std::string, std::string> known;
    try {
        if (!path.empty())
            for (const auto& entry : YAML::LoadFile(std::string(path))) {
                const auto name = entry.first.as<std::string>();
                if (const auto good = check_secret_name(name); !good)
                    return fail(Errc::Configuration,
                                fmt::format("secrets.file = '{}': line {}: {}", path,
                                            entry.first.Mark().line + 1, good.error().message()));
                known[name] = entry.second.as<std::string>();
            }
    } catch (const YAML::Exception& problem) {
        return fail(Errc::Configuration,
                    fmt::format("secrets.file = '{}': line {}: {}; write NAME: VALUE lines", path,
                                problem.mark.line + 1, problem.msg));
    }
    for (const auto& [name, value] : environment) known[name] = value;
    Secrets secrets;
    secrets.aliyun_key_id = known["VITALOG_ALIYUN_KEY_ID"];
    secrets.aliyun_key_secret = known["VITALOG_ALIYUN_KEY_SECRET"];
    secrets.tencent_secret_id = known["VITALOG_TENCENT_SECRET_ID"];
    secrets.tencent_secret_key = known["VITALOG_TENCENT_SECRET_KEY"];
    secrets.wechat_appid = known["VITALOG_WECHAT_APPID"];
    secrets.wechat_secret = known["VITALOG_WECHAT_SECRET"];
    secrets.wechat_token = known["VITALOG_WECHAT_TOKEN"];
    secrets.kafka_password = known["VITALOG_KAFKA_PASSWORD"];
    VITALOG_TRY(secrets.wecom_robots, read_robots(known[kRobots]));
    return secrets;
}

Result<std::vector<ingest::HttpToken>> read_tokens(const Config& config) {
    std::vector<ingest::HttpToken> tokens;
    const std::string path(config.text("auth.tokens"));
    if (path.empty()) return tokens;
    try {
        for (const auto& node : YAML::LoadFile(path)) {
            ingest::HttpToken token{node["token"].as<std::string>(),
                                    node["user"].as<std::string>(),
                                    node["role"].as<std::string>(),
                                    {}};
            if (node["teams"]) token.teams = node["teams"].as<std::vector<std::string>>();
            tokens.push_back(std::move(token));
        }
    } catch (const YAML::Exception& problem) {
        return fail(
            Errc::Configuration,
            fmt::format(
                "auth.tokens = '{}': line {}: {}; write a list of {{token, user, role, teams}}",
                path, problem.mark.line + 1, problem.msg));
    }
    if (tokens.empty())
        return fail(Errc::Configuration, fmt::format("auth.tokens = '{}': holds no token", path));
    VITALOG_CHECK(ingest::check_tokens(tokens));
    return tokens;
}

sinks::AliyunConfig aliyun_config(const Config& config, const Secrets& secrets) {
    sinks::AliyunConfig aliyun;
    aliyun.url = config.text("notify.aliyun.url");
    aliyun.sign = config.text("notify.aliyun.sign");
    aliyun.key_id = secrets.aliyun_key_id;
    aliyun.key_secret = secrets.aliyun_key_secret;
    return aliyun;
}

ingest::mllp::ListenerTls mllp_tls(const Config& config) {
    return {std::string(config.text("mllp.tls.certificate")),
            std::string(config.text("mllp.tls.key")),
            std::string(config.text("mllp.tls.client_ca"))};
}

Result<void> check_doors(const Config& config, const Secrets& secrets) {
    VITALOG_CHECK(check_log(config, secrets.kafka_password));
    VITALOG_CHECK(read_tokens(config));
    VITALOG_CHECK(AlarmSettings::from(config));
    VITALOG_CHECK(ingest::hl7::SiteZone::named(config.text("site.zone")));
    VITALOG_CHECK(ingest::hl7::charset_setting(config.text("hl7.charset")));
    VITALOG_CHECK(ingest::mllp::check(mllp_tls(config)));
    return check_senders(config, secrets);
}

}  // namespace vitalog::topology
