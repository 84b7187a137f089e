#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/mllp/admission.h"
#include "tests/support/no_metrics.h"
#include "topology/clock.h"
#include "topology/config.h"
#include "topology/log/memory_log.h"
#include "topology/runtime/runtime.h"

namespace vitalog::tests {

/// A record of an output topic, owned.
struct Seen {
    schemas::Topic topic = schemas::Topic::Alert;
    std::uint32_t partition = 0;
    std::string key;
    std::string id;
    std::string type;
    std::string value;
    std::string reason;  ///< dead letters: why, who refused it, from where, what is at fault
    std::string stage;
    std::string source;
    std::string at;

    friend bool operator==(const Seen&, const Seen&) = default;
};

/// Every stage of the topology over a log in memory and a clock set by hand, stepped in the
/// caller's thread: the site as `vitalog run` wires it, without sockets, SQL and threads. HL7 comes
/// in by the listener's own rules of acceptance.
class ScenarioSite {
  public:
    using Settings = std::map<std::string, std::string>;

    /// Publishes the built-in pack and the settings, and waits until they stand everywhere.
    static Result<std::unique_ptr<ScenarioSite>> open(const Settings& settings,
                                                      std::uint32_t partitions, ReceivedTime now);

    /// What a restart with other settings would publish.
    Result<void> use_settings(const Settings& settings);
    Result<void> publish(std::string kind, std::string name, std::string body);
    /// A message as the MLLP listener gets it; gives the code of the answer (AA, AE, AR).
    Result<std::string> receive_hl7(std::string_view bytes);
    Result<void> append(schemas::Topic topic, std::string key, std::string value,
                        std::string_view format);

    /// Brings the clock to `at`, by way of every timer that is due until then; `after_each` is
    /// called when all that a timer brought has settled.
    Result<void> move_clock(ReceivedTime at, const std::function<Result<void>()>& after_each);
    /// Steps until nothing is left to do.
    Result<void> settle();
    /// At most so many steps of every shard.
    Result<void> step(int times);
    /// kill -9 and a start: what was not durable is gone, and every shard recovers.
    Result<void> crash();

    /// Output records since the last call, by topic and partition.
    Result<std::vector<Seen>> news();
    /// Every output record there is.
    Result<std::vector<Seen>> everything() const;

  private:
    ScenarioSite(ingest::hl7::SiteZone zone, schemas::TopicNames topics,
                 std::vector<topology::TopicConfig> configs);
    Result<void> start();
    Result<AppendReceipt> append(FeedRecord record);
    Result<void> read(std::map<TopicPartition, Offset>& from, std::vector<Seen>& out) const;
    std::optional<ReceivedTime> next_due() const;

    schemas::TopicNames topics_;
    topology::MemoryLog log_;
    topology::ManualClock clock_;
    NoMetrics metrics_;
    std::unique_ptr<topology::Runtime> runtime_;

    ingest::hl7::SiteZone zone_;
    ingest::hl7::ControlIds ids_{1};
    ingest::mllp::EndpointSettings endpoint_;
    std::map<TopicPartition, Offset> seen_;
};

}  // namespace vitalog::tests
