#pragma once

#include <functional>
#include <string>

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "topology/clock.h"
#include "topology/flow.h"
#include "topology/log/log.h"

namespace vitalog::topology {

/// GET /healthz, /lag, /topics, /topics/{topic}/{partition}; POST /admin/clock. Borrows what it is given.
class AdminApi {
  public:
    struct Ports {
        Log& log;
        Flow& flow;
        const schemas::TopicNames& topics;
        const Clock& clock;
        ManualClock* manual_clock = nullptr;  ///< null: time can't be set
    };
    /// Refuses a request whose caller lacks the role; nullopt lets it pass.
    using Guard = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

    AdminApi(Ports ports, Guard operators_only)
        : ports_(ports), guard_(std::move(operators_only)), audit_(ports.log, ports.clock, ports.topics) {}
    void register_routes(Router& router);

    enum class Status : std::uint8_t { Starting, Ready, Stopping, Failed };
    void set_status(Status status, std::string reason = {});

  private:
    HttpResponse health() const;
    HttpResponse lag() const;
    HttpResponse topics() const;
    void answer_records(const HttpRequest& request, const Respond& respond) const;
    HttpResponse records(const HttpRequest& request, std::int64_t& count) const;
    HttpResponse set_clock(const HttpRequest& request);

    Ports ports_;
    Guard guard_;
    const sinks::fhir::Audit audit_;
    mutable std::mutex mutex_;
    Status status_ = Status::Starting;  // guarded by mutex_
    std::string reason_;                // guarded by mutex_
};

/// One record as GET /topics/{topic}/{partition} and `vitalog topic` show it, without line end.
std::string record_line(const TopicPartition& tp, const RecordView& record);

}  // namespace vitalog::topology
