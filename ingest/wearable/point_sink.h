#pragma once

#include <cstddef>

#include "ingest/wearable/sample_batch.h"

namespace vitalog::ingest::wearable {

/// Takes what a reader finds, item by item, in the order of the document.
class PointSink {
  public:
    virtual ~PointSink() = default;
    virtual void take(const Occasion& occasion, const Reading* readings, std::size_t count) = 0;
    /// The item at hand can't be used.
    virtual void refuse(Error error) = 0;
};

}  // namespace vitalog::ingest::wearable
