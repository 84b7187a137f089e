#pragma once

#include <cstddef>
#include <memory>

#include "topology/log/record_block.h"

namespace vitalog::topology {

/// Fills a RecordBatch from consecutive blocks until about max_bytes are in it. A block that would
/// exceed that by much is cut by its average record size.
class BatchFill {
  public:
    BatchFill(Offset from, std::size_t max_bytes, RecordBatch& out)
        : out_(out), from_(from), max_bytes_(max_bytes) {
        out_.clear();
        out_.next = from;
    }

    bool full() const { return full_; }
    Offset next() const { return out_.next; }
    /// Adds records of the block that lie at or behind `from`. Errors: Damaged.
    Result<void> add(std::shared_ptr<const RecordBlock> block);

  private:
    RecordBatch& out_;
    const Offset from_;
    const std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    bool full_ = false;
};

}  // namespace vitalog::topology
