#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "topology/log/log.h"

namespace vitalog::topology {

/// What differs between outputs in the log and what this program's logic makes of the same input.
struct DriftReport {
    std::uint64_t compared = 0;
    std::uint64_t equal = 0;
    std::vector<std::string> differences;  ///< one line each; at most kDifferencesMax, then a count
    static constexpr std::size_t kDifferencesMax = 1000;
    std::uint64_t difference_count = 0;
};

/// Collects the muted outputs of a recovery and compares them with the log (law 7: accept drift, and report it).
class DriftCheck {
  public:
    /// A muted input, and an output that this program makes of one.
    void input(const RecordId& id) { inputs_.insert(id); }
    void output(const TopicPartition& tp, std::string_view key, std::string_view headers, std::string_view value);

    /// Reads the partitions written to and those in `output_partitions`, and compares record by record.
    Result<DriftReport> compare(const Log& log, std::string_view stage,
                                const std::vector<TopicPartition>& output_partitions) const;

  private:
    /// A record that is passed on keeps its id, and may go to several keys.
    using Place = std::tuple<RecordId, TopicPartition, std::string>;  // with its key
    std::set<RecordId> inputs_;
    std::map<Place, std::uint64_t> outputs_;  // hash of the value
};

}  // namespace vitalog::topology
