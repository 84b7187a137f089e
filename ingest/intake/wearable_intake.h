#pragma once

#include "ingest/wearable/wearable_decoder.h"
#include "processors/processor.h"

namespace vitalog::ingest {

/// Reads `feed.wearable`: one batch of one account becomes one SamplesEvent on `subject`, under the
/// account's key, which is the record's. One thread.
class WearableIntake {
  public:
    explicit WearableIntake(const schemas::Tables& tables) : tables_(tables) {}

    /// The items that can't be used are one dead letter, which names them; their siblings go on.
    /// What the door had refused, and told its sender, is none.
    Result<void> handle(const processors::Input& input, processors::Context& out);

  private:
    Error faults_error() const;
    std::string faults_place() const;

    const schemas::Tables& tables_;
    wearable::WearableDecoder decoder_;
};

}  // namespace vitalog::ingest
