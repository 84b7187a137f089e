#include "topology/cli/load_config.h"

#include "topology/doors.h"
#include "topology/site_log.h"

namespace vitalog::topology::cli {

std::vector<std::string_view> config_flags(std::vector<std::string_view> more) {
    more.insert(more.end(), {"--config", "--set", "--mllp", "--http", "--clock"});
    return more;
}

namespace {

Result<Config::Sources> sources_of(const Arguments& arguments) {
    Config::Sources sources;
    sources.file = arguments.value_or("--config", "");
    sources.environment = environment();
    for (const auto& setting : arguments.all("--set")) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos)
            return fail(Errc::Configuration, "--set " + setting + ": write --set key=value");
        sources.flags.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
    }
    for (const auto& [flag, key] : {std::pair("--mllp", "mllp.listen"), std::pair("--http", "http.listen"), std::pair("--clock", "clock")})
        if (const auto value = arguments.value(flag)) sources.flags.emplace_back(key, *value);
    return sources;
}

}  // namespace

Result<Config> load_config(const Arguments& arguments) {
    VITALOG_TRY(const auto sources, sources_of(arguments));
    return Config::load(sources);
}

Result<Config> load_config_of_log(const Arguments& arguments) {
    VITALOG_TRY(auto sources, sources_of(arguments));
    VITALOG_TRY(auto config, Config::load(sources));
    if (arguments.value("--data-dir") || config.text("log.brokers").empty()) return config;
    sources.flags.emplace_back("log.kind", "kafka");
    return Config::load(sources);
}

Result<std::unique_ptr<Log>> open_log_to_read(const Config& config, const schemas::TopicNames& names,
                                              const std::string& data_dir) {
    VITALOG_TRY(const auto secrets, Secrets::read(environment(), config.text("secrets.file")));
    VITALOG_CHECK(check_log(config, secrets.kafka_password));
    return SiteLog::open_to_read(config, names, {data_dir, secrets.kafka_password, nullptr, nullptr, {}});
}

}  // namespace vitalog::topology::cli
