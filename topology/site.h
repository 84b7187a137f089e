#pragma once

#include <functional>
#include <memory>
#include <string>

#include "schemas/base/result.h"
#include "topology/config.h"
#include "topology/doors.h"
#include "topology/roles.h"

namespace vitalog::topology {

struct SiteOptions {
    std::string data_dir;
    Secrets secrets;
    bool accept_drift = false;
    Roles roles;
};

/// `vitalog run`: the whole topology on one machine, or what a process of several does of it. Opens the log, publishes what differs, starts the shards, the views,
/// the effects and the doors, in this order; stops them in the reverse. Owned by main's thread.
class Site {
  public:
    /// Returns once it listens. `on_failure` is called once, from any thread, when it can't go on.
    static Result<std::unique_ptr<Site>> start(const Config& config, const SiteOptions& options,
                                               std::function<void(Error)> on_failure);
    ~Site();

    /// host:port as bound; MLLP's is empty without the role listeners.
    std::string mllp_address() const;
    std::string http_address() const;
    /// Answers what is in flight, flushes everything. Within ten seconds.
    Result<void> stop();

  private:
    class Impl;
    explicit Site(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Version of this program, as in run.json and `vitalog version`.
std::string_view program_version();

}  // namespace vitalog::topology
