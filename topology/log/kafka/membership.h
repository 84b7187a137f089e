#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "topology/log/kafka/activity.h"
#include "topology/log/kafka/client.h"
#include "topology/log/log.h"

namespace vitalog::topology::kafka {

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
            10'000};  ///< without a heartbeat for so long, others take over
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
    /// This process was not stopped for so long that others may have taken over without its
    /// knowing.
    bool awake() const;
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
        : options_(std::move(options)), activity_(activity) {}
    static void on_rebalance(rd_kafka_t* consumer, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t* list, void* self);
    void assigned(const rd_kafka_topic_partition_list_t& list, Metadata metadata);
    void revoked(bool lost);
    Result<void> enter();
    void enter_again();
    void fenced();
    void poll();

    const Options options_;
    Activity& activity_;
    mutable std::mutex consumer_mutex_;  // guards the next; its own thread reads it without
    Handle consumer_;

    mutable std::mutex mutex_;  // guards what follows
    std::uint64_t number_ = 0;
    std::map<TopicPartition, std::uint64_t> held_;
    std::map<TopicPartition, std::uint64_t>
        before_;  // between a revocation and the next assignment
    Metadata metadata_;
    bool moving_ = true;  // nothing was assigned yet, or anew

    std::atomic<std::int64_t> polled_ns_{0};  // steady clock
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace vitalog::topology::kafka
