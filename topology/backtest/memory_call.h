#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "processors/processor.h"
#include "topology/runtime/entity_call.h"

namespace vitalog::topology {

/// An output as a stage made it. A view: valid during the call.
struct StageOutput {
    schemas::Topic topic;
    std::string_view key;
    std::string_view type;
    std::string_view json;
    RecordId id;
    RecordId root;
    ReceivedTime received;  ///< of the record behind it; when the timer behind it was due
};

/// Gets what a stage in memory writes to the topics that are wanted of it.
using TakeOutput = std::function<void(const StageOutput&)>;

/// Collects what one call of a processor does. Outputs are given on once the record is accepted.
class MemoryCall final : public EntityCall {
  public:
    /// The views outlive the call; so does `topics`, those that are wanted.
    MemoryCall(std::string_view stage, Origin origin, std::string_view entity,
               const std::vector<schemas::Topic>& topics)
        : EntityCall(stage, origin, entity), topics_(topics) {}

    void emit(schemas::Topic topic, std::string_view key, std::string_view type,
              std::string_view json, processors::EmitOptions) override;
    void forward(schemas::Topic, std::string_view) override {}
    void broadcast(schemas::Topic, const schemas::Control&) override {}
    void dead_letter(const Error&, std::string_view) override {}
    void count(std::string_view, Labels) override {}

    void give_outputs(const TakeOutput& take) const;
    using EntityCall::apply_timers;
    using EntityCall::removed;

  private:
    struct Output {
        schemas::Topic topic;
        std::string key;
        std::string type;
        std::string json;
        RecordId id;
    };

    const std::vector<schemas::Topic>& topics_;
    std::vector<Output> outputs_;
};

/// When timers of entities are due. Each entity's own list of them lies with the entity.
class DueTimers {
  public:
    using Timers = std::vector<state::Timer>;

    void set(std::string_view key, Timers& timers, state::Timer timer);
    void drop(std::string_view key, Timers& timers, std::string_view name);
    void drop_all(std::string_view key, Timers& timers);

    /// One that is due at `now`, the earliest first and then by entity; null where there is none.
    /// Valid until the next change.
    using Due = std::pair<ReceivedTime, std::string>;
    const Due* first(ReceivedTime now) const;
    /// Takes the timer that first() told of from its entity's list.
    state::Timer take(const Due& due, Timers& timers);
    /// What a call asked of its entity's timers.
    void apply(std::string_view key, Timers& timers, MemoryCall& call);

  private:
    std::set<Due> due_;  // one entry for each (due, entity)
};

}  // namespace vitalog::topology
