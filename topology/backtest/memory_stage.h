#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "processors/processor.h"
#include "topology/backtest/memory_call.h"

namespace vitalog::topology {

/// Lets entities in memory be asked for by views of their keys.
struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return hash64(key); }
};

/// One stage's logic over records that a caller feeds it: entities in memory, nothing is written,
/// no provider is near. What it makes of the same records in the same order is what the shard made.
/// What the processor asks to be told later is not told. One thread.
class MemoryStage {
  public:
    /// `take` gets what is written to these topics.
    MemoryStage(std::unique_ptr<processors::Processor> processor,
                std::vector<schemas::Topic> topics, TakeOutput take);
    ~MemoryStage();

    /// A control record takes force. The processor's refusal leaves the old one in force.
    Result<void> control(const schemas::Control& control);
    /// A record about the entity that its key names. False: the processor refused it.
    bool apply(const processors::Input& input);

  private:
    using Entities =
        std::unordered_map<std::string, std::unique_ptr<state::Entity>, KeyHash, std::equal_to<>>;

    Entities::iterator fetch(std::string_view key);

    std::unique_ptr<processors::Processor> processor_;
    const std::vector<schemas::Topic> topics_;
    TakeOutput take_;
    Entities held_;
};

}  // namespace vitalog::topology
