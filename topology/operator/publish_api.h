#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "schemas/base/ports.h"
#include "sinks/fhir/audit.h"
#include "topology/flow.h"
#include "topology/publication.h"

namespace vitalog::topology {

/// What the operator's doors share. All of it outlives them.
struct OperatorPorts {
    Log& log;
    Flow& flow;
    const schemas::TopicNames& topics;
    const Clock& clock;
    /// Refuses a request whose caller lacks the role; nullopt lets it pass.
    std::function<std::optional<HttpResponse>(const HttpRequest&)> guard;
};

/// GET /admin/publications (?kind= of one kind, &bodies=yes with the texts), POST /admin/publish and /admin/rollback: tables, rules and templates at
/// run time. What is published is checked together with everything in force, by the processors that
/// will use it, before it is appended; the answer comes when it is in force everywhere.
/// Thread-safe.
class PublishApi {
  public:
    /// What a rule pack must have behind it: rules.backtest, rules.load_max.
    struct RulePolicy {
        bool backtest_required = false;
        std::int64_t load_max = 0;  ///< tasks of one doctor in one shift; 0: no limit
    };
    PublishApi(OperatorPorts ports, RulePolicy policy)
        : ports_(std::move(ports)),
          policy_(policy),
          audit_(ports_.log, ports_.clock, ports_.topics) {}
    void register_routes(Router& router);

  private:
    HttpResponse list(const HttpRequest& request) const;
    void publish(const HttpRequest& request, const Respond& respond);
    void roll_back(const HttpRequest& request, const Respond& respond);
    Result<void> check_rules(const HttpRequest& request, std::vector<Publication>& files,
                             const std::vector<Published>& history) const;
    void put_in_force(const HttpRequest& request, const std::vector<Published>& history,
                      std::vector<Publication> changes, const Respond& respond);

    const OperatorPorts ports_;
    const RulePolicy policy_;
    const sinks::fhir::Audit audit_;
    std::mutex mutex_;  // one publication at a time: each is checked against what stands
};

/// What takes the place of the version in force: the one asked for, else the one before it; a
/// retirement where there was none. NotFound when nothing of that name, or no such version, was
/// ever published.
Result<Publication> earlier_publication(const std::vector<Published>& history,
                                        std::string_view kind, std::string_view name,
                                        std::string_view version);

}  // namespace vitalog::topology
