#pragma once

#include "processors/processor.h"
#include "schemas/json_decode.h"

namespace vitalog::ingest {

/// Reads feed.operation: an alarm raised becomes a task of its team, about no person; an alarm
/// cleared cancels it. A retry is history and asks for nothing. One thread.
class OperationIntake {
  public:
    Result<void> handle(const processors::Input& input, processors::Context& out);

  private:
    schemas::Decoder decoder_;
};

}  // namespace vitalog::ingest
