#pragma once

#include <memory>

#include "ingest/http/metrics.h"
#include "sinks/views/view_reader.h"
#include "topology/config.h"
#include "topology/operator/alarm_watcher.h"
#include "topology/operator/backup_api.h"
#include "topology/operator/publish_api.h"
#include "topology/operator/retry_api.h"
#include "topology/operator/status_api.h"
#include "topology/site_log.h"

namespace vitalog::topology {

/// Everything an operator has of a running site: its doors below /admin/, and the watcher that
/// raises alarms. Outlives the HTTP server's requests; owned by the site.
class Operator {
  public:
    struct Site {
        const SiteLog& log;
        ingest::MetricsRegistry& metrics;
        const sinks::views::ViewReader& views;
    };
    Operator(OperatorPorts ports, Site site, const Config& config);

    void register_routes(Router& router);
    /// Begins to watch, for as long as the duty's turn is that of now; before, no alarm stands.
    /// `views_file`: empty where there is none.
    Result<void> watch(const Config& config, const std::string& views_file,
                       std::function<Duty()> duty);

    /// Alarms stand no more: another process watches.
    void watch_no_more();
    /// Watches no more, gives a backup up. The log must still be open.
    void stop();

  private:
    std::map<std::string, Alarm> alarms() const;

    const OperatorPorts ports_;
    const Site site_;
    PublishApi publish_;
    RetryApi retry_;
    BackupApi backup_;
    StatusApi status_;

    mutable std::mutex mutex_;
    std::unique_ptr<AlarmWatcher> watcher_;  // set once, guarded by mutex_
};

}  // namespace vitalog::topology
