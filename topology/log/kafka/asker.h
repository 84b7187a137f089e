#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "topology/log/kafka/client.h"

namespace vitalog::topology::kafka {

/// Asks the cluster, by a client that sees what transactions have not committed yet. That client is
/// made anew where librdkafka 2.0.2 does not find back by itself: as long as it is asked about a
/// group it remembers the group's coordinator, also one that answers that it is another now.
/// Thread-safe.
class Asker {
  public:
    /// Of the client; a consumer's.
    explicit Asker(Properties properties) : properties_(std::move(properties)) {}

    /// The client at the moment. It stays for whoever holds it.
    using Client = std::shared_ptr<rd_kafka_t>;
    Result<Client> client();

    /// An admin call about one group.
    struct GroupQuestion {
        rd_kafka_event_type_t answer;
        rd_kafka_admin_op_t op;
        std::string what;  ///< for errors: "cannot read ..."
        std::function<void(rd_kafka_t*, rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)> call;
        std::function<rd_kafka_resp_err_t(rd_kafka_event_t*)>
            error_of;  ///< what it says of the group
    };
    struct Answer {
        Client asked;  // before the event, which needs it
        Event event;
    };
    /// nullopt while the group or its coordinator is between two states.
    Result<std::optional<Answer>> ask(const GroupQuestion& question);

  private:
    void drop(const Client& used);

    const Properties properties_;
    std::mutex mutex_;  // guards what follows
    Client client_;
    std::chrono::steady_clock::time_point made_;
};

}  // namespace vitalog::topology::kafka
