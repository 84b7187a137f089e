#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "ingest/http/metrics.h"
#include "schemas/json.h"
#include "sinks/views/view_reader.h"
#include "topology/log/log.h"
#include "topology/operator/alarm_book.h"
#include "topology/operator/publish_api.h"

namespace vitalog::topology {

/// GET /admin/status: the numbers of one screen. Counts named *_since_start begin with the process;
/// tasks and alerts are as the views show them. Thread-safe.
class StatusApi {
  public:
    struct Sources {
        const Log& log;
        std::filesystem::path data_dir;
        ingest::MetricsRegistry& metrics;
        const sinks::views::ViewReader& views;
        std::function<std::map<std::string, Alarm>()> alarms;
        std::uint64_t disk_reserve = 0;
        std::string version;
    };
    StatusApi(OperatorPorts ports, Sources sources)
        : ports_(std::move(ports)), sources_(std::move(sources)) {}
    void register_routes(Router& router);

  private:
    Result<HttpResponse> status() const;
    Result<std::int64_t> tasks(std::vector<std::string> states, bool overdue) const;
    Result<std::int64_t> alerts(std::string_view priority) const;
    Result<std::int64_t> dead_letters() const;
    void write_sends(schemas::JsonWriter& json) const;
    void write_alarms(schemas::JsonWriter& json) const;
    std::int64_t counted(std::string_view metric, const Metrics::Labels& labels) const;

    const OperatorPorts ports_;
    const Sources sources_;
};

}  // namespace vitalog::topology
