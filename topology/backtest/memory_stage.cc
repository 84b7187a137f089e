#include "topology/backtest/memory_stage.h"

#include <algorithm>
#include <utility>

#include "topology/runtime/entity_call.h"

namespace vitalog::topology {

/// Collects what one call of the processor does. Outputs are given on once the record is accepted.
class MemoryStage::StageContext final : public EntityCall {
  public:
    StageContext(const MemoryStage& stage, Origin origin, std::string_view entity)
        : EntityCall(stage.processor_->stage(), origin, entity), stage_(stage) {}

    void emit(schemas::Topic topic, std::string_view key, std::string_view type,
              std::string_view json, processors::EmitOptions) override {
        if (wants(topic))
            outputs_.push_back(
                {topic, std::string(key), std::string(type), std::string(json), next_id()});
        counted();
    }
    void forward(schemas::Topic, std::string_view) override {}
    void broadcast(schemas::Topic, const schemas::Control&) override {}
    void dead_letter(const Error&, std::string_view) override {}
    void count(std::string_view, Labels) override {}

    struct Output {
        schemas::Topic topic;
        std::string key;
        std::string type;
        std::string json;
        RecordId id;
    };
    using EntityCall::apply_timers;
    using EntityCall::origin;
    using EntityCall::removed;
    const std::vector<Output>& outputs() const { return outputs_; }

  private:
    bool wants(schemas::Topic topic) const {
        return std::find(stage_.topics_.begin(), stage_.topics_.end(), topic) !=
               stage_.topics_.end();
    }

    const MemoryStage& stage_;
    std::vector<Output> outputs_;
};

MemoryStage::MemoryStage(std::unique_ptr<processors::Processor> processor,
                         std::vector<schemas::Topic> topics, Take take)
    : processor_(std::move(processor)), topics_(std::move(topics)), take_(std::move(take)) {}

MemoryStage::~MemoryStage() = default;

Result<void> MemoryStage::control(const schemas::Control& control) {
    return processor_->on_control(control, processors::Input{});
}

MemoryStage::Entities::iterator MemoryStage::fetch(std::string_view key) {
    const auto found = held_.find(key);
    if (found != held_.end()) return found;
    const auto added = held_.try_emplace(std::string(key)).first;
    added->second.entity = processor_->create(added->first);
    return added;
}

bool MemoryStage::apply(const processors::Input& input) {
    const auto held = fetch(input.key);
    StageContext context(*this, {input.id, input.root, input.received}, held->first);
    if (!processor_->on_record(held->second.entity.get(), input, context)) return false;
    take_effect(held, context);
    return true;
}

void MemoryStage::fire_due(ReceivedTime now, const std::function<void(std::string_view)>& first) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const auto [due, key] = *due_.begin();
        if (first) first(key);
        const auto held = held_.find(key);
        auto& timers = held->second.timers;
        const auto found =
            std::find_if(timers.begin(), timers.end(),
                         [&, at = due](const state::Timer& timer) { return timer.due == at; });
        VITALOG_ASSERT(found != timers.end(), "the index of timers names one that no entity has");
        const state::Timer timer = *found;
        drop_timer(key, held->second, timer.name);
        StageContext context(*this, origin_of(timer), held->first);
        processor_->on_timer(held->second.entity.get(), timer, context);
        take_effect(held, context);
    }
}

void MemoryStage::take_effect(Entities::iterator held, StageContext& context) {
    context.apply_timers(
        [&](state::Timer timer) { set_timer(held->first, held->second, std::move(timer)); },
        [&](std::string_view name) { drop_timer(held->first, held->second, name); });
    for (const auto& output : context.outputs())
        take_({output.topic, output.key, output.type, output.json, output.id, context.origin().root,
               context.origin().received});
    if (!context.removed()) return;
    while (!held->second.timers.empty())
        drop_timer(held->first, held->second, held->second.timers.back().name);
    held_.erase(held);
}

void MemoryStage::set_timer(std::string_view key, Held& held, state::Timer timer) {
    drop_timer(key, held, timer.name);
    due_.emplace(timer.due, std::string(key));
    held.timers.push_back(std::move(timer));
}

void MemoryStage::drop_timer(std::string_view key, Held& held, std::string_view name) {
    const auto found = std::find_if(held.timers.begin(), held.timers.end(),
                                    [&](const state::Timer& timer) { return timer.name == name; });
    if (found == held.timers.end()) return;
    const ReceivedTime due = found->due;
    held.timers.erase(found);
    const bool shared = std::any_of(held.timers.begin(), held.timers.end(),
                                    [&](const state::Timer& timer) { return timer.due == due; });
    if (!shared) due_.erase({due, std::string(key)});
}

Result<void> MemoryStage::copy(const MemoryStage& from, std::string_view key) {
    const auto original = from.held_.find(key);
    if (original == from.held_.end()) return {};
    std::string bytes;
    original->second.entity->encode(bytes);
    VITALOG_TRY(auto entity, processor_->decode(key, bytes));
    const auto held = fetch(key);
    while (!held->second.timers.empty())
        drop_timer(held->first, held->second, held->second.timers.back().name);
    held->second.entity = std::move(entity);
    for (const auto& timer : original->second.timers) set_timer(held->first, held->second, timer);
    return {};
}

}  // namespace vitalog::topology
