#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "processors/processor.h"
#include "state/backend.h"

namespace vitalog::topology {

/// The control records a shard keeps: those in force since its checkpoint, with their positions (law 2). Recovery starts
/// with what was in force at the checkpoint; later ones come again from the log. One thread.
class Controls {
  public:
    /// Stored keys: 'C' kind 0 name 0 offset (8 bytes, big-endian) -> the Control as JSON.
    Result<void> load(const state::Backend& backend);
    /// Gives the processor what was in force at `checkpoint`. Damaged or the processor's refusal otherwise.
    Result<void> restore(Offset checkpoint, processors::Processor& processor, schemas::Decoder& decoder) const;

    /// A control record took force at `offset`: to be stored with the next commit.
    void add(const schemas::Control& control, Offset offset);
    /// What the commit in hand must write; superseded ones go once the checkpoint has passed their successor.
    void take_writes(Offset checkpoint, std::vector<state::Write>& writes);

  private:
    struct Stored {
        std::string kind;
        std::string name;
        Offset offset;
        std::string json;
        bool written = false;
    };
    std::vector<Stored> stored_;  // in the order of their offsets
};

}  // namespace vitalog::topology
