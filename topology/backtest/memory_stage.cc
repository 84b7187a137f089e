#include "topology/backtest/memory_stage.h"

#include <utility>

namespace vitalog::topology {

MemoryStage::MemoryStage(std::unique_ptr<processors::Processor> processor,
                         std::vector<schemas::Topic> topics, TakeOutput take)
    : processor_(std::move(processor)), topics_(std::move(topics)), take_(std::move(take)) {}

MemoryStage::~MemoryStage() = default;

Result<void> MemoryStage::control(const schemas::Control& control) {
    return processor_->on_control(control, processors::Input{});
}

MemoryStage::Entities::iterator MemoryStage::fetch(std::string_view key) {
    const auto found = held_.find(key);
    if (found != held_.end()) return found;
    const auto added = held_.try_emplace(std::string(key)).first;
    added->second = processor_->create(added->first);
    return added;
}

bool MemoryStage::apply(const processors::Input& input) {
    const auto held = fetch(input.key);
    MemoryCall call(processor_->stage(), {input.id, input.root, input.received}, held->first,
                    topics_);
    if (!processor_->on_record(held->second.get(), input, call)) return false;
    call.give_outputs(take_);
    if (call.removed()) held_.erase(held);
    return true;
}

}  // namespace vitalog::topology
