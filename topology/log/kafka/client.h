#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/record.h"
#include "schemas/base/result.h"

// librdkafka as the Kafka log uses it. For the source files of topology/log/kafka only.

namespace vitalog::topology::kafka {

/// No call to the cluster waits longer.
inline constexpr std::chrono::milliseconds kCallLimit{20'000};

template <auto Destroy>
struct DestroyedBy {
    template <class T>
    void operator()(T* object) const {
        Destroy(object);
    }
};
using Handle = std::unique_ptr<rd_kafka_t, DestroyedBy<rd_kafka_destroy>>;
using Topic = std::unique_ptr<rd_kafka_topic_t, DestroyedBy<rd_kafka_topic_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, DestroyedBy<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, DestroyedBy<rd_kafka_event_destroy>>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   DestroyedBy<rd_kafka_topic_partition_list_destroy>>;
using Failure = std::unique_ptr<rd_kafka_error_t, DestroyedBy<rd_kafka_error_destroy>>;

/// librdkafka's properties by name, as in its CONFIGURATION.md.
using Properties = std::map<std::string, std::string>;

/// What becomes of one message that was produced: its partition and offset, or why it was not
/// taken. Called from rd_kafka_poll and rd_kafka_flush of the producer. `opaque` is the message's.
using OnDelivery = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);
using OnRebalance = void (*)(rd_kafka_t*, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*,
                             void*);

struct ClientCallbacks {
    OnDelivery delivered = nullptr;
    OnRebalance rebalanced = nullptr;
    OnRebalance committed = nullptr;  ///< what became of a consumer's rd_kafka_commit
    void* opaque = nullptr;
};

/// A producer or consumer. Its log lines and errors go to log_line. Configuration, naming the
/// property, when one is unknown or wrong.
Result<Handle> make_client(rd_kafka_type_t type, const Properties& properties,
                           ClientCallbacks callbacks = {});

/// NotFound for unknown topics and partitions, Forbidden where the ACLs refuse, OutOfRange for an
/// offset that is gone, TooLarge for a record beyond the broker's limit, Configuration for
/// authentication; Io for the rest.
Error to_error(rd_kafka_resp_err_t code, std::string_view what);
/// For a start that did not reach any broker: why it was refused, where that was it. Later the last
/// refusal may be an old one.
Error out_of_reach(rd_kafka_resp_err_t code);
/// The cluster is between two states: the same call is right a moment later. What a topic that was
/// just made gives too.
bool passing(rd_kafka_resp_err_t code);
/// Calls until it gives something that is not passing, kCallLimit at most. Gives the last. Between
/// the calls the client learns anew who leads the partitions of the topics: where it reads none of
/// a topic, it remembers a leader for minutes.
rd_kafka_resp_err_t until_settled(rd_kafka_t* client, const std::set<std::string>& topics,
                                  const std::function<rd_kafka_resp_err_t()>& call);
/// Lets a moment pass between two calls of a loop that ends by itself, within kCallLimit as a rule.
void rest(std::chrono::milliseconds time);
/// Takes what a call gave; no error for null.
Result<void> check(rd_kafka_error_t* failure, std::string_view what);

/// Adds a partition to a list, and reads one back.
rd_kafka_topic_partition_t* add_partition(rd_kafka_topic_partition_list_t& list,
                                          const TopicPartition& tp);
TopicPartition partition_in(const rd_kafka_topic_partition_t& entry);

/// Where a partition begins and ends for that client: what it may read, by its isolation.level.
struct Watermarks {
    Offset begin;
    Offset end;
};
Result<Watermarks> ask_watermarks(rd_kafka_t* client, const TopicPartition& tp);

/// Our stored form from the message's headers, and back. The caller gives the latter away with the
/// message.
std::string headers_of(const rd_kafka_message_t& message);
rd_kafka_headers_t* to_headers(std::string_view encoded);

/// Runs one admin call and waits for its event: `call` gets the queue on which it comes. Busy while
/// the cluster is between two states; else as to_error.
Result<Event> admin_call(
    rd_kafka_t* client, rd_kafka_event_type_t type, rd_kafka_admin_op_t op, std::string_view what,
    const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& call);

/// The version that is linked, with the work-arounds in force for it: for the log at start.
void log_library_version();

}  // namespace vitalog::topology::kafka
