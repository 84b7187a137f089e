#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "schemas/topic_names.h"
#include "sinks/effects/effect_worker.h"
#include "sinks/effects/provider.h"
#include "sinks/fhir/gateway_api.h"
#include "topology/channel_plan.h"
#include "topology/config.h"
#include "topology/doors.h"

namespace vitalog::topology {

/// Configuration: sending is on, and a channel that this site serves lacks its address or keys.
Result<void> check_senders(const Config& config, const Secrets& secrets);
/// For the gateway's door.
sinks::fhir::GatewayOptions gateway_options(const Config& config,
                                            const schemas::TopicNames& topics);

/// The effect workers of the channels that this site sends by itself: for each its provider, and
/// two lanes, so that messages of priority high do not wait behind others.
class Senders {
  public:
    struct Ports {
        RecordSource& source;
        FeedAppender& feed;
        const Clock& site;
        const Clock& wall;
        Metrics& metrics;
        std::function<Duty()> duty;  ///< topology::Log::duty
    };
    Senders(const Config& config, const Secrets& secrets, const schemas::TopicNames& topics,
            Ports ports);

    void start();
    void stop();
    /// Attempts without a reported outcome.
    std::int64_t lag() const;
    /// Some of them were off duty and do nothing more: others take their place.
    bool withdrawn() const;

  private:
    struct Channel {
        std::unique_ptr<sinks::Provider> provider;
        std::unique_ptr<sinks::SendGate> gate;
        std::vector<std::unique_ptr<sinks::EffectWorker>> lanes;
    };
    std::vector<Channel> channels_;
};

}  // namespace vitalog::topology
