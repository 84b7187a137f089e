#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "topology/operator/backup.h"
#include "topology/operator/publish_api.h"

namespace vitalog::topology {

/// POST /admin/backup {"to": folder on this machine} begins one and answers 202; GET /admin/backup
/// says how the last one stands. One at a time, on a thread of its own, which stop() cuts short.
/// Thread-safe.
class BackupApi {
  public:
    /// `log` is null on a cluster, which has backups of its own.
    BackupApi(OperatorPorts ports, EmbeddedLog* log, std::string version)
        : ports_(std::move(ports)),
          log_(log),
          version_(std::move(version)),
          audit_(ports_.log, ports_.clock, ports_.topics) {}
    ~BackupApi();
    void register_routes(Router& router);
    /// Gives up what runs, which then leaves no manifest, and takes no more.
    void stop();

  private:
    enum class State : std::uint8_t { None, Running, Done, Failed };
    HttpResponse stand() const;
    HttpResponse stand_locked() const;
    void begin(const HttpRequest& request, const Respond& respond);
    void work(const std::string& to);

    const OperatorPorts ports_;
    EmbeddedLog* const log_;
    const std::string version_;
    const sinks::fhir::Audit audit_;

    std::atomic<bool> stopping_{false};

    mutable std::mutex mutex_;  // guards what follows
    State state_ = State::None;
    std::string to_;
    std::string error_;
    BackupManifest manifest_;
    std::thread thread_;
};

}  // namespace vitalog::topology
