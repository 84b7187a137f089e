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
    const bool alone = log_.one_machine();
    if (more_.chance(options_.disk_faults)) {
        arm_disk();
        return {};
    }
    switch (random_.pick(9)) {
        case 0:
        case 1:
        case 2:
            if (slot.doom != Doom::None) return {};
            slot.doom = Doom::Die;
            slot.doom_in = static_cast<int>(1 + random_.pick(60));
            aim(slot);
            return {};
        case 3:
            if (slot.doom != Doom::None || alone) return {};
            slot.doom = Doom::Sleep;
            slot.doom_in = static_cast<int>(1 + random_.pick(60));
            aim(slot);
            return {};
        case 4:
            if (!alone) rebalance();
            return {};
        case 5:
            stall();
            return {};
        case 6:
            return trim();
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
        VITALOG_CHECK(restart_log());
    }
    slot.down_for = 1;
    return {};
}

/// The doom comes at one of the next calls of a kind that is rare among all calls.
void World::aim(Slot& slot) {
    static const std::vector<std::string_view> kCalls{
        "sent", "append", "appended", "sync", "stored a position", "commit", "committed"};
    slot.doom_at = {};
    slot.drops = false;
    if (options_.drops_by_size && more_.chance(500)) {
        slot.drops = true;
        slot.doom_at = "committed";
        slot.doom_in = static_cast<int>(1 + more_.pick(3));
        return;
    }
    if (!options_.aimed || !more_.chance(500)) return;
    slot.doom_at = more_.of(kCalls);
    slot.doom_in = static_cast<int>(1 + more_.pick(3));
}

/// Retention may come at any moment; it may fail as all else does.
bool World::drops_something() {
    const std::uint64_t before = log_.trims();
    (void)log_.enforce_retention(now_);
    return log_.trims() > before;
}

void World::stall() {
    const auto shards = all_shards();
    TopicPartition tp = random_.of(shards)->input;
    const int calls = static_cast<int>(1 + random_.pick(15));
    if (options_.aimed && more_.chance(300)) tp = some_sends(more_);
    if (tp.topic == "feed.control") return;  // what a shard follows is read to its end
    trace_.say("  the leader of {} is away", to_string(tp));
    log_.stall(tp, calls);
}

TopicPartition World::some_sends(Random& random) {
    const Topic topic = random.chance(500) ? Topic::SendSms : Topic::SendWechat;
    return {parts_.names.name(topic),
            Partition(static_cast<std::uint32_t>(random.pick(parts_.names.partitions(topic))))};
}

void World::arm_disk() {
    using Fault = RealLog::Fault;
    static const std::vector<Fault> kFaults{
        Fault::FailedSync, Fault::FailedSync,  Fault::Full,        Fault::Full,
        Fault::PowerLoss,  Fault::FlippedRead, Fault::FlippedRead, Fault::FlippedBlock};
    if (log_.struck()) return;
    if (more_.chance(250)) {
        const bool of_state = more_.chance(500);
        trace_.say("  a block of {} that is read will be another", of_state ? "state" : "records");
        log_.flip_next(of_state ? SimLog::Stored::State : SimLog::Stored::Records);
        return;
    }
    const Fault fault = more_.of(kFaults);
    const std::uint64_t after = more_.pick(fault == Fault::FlippedRead ? 15 : 40);
    trace_.say("  fault {} of the disk after {} operations", static_cast<int>(fault), after);
    log_.arm(fault, after);
}

/// Whether a fault of the disk is what an error may come from.
bool World::excused(const Error& error) const {
    return log_.struck() && (error.code() == Errc::Io || error.code() == Errc::Damaged);
}

/// A process made a call. Its doom comes with it, or the rest of the world goes on for a while
/// before the call is made.
void World::called(int number, std::string_view call) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    if (slot.doom == Doom::None || (!slot.doom_at.empty() && call != slot.doom_at)) return;
    if (slot.drops && !drops_something()) return;
    if (--slot.doom_in > 0) return;
    const Doom doom = std::exchange(slot.doom, Doom::None);
    if (doom == Doom::Die) {
        trace_.say("  {} p{} dies at: {}", to_rfc3339(now_), number, call);
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

Result<void> World::kill(int number) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    slot.process.reset();
    slot.asleep = slot.slept = false;
    slot.doom = Doom::None;
    log_.forsake(number);
    const bool power = log_.one_machine() && (random_.chance(600) || slot.drops);
    slot.drops = false;
    VITALOG_CHECK(judge(log_.crash(power)));
    slot.down_for = static_cast<int>(1 + random_.pick(40));
    // Whoever sends next asks what this one took: it may get no answer to that for a while.
    if (options_.away && latest_.chance(300))
        log_.stall(some_sends(latest_), 1 + static_cast<int>(latest_.pick(6)));
    if (options_.processes > 1 && random_.chance(500)) expire(number);
    return {};
}

Result<void> World::restart_log() {
    if (log_.kind() != SimLog::Kind::RocksDb) return {};
    auto opened = log_.restart();
    if (opened || log_.flipped() || !excused(opened.error())) return judge(std::move(opened));
    trace_.say("  the log can't be opened: {}", opened.error().message());
    return judge(log_.crash(false));
}

Result<void> World::judge(Result<void> opened) {
    if (!opened && opened.error().code() == Errc::Damaged) refused_ = log_.flipped();
    return opened;
}

/// What is done is on disk when this returns.
Result<void> World::sync() {
    if (!log_.one_machine()) return {};
    auto synced = log_.sync();
    if (synced || !excused(synced.error())) return synced;
    VITALOG_CHECK(kill(0));
    return settle("what the disk lost is done again");
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
    if (assignment_.duty == number) assignment_.give_duty(random_.of(others));
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
    assignment_.give_duty(static_cast<int>(random_.pick(slots_.size())));
    ++assignment_.version;
    trace_.say("  p{} is on duty", assignment_.duty);
}

bool is_dropped(std::string_view topic) {
    static const std::set<std::string_view> kDropped{"subject", "task", "notification", "feed.his",
                                                     "feed.wearable"};
    return kDropped.contains(topic);
}

/// Retention drops what no position needs any more.
Result<void> World::trim() {
    if (log_.kind() == SimLog::Kind::RocksDb) {
        auto enforced = log_.enforce_retention(now_);
        return enforced || !excused(enforced.error()) ? enforced : kill(0);
    }
    VITALOG_CHECK(log_.sync());  // a position that may be lost is none to drop by
    std::map<TopicPartition, Offset> keep;
    const auto needed = [&](const TopicPartition& tp, Offset from) {
        const auto [at, fresh] = keep.try_emplace(tp, from);
        if (!fresh) at->second = std::min(at->second, from);
    };
    for (SimLog::Shard* shard : all_shards()) needed(shard->input, shard->position.checkpoint);
    for (const auto& [reader, next] : log_.positions()) needed(reader.second, next);
    for (const auto& [tp, from] : keep) {
        if (!is_dropped(tp.topic) || !random_.chance(700)) continue;
        VITALOG_TRY(const Offset end, log_.end(tp));
        const bool unread = options_.trims_unread && !log_.one_machine() && from < end;
        lost_unread_ |= unread;
        log_.trim(tp, unread ? end : from);
    }
    return {};
}

void World::calm() {
    trace_.say("{} nothing goes wrong any more", to_rfc3339(now_));
    disasters_left_ = 0;
    log_.set_faults({});
    log_.end_stalls();
    log_.heal();
    for (auto& provider : providers_) provider->set_faults({});
    for (Slot& slot : slots_) slot.doom = Doom::None;
}

}  // namespace vitalog::simulation
