#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "topology/log/kafka/activity.h"
#include "topology/log/kafka/client.h"
#include "topology/log/kafka/holdings.h"
#include "topology/log/kafka/lease.h"

namespace vitalog::topology::kafka {

/// The generation in a consumer's metadata, which librdkafka has no name for: found in what it
/// writes, and believed where metadata made with that number writes the same. nullopt: not known.
std::optional<std::int32_t> generation_in(const rd_kafka_consumer_group_metadata_t& metadata,
                                          const std::string& group, const std::string& member,
                                          const std::string& instance);

/// A process's membership in the consumer group of one stage: which partitions of its inputs are
/// its own, and the proof of it that fences commits (KIP-447). Reads nothing itself. Static, so
/// that a restart within the session's time-out moves nothing. Thread-safe.
class Membership {
  public:
    struct Options {
        Properties properties;
        std::string group;
        std::string instance;  ///< this member, whatever its process: group.instance.id
        std::vector<std::string> topics;
        std::chrono::milliseconds session{
            10'000};          ///< without a heartbeat for so long, others take over
        bool leased = false;  ///< duty() is asked for
    };
    static Result<std::unique_ptr<Membership>> join(Options options, Activity& activity);
    ~Membership();

    const std::string& group() const { return options_.group; }
    /// Whose the partition is. While partitions are moved, nobody knows: what is ours may become
    /// ours again.
    Ownership ownership(const TopicPartition& tp) const;
    /// Counts up each time that the partition comes to us from others; 0 while it is not ours. What
    /// began under another number has to be dropped.
    std::uint64_t holding(const TopicPartition& tp) const;
    /// The same as a duty: not sure while partitions are moved, and where the group has not said
    /// for half a session that we are a member.
    Duty duty(const TopicPartition& tp) const;
    /// For send_offsets_to_transaction: of the generation that what is held was assigned in, and
    /// not of the next one, which the consumer is in before it says what moved. Null before the
    /// first.
    using Metadata = std::shared_ptr<rd_kafka_consumer_group_metadata_t>;
    Metadata metadata() const {
        const std::lock_guard lock(mutex_);
        return metadata_;
    }

  private:
    Membership(Options options, Activity& activity)
        : options_(std::move(options)), activity_(activity), lease_(options_.session) {}
    static void on_rebalance(rd_kafka_t* consumer, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t* list, void* self);
    static void on_answer(rd_kafka_t* consumer, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t* list, void* self);
    void assigned(rd_kafka_t* consumer, const rd_kafka_topic_partition_list_t& list);
    void revoked(bool lost);
    Result<void> enter();
    void enter_again(bool later);
    bool fenced();
    void poll();
    void renew();

    const Options options_;
    Activity& activity_;
    Handle consumer_;                                              // its own thread's
    std::optional<std::chrono::steady_clock::time_point> fenced_;  // its own thread's

    mutable std::mutex mutex_;  // guards what follows
    Holdings holdings_;
    Lease lease_;
    Metadata metadata_;

    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace vitalog::topology::kafka
