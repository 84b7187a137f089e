#include "topology/log/topic_config.h"

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

}  // namespace vitalog::topology
