#pragma once

#include "topology/log/kafka/client.h"
#include "topology/log/log.h"

namespace vitalog::topology::kafka {

/// A topic as it has to be in the cluster.
struct ClusterTopic {
    std::string name;
    std::uint32_t partitions = 1;
    std::map<std::string, std::string> settings;  ///< topic-level configuration, by Kafka's names
};

struct ClusterSettings {
    int replication = 0;  ///< copies of each partition; 0: three, or as many as there are brokers
    std::size_t message_bytes_max = 0;
};

/// The topics of a site, and one of compacted snapshots for each stage that keeps state.
ClusterTopic cluster_topic(const TopicConfig& topic, const ClusterSettings& settings);
ClusterTopic snapshot_topic(std::string name, std::uint32_t partitions,
                            const ClusterSettings& settings);
/// Compaction forgets a tombstone after so long: a copy of the state that is older is worthless.
inline constexpr std::chrono::hours kTombstonesKept{24 * 7};
/// A copy that has not followed for so long is thrown away.
inline constexpr std::chrono::hours kCopyKept = kTombstonesKept / 2;

/// Creates what is missing and compares what is there. Configuration: the message says what to
/// alter, and how.
Result<void> ensure_topics(rd_kafka_t* client, std::vector<ClusterTopic> topics,
                           const ClusterSettings& settings);

Result<bool> has_topic(rd_kafka_t* client, std::string_view name);
/// Gone from what the cluster lists when it returns.
Result<void> delete_topic(rd_kafka_t* client, const std::string& name);
/// Everything before the offset is dropped, as retention does: the partition begins there then.
Result<void> drop_records(rd_kafka_t* client, const TopicPartition& tp, Offset before);

}  // namespace vitalog::topology::kafka
