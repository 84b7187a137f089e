#include "topology/log/kafka/layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace vitalog::topology::kafka {

Properties connection(const KafkaLog::Options& options) {
    Properties properties(options.security.begin(), options.security.end());
    properties["bootstrap.servers"] = options.brokers;
    properties["client.id"] = options.group + "." + options.instance;
    properties["socket.nagle.disable"] = "true";
    properties["reconnect.backoff.ms"] = "50";
    properties["reconnect.backoff.max.ms"] = "2000";
    properties["log_level"] = "5";
    return properties;
}

Properties asking(const KafkaLog::Options& options) {
    Properties properties = connection(options);
    properties["isolation.level"] = "read_uncommitted";
    // A client without a group dies in librdkafka 2.0.2 when another group's coordinator has moved:
    // it asks after its own.
    properties["group.id"] = options.group + ".asking";
    return properties;
}

Producer::Options producer_options(const KafkaLog::Options& options, std::string transactional_id) {
    Producer::Options producer;
    producer.properties = connection(options);
    producer.transactional_id = std::move(transactional_id);
    producer.message_bytes_max = options.message_bytes_max;
    for (const TopicConfig& topic : options.topics) producer.topics.push_back(topic.name);
    for (const KafkaLog::Stage& stage : options.stages)
        if (stage.stateful) producer.topics.push_back(snapshots_of(options, stage.name, {}).topic);
    return producer;
}

std::uint32_t partitions(const KafkaLog::Options& options, std::string_view topic) {
    const auto found = std::ranges::find(options.topics, topic, &TopicConfig::name);
    VITALOG_ASSERT(found != options.topics.end(), "a stage reads topics of the site");
    return found->partitions;
}

void add_topics(Reader& reader, const KafkaLog::Options& options) {
    for (const TopicConfig& topic : options.topics) reader.add_topic(topic.name, topic.partitions);
    for (const KafkaLog::Stage& stage : options.stages)
        if (stage.stateful)
            reader.add_topic(snapshots_of(options, stage.name, {}).topic,
                             partitions(options, stage.inputs.front()), Reader::Keeps::Nothing);
}

std::string stage_group(const KafkaLog::Options& options, std::string_view stage) {
    return fmt::format("{}.{}", options.group, stage);
}

std::string reader_group(const KafkaLog::Options& options, std::string_view reader) {
    const bool local =
        std::ranges::find(options.local_readers, reader) != options.local_readers.end();
    return fmt::format("{}.reader.{}{}", options.group, reader,
                       local ? "." + options.instance : "");
}

TopicPartition snapshots_of(const KafkaLog::Options& options, std::string_view stage,
                            Partition partition) {
    return {fmt::format("{}.{}.state", options.group, stage), partition};
}

std::string move_mark(const KafkaLog::Options& options) {
    return options.group + ".move";
}

ClusterSettings cluster_settings(const KafkaLog::Options& options) {
    return {options.replication, options.message_bytes_max};
}

std::vector<ClusterTopic> cluster_topics(const KafkaLog::Options& options) {
    const ClusterSettings settings = cluster_settings(options);
    std::vector<ClusterTopic> topics;
    for (const TopicConfig& topic : options.topics)
        topics.push_back(cluster_topic(topic, settings));
    for (const KafkaLog::Stage& stage : options.stages) {
        if (!stage.stateful) continue;
        topics.push_back(snapshot_topic(snapshots_of(options, stage.name, {}).topic,
                                        partitions(options, stage.inputs.front()), settings));
    }
    return topics;
}

Result<std::string> cluster_id(rd_kafka_t* client) {
    const std::unique_ptr<char, void (*)(char*)> id(
        rd_kafka_clusterid(client, static_cast<int>(kCallLimit.count())), [](char* text) {
            if (text) rd_kafka_mem_free(nullptr, text);
        });
    if (!id) return fail(Errc::Io, "the Kafka cluster does not say its id; see log.brokers");
    return std::string(id.get());
}

}  // namespace vitalog::topology::kafka
