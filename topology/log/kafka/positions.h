#pragma once

#include <map>
#include <optional>
#include <string>

#include "topology/log/kafka/asker.h"
#include "topology/log/kafka/producer.h"

namespace vitalog::topology::kafka {

/// An offset that a group committed, and the text beside it.
struct CommittedOffset {
    Offset next;
    std::string metadata;
};
/// By group.
using GroupOffsets = std::map<std::string, std::map<TopicPartition, CommittedOffset>>;

/// Whether to wait for transactions that may still change an offset.
enum class Stable : std::uint8_t { No, Yes };

/// Reads committed offsets; partitions without one are left out. Waits while the group or a
/// transaction in it is between two states.
Result<std::map<TopicPartition, CommittedOffset>> committed_offsets(
    Asker& asker, const std::string& group, const std::vector<TopicPartition>& partitions,
    Stable stable = Stable::Yes);
/// The same without waiting: nullopt where it would.
Result<std::optional<std::map<TopicPartition, CommittedOffset>>> committed_offsets_now(
    Asker& asker, const std::string& group, const std::vector<TopicPartition>& partitions,
    Stable stable = Stable::Yes);
/// For groups without members: readers that keep their place in the cluster. Durable when it
/// returns.
Result<void> store_offset(Asker& asker, const std::string& group, const TopicPartition& tp,
                          Offset next);

/// The same for several groups, all or none: one transaction of a producer that writes nothing
/// else. Where it fails, nobody knows whether they were stored.
Result<void> store_together(Producer& producer, const GroupOffsets& positions);

}  // namespace vitalog::topology::kafka
