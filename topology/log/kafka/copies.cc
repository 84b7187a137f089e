#include "topology/log/kafka/copies.h"

#include <algorithm>

#include "schemas/base/ports.h"
#include "schemas/base/thread_name.h"
#include "topology/log/kafka/topic_admin.h"

namespace vitalog::topology::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kThreads = 2;
constexpr std::chrono::milliseconds kRestoreAgain{50};
constexpr std::chrono::milliseconds kFollowAgain{200};
constexpr std::chrono::seconds kAfterError{5};
constexpr std::chrono::seconds kIdle{1};

}  // namespace

Copies::Copies(const std::vector<ShardPlace>& places, CopyPorts ports, Activity& activity)
    : ports_(ports), activity_(activity) {
    for (const ShardPlace& place : places) places_.emplace(place.shard, place);
    for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

Copies::~Copies() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void Copies::begin(Copy& copy, const ShardPlace& place, std::uint64_t holding) {
    copy = Copy{};
    copy.place = &place;
    copy.holding = holding;
    if (holding > 0)
        copy.work = std::make_unique<Restore>(ports_, place);
    else
        copy.work = std::make_unique<Follow>(ports_, place);
    copy.due = SteadyClock::now();
    changed_.notify_one();
}

Result<std::optional<GroupPosition>> Copies::open(const std::string& shard, std::uint64_t holding) {
    const auto known = places_.find(shard);
    if (known == places_.end()) return fail(Errc::NotFound, "this process does not run that shard");
    const ShardPlace& place = known->second;
    const std::lock_guard lock(mutex_);
    const auto found = copies_.find(shard);
    if (found == copies_.end()) {
        begin(copies_[shard], place, holding);
        return std::nullopt;
    }
    Copy& copy = found->second;
    if (copy.state == Copy::State::Open)
        return fail(Errc::Conflict, to_string(place.input) + " is open already");
    if (copy.state == Copy::State::Running) {
        copy.dropped = copy.holding != holding;
        return std::nullopt;
    }
    if (copy.holding != holding) {
        begin(copy, place, holding);
        return std::nullopt;
    }
    if (copy.state == Copy::State::Queued) return std::nullopt;
    if (copy.state == Copy::State::Failed) {
        const Error error = *std::move(copy.error);
        copies_.erase(found);
        return tl::unexpected(error);
    }
    copy.state = Copy::State::Open;
    copy.work.reset();
    return std::exchange(copy.position, std::nullopt);
}

void Copies::release(const std::string& shard) {
    const std::lock_guard lock(mutex_);
    copies_.erase(shard);
}

void Copies::follow(const std::set<std::string>& shards) {
    std::vector<TopicPartition> left;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = copies_.begin(); at != copies_.end();) {
            if (!drop_unfollowed(at->first, at->second, shards)) {
                ++at;
                continue;
            }
            left.push_back(at->second.place->snapshots);
            at = copies_.erase(at);
        }
        for (const std::string& shard : shards) {
            const auto place = places_.find(shard);
            if (place == places_.end() || copies_.contains(shard)) continue;
            if (place->second.member->holding(place->second.input) == 0)
                begin(copies_[shard], place->second, 0);
        }
    }
    for (const TopicPartition& snapshots : left) ports_.reader.leave(snapshots);
}

/// True when the copy can go at once; one that is Running goes after its step.
bool Copies::drop_unfollowed(const std::string& shard, Copy& copy,
                             const std::set<std::string>& shards) {
    if (copy.state == Copy::State::Open) return false;
    if (wanted(copy) && (copy.holding > 0 || shards.contains(shard))) return false;
    copy.dropped = true;
    return copy.state != Copy::State::Running;
}

Result<void> Copies::drop_old() {
    const LogTime now = ports_.clock.now();
    for (const auto& [shard, place] : places_) {
        const std::lock_guard lock(mutex_);
        if (copies_.contains(shard) || place.member->holding(place.input) > 0) continue;
        VITALOG_TRY(const auto kept, ports_.local.restored(shard));
        if (kept && kept->when + kCopyKept < now) VITALOG_CHECK(ports_.local.wipe(shard));
    }
    return {};
}

/// A restore is for as long as the shard is this process's by the same turn; a follower while it is
/// not.
bool Copies::wanted(const Copy& copy) const {
    return copy.place->member->holding(copy.place->input) == copy.holding;
}

/// The restore that waits longest, else such a follower; the end when nothing is due.
Copies::Found Copies::next_due(SteadyClock::time_point now) {
    auto best = copies_.end();
    for (auto at = copies_.begin(); at != copies_.end(); ++at) {
        const Copy& copy = at->second;
        if (copy.state != Copy::State::Queued || copy.due > now) continue;
        const auto rank = [](const Copy& c) { return std::pair(c.holding == 0, c.due); };
        if (best == copies_.end() || rank(copy) < rank(best->second)) best = at;
    }
    return best;
}

void Copies::run() {
    name_thread("copies");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto now = SteadyClock::now();
        const auto copy = next_due(now);
        if (copy == copies_.end()) {
            auto until = now + kIdle;
            for (const auto& [shard, other] : copies_)
                if (other.state == Copy::State::Queued) until = std::min(until, other.due);
            changed_.wait_until(lock, until);
            continue;
        }
        copy->second.state = Copy::State::Running;
        CopyWork& work = *copy->second.work;
        lock.unlock();
        const auto step = work.step();
        lock.lock();
        settle(copy, step);
    }
}

void Copies::settle(Found at, const Result<CopyStep>& step) {
    Copy& copy = at->second;
    if (copy.dropped || !wanted(copy)) {
        const TopicPartition snapshots = copy.place->snapshots;
        copies_.erase(at);
        ports_.reader.leave(snapshots);
        activity_.bump();
        return;
    }
    copy.state = Copy::State::Queued;
    copy.due = SteadyClock::now();
    if (step && *step == CopyStep::More) return;
    if (step && *step == CopyStep::Wait) {
        copy.due += copy.holding > 0 ? kRestoreAgain : kFollowAgain;
        return;
    }
    if (copy.holding == 0) {  // what can't be followed is no reason to stop: a restore will say so
        log_line(
            "warn", "standby",
            {{"partition", to_string(copy.place->snapshots)}, {"error", step.error().to_string()}});
        copy.work = std::make_unique<Follow>(ports_, *copy.place);
        copy.due += kAfterError;
        return;
    }
    if (step) {
        copy.position = static_cast<const Restore&>(*copy.work).position();
        copy.state = Copy::State::Ready;
    } else {
        copy.error = step.error();
        copy.state = Copy::State::Failed;
    }
    copy.work.reset();
    ports_.reader.leave(copy.place->snapshots);
    activity_.bump();
}

}  // namespace vitalog::topology::kafka
