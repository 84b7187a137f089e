#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "topology/log/kafka/client.h"

namespace vitalog::topology::kafka {

struct Delivered;

/// One message on its way.
struct Delivery {
    Delivered* round = nullptr;
    Offset offset{-1};  ///< once it is replicated
};

/// The messages of one round and where they went. The producer's delivery reports fill it: it stays
/// where it is until settle().
struct Delivered {
    std::deque<Delivery> messages;          ///< in the order of send()
    std::map<TopicPartition, Offset> ends;  ///< behind the last message of each partition
    std::size_t missing = 0;                ///< messages whose report has not come
    std::optional<Error> error;             ///< of the first that failed
};

/// A record's time in a cluster, ms since 1970: librdkafka takes 0 for the time of sending.
inline std::int64_t sent_time(LogTime time) {
    return std::max<std::int64_t>(time.millis(), 1);
}

/// A message to be produced to one partition.
struct Message {
    LogTime timestamp;
    std::string_view key;
    std::string_view headers;               ///< encoded, see Headers
    std::optional<std::string_view> value;  ///< nullopt: a tombstone
};

/// An idempotent producer, transactional when it has a name. Used by one thread.
class Producer {
  public:
    struct Options {
        Properties properties;
        std::string transactional_id;     ///< empty: no transactions
        std::vector<std::string> topics;  ///< those that it will write to
        std::chrono::milliseconds timeout{
            30'000};  ///< for a message to be delivered, for a transaction to end
        std::size_t message_bytes_max = std::size_t{64} << 20;
    };
    /// With transactions: fences whoever had the name before, and ends what they left open. Io.
    static Result<std::unique_ptr<Producer>> open(Options options);

    /// Hands a message to the client; what becomes of it is told to `delivered`, which lives until
    /// settle().
    Result<void> send(const TopicPartition& tp, const Message& message, Delivered& delivered);
    /// Waits until every message has its report.
    Result<void> settle(Delivered& delivered);

    rd_kafka_t* client() const { return client_.get(); }
    std::chrono::milliseconds timeout() const { return options_.timeout; }

  private:
    explicit Producer(Options options) : options_(std::move(options)) {}
    static void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);

    Result<void> warm_up();

    const Options options_;
    Handle client_;
    std::vector<Topic> topics_;
};

}  // namespace vitalog::topology::kafka
