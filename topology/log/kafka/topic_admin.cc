#include "topology/log/kafka/topic_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

constexpr int kCopies = 3;
constexpr int kInSyncMin = 2;
constexpr std::chrono::milliseconds kLookAgain{100};

using Metadata = std::unique_ptr<const rd_kafka_metadata_t, DestroyedBy<rd_kafka_metadata_destroy>>;

Result<Metadata> metadata_of(rd_kafka_t* client) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto code =
        rd_kafka_metadata(client, 1, nullptr, &metadata, static_cast<int>(kCallLimit.count()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(out_of_reach(code));
    return Metadata(metadata);
}

/// Partitions by topic.
std::map<std::string, std::uint32_t> partitions_of(const rd_kafka_metadata_t& metadata) {
    std::map<std::string, std::uint32_t> partitions;
    for (int i = 0; i < metadata.topic_cnt; ++i)
        partitions[metadata.topics[i].topic] =
            static_cast<std::uint32_t>(metadata.topics[i].partition_cnt);
    return partitions;
}

/// Whether the topic is there and each of its partitions has a leader.
bool led(const rd_kafka_metadata_t& metadata, std::string_view name) {
    for (int i = 0; i < metadata.topic_cnt; ++i) {
        const rd_kafka_metadata_topic_t& topic = metadata.topics[i];
        if (topic.topic != name) continue;
        return topic.partition_cnt > 0 &&
               std::all_of(topic.partitions, topic.partitions + topic.partition_cnt,
                           [](const auto& partition) { return partition.leader >= 0; });
    }
    return false;
}

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, DestroyedBy<rd_kafka_NewTopic_destroy>>;

Result<NewTopic> new_topic(const ClusterTopic& topic, int replication) {
    std::array<char, 256> text{};
    NewTopic created(rd_kafka_NewTopic_new(topic.name.c_str(), static_cast<int>(topic.partitions),
                                           replication, text.data(), text.size()));
    if (!created)
        return fail(Errc::Configuration, fmt::format("topic {}: {}", topic.name, text.data()));
    for (const auto& [name, value] : topic.settings)
        rd_kafka_NewTopic_set_config(created.get(), name.c_str(), value.c_str());
    return created;
}

Result<void> create(rd_kafka_t* client, const std::vector<ClusterTopic>& topics, int replication) {
    std::vector<NewTopic> owned;
    std::vector<rd_kafka_NewTopic_t*> list;
    for (const ClusterTopic& topic : topics) {
        VITALOG_TRY(auto created, new_topic(topic, replication));
        list.push_back(created.get());
        owned.push_back(std::move(created));
    }
    VITALOG_TRY(
        const Event event,
        admin_call(client, RD_KAFKA_EVENT_CREATETOPICS_RESULT, RD_KAFKA_ADMIN_OP_CREATETOPICS,
                   "cannot create topics", [&](auto* options, auto* queue) {
                       rd_kafka_CreateTopics(client, list.data(), list.size(), options, queue);
                   }));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_topic_result_error(results[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        const char* why = rd_kafka_topic_result_error_string(results[i]);
        return fail(to_error(code, "").code(),
                    fmt::format("cannot create topic {}: {}",
                                rd_kafka_topic_result_name(results[i]), why ? why : ""));
    }
    log_line("info", "kafka-topics-created",
             {{"count", std::to_string(count)}, {"replication", std::to_string(replication)}});
    return {};
}

/// The settings that differ, as arguments of kafka-configs.sh --add-config.
std::string differing(const ClusterTopic& topic, const rd_kafka_ConfigResource_t* resource) {
    std::size_t count = 0;
    const auto* entries = rd_kafka_ConfigResource_configs(resource, &count);
    std::string different;
    for (std::size_t i = 0; i < count; ++i) {
        const auto wanted = topic.settings.find(rd_kafka_ConfigEntry_name(entries[i]));
        const char* found = rd_kafka_ConfigEntry_value(entries[i]);
        if (wanted == topic.settings.end() || (found && wanted->second == found)) continue;
        if (!different.empty()) different += ',';
        different += wanted->first + "=" + wanted->second;
    }
    return different;
}

Result<void> compare(rd_kafka_t* client, const std::vector<ClusterTopic>& topics) {
    using Resource =
        std::unique_ptr<rd_kafka_ConfigResource_t, DestroyedBy<rd_kafka_ConfigResource_destroy>>;
    std::vector<Resource> owned;
    std::vector<rd_kafka_ConfigResource_t*> list;
    for (const ClusterTopic& topic : topics) {
        owned.emplace_back(
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name.c_str()));
        list.push_back(owned.back().get());
    }
    VITALOG_TRY(
        const Event event,
        admin_call(client, RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
                   "cannot read the topics' settings", [&](auto* options, auto* queue) {
                       rd_kafka_DescribeConfigs(client, list.data(), list.size(), options, queue);
                   }));
    std::size_t count = 0;
    const auto* resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = rd_kafka_ConfigResource_name(resources[i]);
        const auto topic = std::ranges::find(topics, name, &ClusterTopic::name);
        if (topic == topics.end()) continue;
        if (const auto code = rd_kafka_ConfigResource_error(resources[i]);
            code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return tl::unexpected(to_error(code, "cannot read the settings of topic " + name));
        if (const std::string different = differing(*topic, resources[i]); !different.empty())
            return fail(
                Errc::Configuration,
                fmt::format(
                    "topic {} is set otherwise than this site says; alter it, `kafka-configs.sh "
                    "--alter --entity-type topics --entity-name {} --add-config {}`, or the site",
                    name, name, different));
    }
    return {};
}

/// Until every broker that was asked knows the topics and who leads them.
Result<void> wait_for(rd_kafka_t* client, const std::vector<ClusterTopic>& topics) {
    const auto deadline = std::chrono::steady_clock::now() + kCallLimit;
    while (true) {
        VITALOG_TRY(const Metadata metadata, metadata_of(client));
        if (std::ranges::all_of(
                topics, [&](const ClusterTopic& topic) { return led(*metadata, topic.name); }))
            return {};
        if (std::chrono::steady_clock::now() >= deadline)
            return fail(Errc::Io, "the topics that were created do not appear in the cluster");
        rest(kLookAgain);
    }
}

void add_common(ClusterTopic& topic, const ClusterSettings& settings) {
    topic.settings["min.insync.replicas"] =
        std::to_string(std::min(settings.replication, kInSyncMin));
    topic.settings["max.message.bytes"] = std::to_string(settings.message_bytes_max);
    topic.settings["message.timestamp.type"] = "CreateTime";
    topic.settings["unclean.leader.election.enable"] = "false";
}

}  // namespace

ClusterTopic cluster_topic(const TopicConfig& config, const ClusterSettings& settings) {
    ClusterTopic topic{config.name, config.partitions, {}};
    const auto retention = std::chrono::duration_cast<std::chrono::milliseconds>(config.retention);
    topic.settings["cleanup.policy"] = "delete";
    topic.settings["retention.ms"] =
        retention.count() == 0 ? "-1" : std::to_string(retention.count());
    topic.settings["retention.bytes"] =
        config.retention_bytes == 0 ? "-1" : std::to_string(config.retention_bytes);
    add_common(topic, settings);
    return topic;
}

ClusterTopic snapshot_topic(std::string name, std::uint32_t partitions,
                            const ClusterSettings& settings) {
    ClusterTopic topic{std::move(name), partitions, {}};
    topic.settings["cleanup.policy"] = "compact";
    topic.settings["delete.retention.ms"] = std::to_string(
        std::chrono::duration_cast<std::chrono::milliseconds>(kTombstonesKept).count());
    add_common(topic, settings);
    return topic;
}

Result<void> ensure_topics(rd_kafka_t* client, std::vector<ClusterTopic> topics,
                           const ClusterSettings& settings) {
    VITALOG_TRY(const Metadata metadata, metadata_of(client));
    const int replication =
        settings.replication > 0 ? settings.replication : std::min(kCopies, metadata->broker_cnt);
    for (ClusterTopic& topic : topics)
        topic.settings["min.insync.replicas"] = std::to_string(std::min(replication, kInSyncMin));
    const auto there = partitions_of(*metadata);
    std::vector<ClusterTopic> missing;
    std::vector<ClusterTopic> present;
    for (const ClusterTopic& topic : topics) {
        const auto found = there.find(topic.name);
        (found == there.end() ? missing : present).push_back(topic);
        if (found != there.end() && found->second != topic.partitions)
            return fail(
                Errc::Configuration,
                fmt::format(
                    "topic {} has {} partitions, the site says {}: set topics.{}.partitions or "
                    "log.partitions to {}; partitions are never added, as keys would change theirs",
                    topic.name, found->second, topic.partitions, topic.name, found->second));
    }
    if (!present.empty()) VITALOG_CHECK(compare(client, present));
    if (missing.empty()) return {};
    VITALOG_CHECK(create(client, missing, replication));
    return wait_for(client, missing);
}

Result<bool> has_topic(rd_kafka_t* client, std::string_view name) {
    VITALOG_TRY(const Metadata metadata, metadata_of(client));
    return partitions_of(*metadata).contains(std::string(name));
}

Result<void> delete_topic(rd_kafka_t* client, const std::string& name) {
    const std::string what = "cannot delete topic " + name;
    const std::unique_ptr<rd_kafka_DeleteTopic_t, DestroyedBy<rd_kafka_DeleteTopic_destroy>> topic(
        rd_kafka_DeleteTopic_new(name.c_str()));
    VITALOG_TRY(const Event event,
                admin_call(client, RD_KAFKA_EVENT_DELETETOPICS_RESULT,
                           RD_KAFKA_ADMIN_OP_DELETETOPICS, what, [&](auto* options, auto* queue) {
                               auto* one = topic.get();
                               rd_kafka_DeleteTopics(client, &one, 1, options, queue);
                           }));
    std::size_t count = 0;
    const auto* results = rd_kafka_DeleteTopics_result_topics(
        rd_kafka_event_DeleteTopics_result(event.get()), &count);
    if (count != 1) return fail(Errc::Io, what + ": no answer");
    const auto code = rd_kafka_topic_result_error(results[0]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return tl::unexpected(to_error(code, what));
    const auto deadline = std::chrono::steady_clock::now() + kCallLimit;
    while (true) {
        VITALOG_TRY(const bool there, has_topic(client, name));
        if (!there) return {};
        if (std::chrono::steady_clock::now() >= deadline)
            return fail(Errc::Io, what + ": the cluster goes on listing it");
        rest(kLookAgain);
    }
}

Result<void> drop_records(rd_kafka_t* client, const TopicPartition& tp, Offset before) {
    const std::string what = "cannot drop the records of " + to_string(tp, before);
    const Partitions list(rd_kafka_topic_partition_list_new(1));
    add_partition(*list, tp)->offset = before.value();
    const std::unique_ptr<rd_kafka_DeleteRecords_t, DestroyedBy<rd_kafka_DeleteRecords_destroy>>
        records(rd_kafka_DeleteRecords_new(list.get()));
    VITALOG_TRY(const Event event,
                admin_call(client, RD_KAFKA_EVENT_DELETERECORDS_RESULT,
                           RD_KAFKA_ADMIN_OP_DELETERECORDS, what, [&](auto* options, auto* queue) {
                               auto* one = records.get();
                               rd_kafka_DeleteRecords(client, &one, 1, options, queue);
                           }));
    const auto* offsets =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
    if (offsets == nullptr || offsets->cnt != 1) return fail(Errc::Io, what + ": no answer");
    if (const auto code = offsets->elems[0].err; code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tl::unexpected(to_error(code, what));
    return {};
}

}  // namespace vitalog::topology::kafka
