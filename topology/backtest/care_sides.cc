#include "topology/backtest/care_sides.h"

#include <utility>

namespace vitalog::topology {
namespace {

const std::vector<schemas::Topic> kTopics{schemas::Topic::Alert, schemas::Topic::Task};

}  // namespace

CareSides::CareSides(TakeOutput in_force, TakeOutput draft) {
    ours_.take = std::move(in_force);
    theirs_.take = std::move(draft);
}

RecordId CareSides::id_of(std::string_view key) {
    const RecordId id = RecordId::parse(key);
    return id.empty() ? IdHash().part(key).finish() : id;
}

CareSides::Held& CareSides::fetch(std::string_view key) {
    const auto [found, added] = held_.try_emplace(id_of(key));
    if (added) found->second.person.id = RecordId::parse(key);
    return found->second;
}

/// The draft's conclusions begin as those that were in force.
void CareSides::part(Held& held, std::string_view key) {
    if (held.parted) return;
    held.parted = true;
    held.conclusions = held.person.conclusions();
    for (const auto& timer : held.ours) theirs_.due.set(key, held.theirs, timer);
}

MemoryCall CareSides::call(const Origin& origin, std::string_view key) const {
    return {ours_.care.stage(), origin, key, kTopics};
}

void CareSides::take_effect(Side& side, std::string_view key, DueTimers::Timers& timers,
                            MemoryCall& call) {
    side.due.apply(key, timers, call);
    call.give_outputs(side.take);
    VITALOG_ASSERT(!call.removed(), "care removed a person, which a trial does not follow");
}

void CareSides::expect(std::string_view key) const {
    if (const auto found = held_.find(id_of(key)); found != held_.end())
        found->second.person.prefetch();
}

bool CareSides::apply(const processors::Input& input) {
    Held& held = fetch(input.key);
    if (begun_) return apply_to_both(held, input);
    MemoryCall ours = call({input.id, input.root, input.received}, input.key);
    if (!ours_.care.on_record(&held.person, input, ours)) return false;
    take_effect(ours_, input.key, held.ours, ours);
    return true;
}

bool CareSides::apply_to_both(Held& held, const processors::Input& input) {
    part(held, input.key);
    if (!held.tried) ++persons_tried_;
    held.tried = true;
    const Origin origin{input.id, input.root, input.received};
    MemoryCall ours = call(origin, input.key), theirs = call(origin, input.key);
    const processors::care::Beside beside{theirs_.care.rules(), held.conclusions, theirs};
    if (!ours_.care.on_record_beside(held.person, input, ours, beside)) return false;
    take_effect(ours_, input.key, held.ours, ours);
    take_effect(theirs_, input.key, held.theirs, theirs);
    return true;
}

void CareSides::fire_due(ReceivedTime now) {
    while (const auto* due = ours_.due.first(now)) fire_ours(*due);
    while (const auto* due = theirs_.due.first(now)) fire_theirs(*due);
}

void CareSides::fire_ours(const DueTimers::Due& due) {
    const std::string key = due.second;
    Held& held = fetch(key);
    if (begun_) part(held, key);
    const state::Timer timer = ours_.due.take(due, held.ours);
    MemoryCall out = call(origin_of(timer), key);
    ours_.care.on_timer(&held.person, timer, out);
    take_effect(ours_, key, held.ours, out);
}

void CareSides::fire_theirs(const DueTimers::Due& due) {
    const std::string key = due.second;
    Held& held = fetch(key);
    const state::Timer timer = theirs_.due.take(due, held.theirs);
    MemoryCall out = call(origin_of(timer), key);
    held.person.exchange(held.conclusions);
    theirs_.care.on_timer(&held.person, timer, out);
    held.person.exchange(held.conclusions);
    take_effect(theirs_, key, held.theirs, out);
}

}  // namespace vitalog::topology
