#include <algorithm>

#include "tests/simulation/world.h"

// What goes wrong outside of the log and the providers.

namespace vitalog::simulation {
namespace {

using schemas::Topic;

constexpr auto kSession = std::chrono::seconds(10);

}  // namespace

Result<void> World::disaster() {
    --disasters_left_;
    const int number = static_cast<int>(random_.pick(slots_.size()));
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    const bool alone = options_.kind == SimLog::Kind::Disk;
    switch (random_.pick(9)) {
        case 0:
        case 1:
        case 2:
            if (slot.doom != Doom::None) return {};
            slot.doom = Doom::Die;
            slot.doom_in = static_cast<int>(1 + random_.pick(60));
            return {};
        case 3:
            if (slot.doom != Doom::None || alone) return {};
            slot.doom = Doom::Sleep;
            slot.doom_in = static_cast<int>(1 + random_.pick(60));
            return {};
        case 4:
            if (!alone) rebalance();
            return {};
        case 5: {
            const auto shards = all_shards();
            const TopicPartition& tp = random_.of(shards)->input;
            if (tp.topic == "feed.control") return {};  // what a shard follows is read to its end
            trace_.say("  the leader of {} is away", to_string(tp));
            log_.stall(tp, static_cast<int>(1 + random_.pick(15)));
            return {};
        }
        case 6:
            trim();
            return {};
        case 7:
            if (!alone) move_duty();
            return {};
        default:
            break;
    }
    if (options_.clocks_jump && !slot.asleep) {
        const auto off = std::chrono::microseconds(random_.between(-26, 26) * 3'600'000'000);
        trace_.say("  the clock of p{} is off by {} h", number, off / std::chrono::hours(1));
        slot.clock->set_off(off);
        return {};
    }
    if (!slot.process || slot.asleep || slot.in_step) return {};
    trace_.say("  p{} is stopped and started", number);
    VITALOG_CHECK(guard(number, [&]() -> Result<void> {
        (void)slot.process->stop();  // a commit may end unknown: the next start recovers
        return {};
    }));
    if (slot.process) {
        slot.process.reset();
        log_.forsake(number);
    }
    slot.down_for = 1;
    return {};
}

/// A process made a call. Its doom comes with it, or the rest of the world goes on for a while
/// before the call is made.
void World::called(int number, std::string_view call) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    if (slot.doom == Doom::None || --slot.doom_in > 0) return;
    const Doom doom = std::exchange(slot.doom, Doom::None);
    if (doom == Doom::Die) {
        trace_.say("  p{} dies at: {}", number, call);
        throw Died();
    }
    if (nested_ || !slot.in_step) return;
    trace_.say("  p{} falls asleep at: {}", number, call);
    sleep(number);
    trace_.say("  p{} wakes", number);
}

void World::sleep(int number) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    nested_ = true;
    slot.asleep = slot.slept = true;
    const bool expires = random_.chance(700);
    if (expires) {
        if (!options_.one_by_one) now_ = now_ + kSession;
        expire(number);
        slot.process->client().set_awake(false);
    }
    for (auto n = 5 + random_.pick(60); n > 0 && !broken_; --n)
        if (auto done = turn(); !done) broken_ = done.error();
    slot.asleep = false;
    nested_ = false;
}

void World::kill(int number) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    slot.process.reset();
    slot.asleep = slot.slept = false;
    slot.doom = Doom::None;
    log_.forsake(number);
    if (options_.kind == SimLog::Kind::Disk && random_.chance(600)) log_.lose_unsynced();
    slot.down_for = static_cast<int>(1 + random_.pick(40));
    if (options_.processes > 1 && random_.chance(500)) expire(number);
}

Result<void> World::restart(int number) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    trace_.say("  p{} starts", number);
    slot.slept = false;
    slot.process = std::make_unique<SimProcess>(
        SimProcess::World{log_, parts_, site_clock_, providers_,
                          [this](int process, std::string_view call) { called(process, call); }},
        number, options_.shard, options_.effects, *slot.clock);
    slot.process->client().learn(assignment_);
    return guard(number, [&] { return slot.process->start(); });
}

/// The group gives away what a silent process has.
void World::expire(int number) {
    std::vector<int> others;
    for (int i = 0; i < options_.processes; ++i)
        if (i != number) others.push_back(i);
    if (others.empty()) return;
    trace_.say("  what p{} has goes to others", number);
    for (SimLog::Shard* shard : all_shards()) {
        if (shard->owner != number) continue;
        log_.give(*shard, random_.of(others));
        assignment_.owner[shard->stage + " of " + to_string(shard->input)] = shard->owner;
    }
    if (assignment_.duty == number) assignment_.duty = random_.of(others);
    ++assignment_.version;
}

void World::rebalance() {
    trace_.say("  shards are moved");
    for (SimLog::Shard* shard : all_shards()) {
        if (random_.chance(500)) continue;
        log_.give(*shard, static_cast<int>(random_.pick(slots_.size())));
        assignment_.owner[shard->stage + " of " + to_string(shard->input)] = shard->owner;
    }
    ++assignment_.version;
    for (Slot& slot : slots_)
        if (slot.process && random_.chance(500)) slot.process->client().set_moving(true);
}

void World::move_duty() {
    assignment_.duty = static_cast<int>(random_.pick(slots_.size()));
    ++assignment_.version;
    trace_.say("  p{} is on duty", assignment_.duty);
}

/// Retention drops what no position needs any more.
void World::trim() {
    log_.sync();  // a position that may be lost is none to drop by
    std::map<TopicPartition, Offset> keep;
    const auto needed = [&](const TopicPartition& tp, Offset from) {
        const auto [at, fresh] = keep.try_emplace(tp, from);
        if (!fresh) at->second = std::min(at->second, from);
    };
    for (SimLog::Shard* shard : all_shards()) needed(shard->input, shard->position.checkpoint);
    for (const auto& [reader, next] : log_.positions()) needed(reader.second, next);
    for (const auto& [tp, from] : keep) {
        const bool dropped = tp.topic == "subject" || tp.topic == "task" ||
                             tp.topic == "notification" || tp.topic == "feed.his" ||
                             tp.topic == "feed.wearable";
        if (dropped && random_.chance(700)) log_.trim(tp, from);
    }
}

void World::calm() {
    trace_.say("{} nothing goes wrong any more", to_rfc3339(now_));
    disasters_left_ = 0;
    log_.set_faults({});
    log_.end_stalls();
    for (auto& provider : providers_) provider->set_faults({});
    for (Slot& slot : slots_) slot.doom = Doom::None;
}

}  // namespace vitalog::simulation
