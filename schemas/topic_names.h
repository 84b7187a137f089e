#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/topics.h"

namespace vitalog::schemas {

/// The site's names for the topics, and how many partitions each has.
class TopicNames {
  public:
    TopicNames() {
        for (const auto& entry : kTopics) {
            names_[index(entry.topic)] = entry.name;
            partitions_[index(entry.topic)] = 1;
        }
    }
    void set(Topic topic, std::string name, std::uint32_t partitions) {
        names_[index(topic)] = std::move(name);
        partitions_[index(topic)] = partitions;
    }
    const std::string& name(Topic topic) const { return names_[index(topic)]; }
    /// The topic that this site calls so.
    std::optional<Topic> topic(std::string_view name) const {
        for (const auto& entry : kTopics)
            if (names_[index(entry.topic)] == name) return entry.topic;
        return std::nullopt;
    }
    std::uint32_t partitions(Topic topic) const { return partitions_[index(topic)]; }

  private:
    static constexpr std::size_t index(Topic topic) { return static_cast<std::size_t>(topic); }

    std::array<std::string, kTopicCount> names_;
    std::array<std::uint32_t, kTopicCount> partitions_{};
};

}  // namespace vitalog::schemas
