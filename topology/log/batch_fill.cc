#include "topology/log/batch_fill.h"

#include <algorithm>

namespace vitalog::topology {

Result<void> BatchFill::add(std::shared_ptr<const RecordBlock> block) {
    const std::int64_t skipped = std::max<std::int64_t>(from_.value() - block->base.value(), 0);
    if (skipped >= block->count) return {};
    const auto left = static_cast<std::size_t>(block->count - skipped);
    const std::size_t record_bytes =
        std::max<std::size_t>(block->records().size() / block->count, 1);
    const std::size_t room = max_bytes_ > bytes_ ? max_bytes_ - bytes_ : 0;
    // A block that exceeds the room by less than a quarter is given whole: cutting costs the next
    // read a skip.
    const std::size_t fitting = room / record_bytes;
    const std::size_t take =
        fitting + fitting / 4 >= left ? left : std::max<std::size_t>(fitting, 1);
    VITALOG_CHECK(append_views(*block, from_, take, out_));
    out_.owners.push_back(std::move(block));
    bytes_ += take * record_bytes;
    full_ = take < left || bytes_ >= max_bytes_;
    return {};
}

}  // namespace vitalog::topology
