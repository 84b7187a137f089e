#include "topology/backtest/memory_call.h"

#include <algorithm>

namespace vitalog::topology {

void MemoryCall::emit(schemas::Topic topic, std::string_view key, std::string_view type,
                      std::string_view json, processors::EmitOptions) {
    if (std::find(topics_.begin(), topics_.end(), topic) != topics_.end())
        outputs_.push_back(
            {topic, std::string(key), std::string(type), std::string(json), next_id()});
    counted();
}

void MemoryCall::give_outputs(const TakeOutput& take) const {
    for (const auto& output : outputs_)
        take({output.topic, output.key, output.type, output.json, output.id, origin().root,
              origin().received});
}

void DueTimers::set(std::string_view key, Timers& timers, state::Timer timer) {
    drop(key, timers, timer.name);
    due_.emplace(timer.due, std::string(key));
    timers.push_back(std::move(timer));
}

void DueTimers::drop(std::string_view key, Timers& timers, std::string_view name) {
    const auto found = std::find_if(timers.begin(), timers.end(),
                                    [&](const state::Timer& timer) { return timer.name == name; });
    if (found == timers.end()) return;
    const ReceivedTime due = found->due;
    timers.erase(found);
    const bool shared = std::any_of(timers.begin(), timers.end(),
                                    [&](const state::Timer& timer) { return timer.due == due; });
    if (!shared) due_.erase({due, std::string(key)});
}

void DueTimers::drop_all(std::string_view key, Timers& timers) {
    for (const auto& timer : timers) due_.erase({timer.due, std::string(key)});
    timers.clear();
}

const DueTimers::Due* DueTimers::first(ReceivedTime now) const {
    return due_.empty() || due_.begin()->first > now ? nullptr : &*due_.begin();
}

state::Timer DueTimers::take(const Due& due, Timers& timers) {
    const auto found = std::find_if(timers.begin(), timers.end(), [&](const state::Timer& timer) {
        return timer.due == due.first;
    });
    VITALOG_ASSERT(found != timers.end(), "the index of timers names one that no entity has");
    state::Timer timer = *found;
    const std::string key = due.second;
    drop(key, timers, timer.name);
    return timer;
}

void DueTimers::apply(std::string_view key, Timers& timers, MemoryCall& call) {
    call.apply_timers([&](state::Timer timer) { set(key, timers, std::move(timer)); },
                      [&](std::string_view name) { drop(key, timers, name); });
}

}  // namespace vitalog::topology
