#include "topology/topics.h"

namespace vitalog::topology {

schemas::TopicNames configured_names(const Config& config) {
    schemas::TopicNames names;
    for (const auto& topic : schemas::kTopics) {
        const auto name = config.topic_setting(topic.name, "name");
        const auto partitions = config.topic_setting(topic.name, "partitions");
        std::uint32_t count = topic.single_partition ? 1 : static_cast<std::uint32_t>(config.number("log.partitions"));
        if (partitions && !topic.single_partition) count = static_cast<std::uint32_t>(std::stoul(*partitions));
        names.set(topic.topic, name.value_or(std::string(topic.name)), count);
    }
    return names;
}

std::vector<TopicConfig> configured_topics(const Config& config, const schemas::TopicNames& names) {
    std::vector<TopicConfig> topics;
    for (const auto& topic : schemas::kTopics) {
        TopicConfig entry;
        entry.name = names.name(topic.topic);
        entry.partitions = names.partitions(topic.topic);
        // What steers the site is taken even when the disk reserve is reached: the way out may be a setting, and the
        // alarm about it goes through.
        entry.feed = topic.feed && topic.topic != schemas::Topic::FeedControl &&
                     topic.topic != schemas::Topic::FeedOperation;
        const auto retention = config.topic_setting(topic.name, "retention");
        if (retention) entry.retention = *parse_duration(*retention);
        else if (!topic.kept_for_ever) entry.retention = config.duration("log.retention");
        if (!topic.kept_for_ever) entry.retention_bytes = config.bytes("log.retention_bytes");
        topics.push_back(std::move(entry));
    }
    return topics;
}

}  // namespace vitalog::topology
