#include "topology/operator/operator.h"

#include "topology/site.h"

namespace vitalog::topology {

Operator::Operator(OperatorPorts ports, Site site, const Config& config)
    : ports_(std::move(ports)),
      site_(site),
      publish_(ports_, {.backtest_required = config.text("rules.backtest") == "required",
                        .load_max = config.number("rules.load_max")}),
      retry_(ports_),
      backup_(ports_, site_.log.embedded(), std::string(program_version())),
      status_(ports_, {site_.log.log(), site_.log.data_dir(), site_.metrics, site_.views,
                       [this] { return alarms(); }, config.bytes("log.disk_reserve"),
                       std::string(program_version())}) {}

void Operator::register_routes(Router& router) {
    publish_.register_routes(router);
    retry_.register_routes(router);
    backup_.register_routes(router);
    status_.register_routes(router);
}

Result<void> Operator::watch(const Config& config, const std::string& views_file,
                             std::function<Duty()> duty) {
    VITALOG_TRY(auto settings, AlarmSettings::from(config));
    std::vector<std::filesystem::path> folders{site_.log.data_dir()};
    if (!views_file.empty()) {
        const auto views = std::filesystem::absolute(views_file).parent_path();
        std::error_code ignored;
        if (!std::filesystem::equivalent(views, folders.front(), ignored)) folders.push_back(views);
    }
    VITALOG_TRY(auto watcher,
                AlarmWatcher::start(std::move(settings),
                                    {site_.log.log(), ports_.flow, ports_.topics, ports_.clock,
                                     site_.metrics, std::move(folders), std::move(duty)}));
    const std::lock_guard lock(mutex_);
    watcher_ = std::move(watcher);
    return {};
}

void Operator::watch_no_more() {
    std::unique_ptr<AlarmWatcher> watcher;
    const std::lock_guard lock(mutex_);
    watcher.swap(watcher_);
}

void Operator::stop() {
    watch_no_more();
    backup_.stop();
}

std::map<std::string, Alarm> Operator::alarms() const {
    const std::lock_guard lock(mutex_);
    return watcher_ ? watcher_->alarms() : std::map<std::string, Alarm>();
}

}  // namespace vitalog::topology
