#pragma once

#include <cstdint>

namespace vitalog::sinks::views {

/// Where a record stands, as far as rows keep it.
struct Source {
    std::int64_t partition = 0;
    std::int64_t at_us = 0;  ///< the log's time of the record
    std::int64_t offset = 0;

    /// Partition and offset in one column: `record`. Which topic follows from the table.
    std::int64_t record() const { return (partition << kOffsetBits) | offset; }
    static constexpr int kOffsetBits = 44;
};

}  // namespace vitalog::sinks::views
