#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topology/log/kafka/producer.h"
#include "topology/log/kafka/reader.h"
#include "topology/log/kafka/topic_admin.h"
#include "topology/log/kafka_log.h"

// What the parts of a site's log are called in a cluster, and how its clients connect.

namespace vitalog::topology::kafka {

Properties connection(const KafkaLog::Options& options);
/// Of the Asker's client.
Properties asking(const KafkaLog::Options& options);
Producer::Options producer_options(const KafkaLog::Options& options, std::string transactional_id);
/// Of a topic of the site.
std::uint32_t partitions(const KafkaLog::Options& options, std::string_view topic);
/// Lets the reader know every partition of the topics and of the snapshots.
void add_topics(Reader& reader, const KafkaLog::Options& options);

std::string stage_group(const KafkaLog::Options& options, std::string_view stage);
std::string reader_group(const KafkaLog::Options& options, std::string_view reader);
/// The snapshots of a stage's state are partitioned as its input is.
TopicPartition snapshots_of(const KafkaLog::Options& options, std::string_view stage,
                            Partition partition);

/// A topic that is there from the beginning of a move into the cluster to its end: until then, what
/// the other topics hold is not whole.
std::string move_mark(const KafkaLog::Options& options);

ClusterSettings cluster_settings(const KafkaLog::Options& options);
/// The site's topics, and those of the snapshots.
std::vector<ClusterTopic> cluster_topics(const KafkaLog::Options& options);
/// Io when it does not say.
Result<std::string> cluster_id(rd_kafka_t* client);

}  // namespace vitalog::topology::kafka
