#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "processors/processor.h"

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

/// One stage's logic over records that a caller feeds it: entities and timers in memory, nothing is
/// written, no provider is near. What it makes of the same records in the same order is what the
/// shard made. One thread.
class MemoryStage {
  public:
    using Take = std::function<void(const StageOutput&)>;
    /// `take` gets what is written to these topics.
    MemoryStage(std::unique_ptr<processors::Processor> processor,
                std::vector<schemas::Topic> topics, Take take);
    ~MemoryStage();

    /// A control record takes force. The processor's refusal leaves the old one in force.
    Result<void> control(const schemas::Control& control);
    /// A record about the entity that its key names. False: the processor refused it.
    bool apply(const processors::Input& input);
    /// Fires the timers that are due at `now`, by when they are due and by entity. `first` is
    /// called before each, with the entity's key.
    void fire_due(ReceivedTime now, const std::function<void(std::string_view key)>& first = {});

    bool knows(std::string_view key) const { return held_.contains(key); }
    /// Takes an entity over from a stage of the same logic, with its timers; what this one has of
    /// it is replaced. Damaged when the stored form can't be read back.
    Result<void> copy(const MemoryStage& from, std::string_view key);
    std::size_t entities() const { return held_.size(); }

  private:
    class StageContext;
    struct Held {
        std::unique_ptr<state::Entity> entity;
        std::vector<state::Timer> timers;
    };
    struct KeyHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const { return hash64(key); }
    };
    using Entities = std::unordered_map<std::string, Held, KeyHash, std::equal_to<>>;

    Entities::iterator fetch(std::string_view key);
    void take_effect(Entities::iterator held, StageContext& context);
    void set_timer(std::string_view key, Held& held, state::Timer timer);
    void drop_timer(std::string_view key, Held& held, std::string_view name);

    std::unique_ptr<processors::Processor> processor_;
    const std::vector<schemas::Topic> topics_;
    Take take_;
    Entities held_;
    std::set<std::pair<ReceivedTime, std::string>> due_;  // one entry for each (due, entity)
};

}  // namespace vitalog::topology
