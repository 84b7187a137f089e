#include "topology/doors.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/time.h"

namespace vitalog::topology {

Secrets Secrets::from(const std::map<std::string, std::string>& environment) {
    const auto value = [&](const char* name) {
        const auto found = environment.find(name);
        return found == environment.end() ? std::string() : found->second;
    };
    return {value("VITALOG_ALIYUN_KEY_ID"), value("VITALOG_ALIYUN_KEY_SECRET")};
}

Result<std::vector<ingest::HttpToken>> read_tokens(const Config& config) {
    std::vector<ingest::HttpToken> tokens;
    const std::string path(config.text("auth.tokens"));
    if (path.empty()) return tokens;
    try {
        for (const auto& node : YAML::LoadFile(path)) {
            ingest::HttpToken token{node["token"].as<std::string>(), node["user"].as<std::string>(),
                                    node["role"].as<std::string>(), {}};
            if (node["teams"]) token.teams = node["teams"].as<std::vector<std::string>>();
            tokens.push_back(std::move(token));
        }
    } catch (const YAML::Exception& problem) {
        return fail(Errc::Configuration,
                    fmt::format("auth.tokens = '{}': line {}: {}; write a list of {{token, user, role, teams}}", path,
                                problem.mark.line + 1, problem.msg));
    }
    if (tokens.empty()) return fail(Errc::Configuration, fmt::format("auth.tokens = '{}': holds no token", path));
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

Result<void> check_doors(const Config& config, const Secrets& secrets) {
    VITALOG_CHECK(read_tokens(config));
    VITALOG_CHECK(ingest::hl7::SiteZone::named(config.text("site.zone")));
    VITALOG_CHECK(ingest::hl7::charset_setting(config.text("hl7.charset")));
    if (config.text("notify.mode") == "live") VITALOG_CHECK(sinks::check(aliyun_config(config, secrets)));
    return {};
}

}  // namespace vitalog::topology
