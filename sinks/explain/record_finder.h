#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"

namespace vitalog::sinks::explain {

/// A stretch of log time, both ends held.
struct Window {
    LogTime from, to;
};

/// A record, and what its headers say of its origin.
struct FoundRecord {
    std::string place;  ///< "topic/partition/offset"
    std::string root;   ///< id of the feed record at its root
    ReceivedTime received;
    LogTime at;

    static FoundRecord of(const TopicPartition& tp, const RecordView& record);
};

/// Finds records by what is known of them: the partition from the key, the place from the time at
/// which the log took them. Log times have milliseconds and hardly ever run back, so that a
/// bisection finds the place; `slack` covers the rest. Thread-safe.
class RecordFinder {
  public:
    /// What one search may read; a partition that holds more in the window is not searched to its
    /// end.
    static constexpr std::size_t kBytesMax = 64U << 20;

    RecordFinder(const RecordSource& source, const schemas::TopicNames& topics)
        : source_(source), topics_(topics) {}

    /// Shows the records of the partition that `key` hashes to, in order, until `visit` says false.
    /// False when the limit ended the search.
    using Visit = std::function<bool(const TopicPartition&, const RecordView&)>;
    Result<bool> search(schemas::Topic topic, std::string_view key, Window window,
                        const Visit& visit) const;
    /// The record of that id (ce_id); nothing where it is not found.
    Result<std::optional<FoundRecord>> with_id(schemas::Topic topic, std::string_view key,
                                               Window window, std::string_view id) const;

  private:
    Result<bool> search_partition(const TopicPartition& tp, Window window,
                                  const Visit& visit) const;
    Result<Offset> first_at(const TopicPartition& tp, LogTime time) const;

    const RecordSource& source_;
    const schemas::TopicNames& topics_;
};

}  // namespace vitalog::sinks::explain
