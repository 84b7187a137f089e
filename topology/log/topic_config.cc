#include "topology/log/topic_config.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

namespace vitalog::topology {

Result<void> check_topics(const std::vector<TopicConfig>& topics) {
    std::set<std::string_view> names;
    for (const TopicConfig& topic : topics) {
        if (topic.name.empty() || topic.name.find('/') != std::string::npos ||
            topic.name.find('\0') != std::string::npos)
            return fail(Errc::Configuration,
                        "a topic's name is neither empty nor holds '/': '" + topic.name + "'");
        if (topic.partitions == 0)
            return fail(Errc::Configuration, "topic " + topic.name + " needs a partition");
        if (!names.insert(topic.name).second)
            return fail(Errc::Configuration, "topic " + topic.name + " is configured twice");
    }
    return {};
}

Result<std::vector<TopicConfig>> new_topics(const std::vector<TopicConfig>& configured, std::map<std::string, std::uint64_t> stored,
                                            std::string_view folder) {
    std::vector<TopicConfig> fresh;
    for (const TopicConfig& topic : configured) {
        const auto found = stored.find(topic.name);
        if (found == stored.end()) {
            fresh.push_back(topic);
            continue;
        }
        if (found->second != topic.partitions)
            return fail(Errc::Configuration,
                        fmt::format("topic {} has {} partitions in {}, the configuration says {}: set log.partitions back, or begin "
                                    "with an empty data directory",
                                    topic.name, found->second, folder, topic.partitions));
        stored.erase(found);
    }
    // What lies in the old topic would be read by nobody.
    if (!fresh.empty() && !stored.empty())
        return fail(Errc::Configuration,
                    fmt::format("{} has a topic {}, which the configuration doesn't name, and no topic {}: a topic keeps its name for "
                                "as long as there is data; set topics.*.name back, or begin with an empty data directory",
                                folder, stored.begin()->first, fresh.front().name));
    return fresh;
}

}  // namespace vitalog::topology
