#include "topology/flow.h"

#include <algorithm>
#include <array>

#include "schemas/base/thread_name.h"

namespace vitalog::topology {
namespace {

// A record's consequences pass the stages in this order; identity, care and notify also write to themselves and to
// one another, so they come up again. The longest chain is a merge: link, request, order, hand-over.
constexpr std::array<std::string_view, 14> kSteps{"intake", "identity", "identity", "identity", "identity", "care", "care",
                                                  "desk", "care", "notify", "notify", "desk", "notify", "views"};
constexpr std::chrono::milliseconds kPoll{2};
constexpr int kReadingsMax = 5;

}  // namespace

Flow::Flow(const Runtime& runtime, Log& log, const schemas::TopicNames& topics)
    : runtime_(runtime), log_(log), topics_(topics), thread_([this] { work(); }) {}

Flow::~Flow() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Flow::set_views(std::vector<schemas::Topic> reads, ReaderPosition position) {
    const std::lock_guard lock(mutex_);
    view_reads_ = std::move(reads);
    view_position_ = std::move(position);
}

void Flow::set_effects_lag(std::function<std::uint64_t()> lag) { effects_lag_ = std::move(lag); }

std::map<TopicPartition, Offset> Flow::committed_of(std::string_view stage) const {
    std::map<TopicPartition, Offset> positions;
    if (stage == "views") {
        if (!view_position_) return positions;
        for (const schemas::Topic topic : view_reads_)
            for (std::uint32_t p = 0; p < topics_.partitions(topic); ++p) {
                const TopicPartition tp{topics_.name(topic), Partition(p)};
                positions[tp] = view_position_(tp);
            }
        return positions;
    }
    for (const auto& status : runtime_.status())
        if (status->spec.stage == stage) positions[status->input] = Offset(status->committed.load());
    return positions;
}

std::uint64_t Flow::stage_lag(std::string_view stage) const {
    std::uint64_t lag = 0;
    for (const auto& [tp, position] : committed_of(stage)) {
        const auto end = log_.end_offset(tp);
        if (end && *end > position) lag += static_cast<std::uint64_t>(end->value() - position.value());
    }
    return lag;
}

std::map<std::string, std::uint64_t> Flow::lag() const {
    // Stages are read one after another, and desk and notify write back to earlier ones: no lag is believed
    // only when a second reading, with nothing committed in between, says the same.
    for (int i = 0; i < kReadingsMax; ++i) {
        const std::uint64_t seen = log_.activity();
        auto lags = lag_once();
        const bool none = std::all_of(lags.begin(), lags.end(), [](const auto& entry) { return entry.second == 0; });
        if (!none || log_.activity() == seen) return lags;
    }
    return lag_once();
}

std::map<std::string, std::uint64_t> Flow::lag_once() const {
    std::map<std::string, std::uint64_t> lags;
    for (const std::string_view stage : kSteps)
        if (!lags.contains(std::string(stage))) lags[std::string(stage)] = stage_lag(stage);
    return lags;
}

std::uint64_t Flow::effects_lag() const { return effects_lag_ ? effects_lag_() : 0; }

void Flow::when_applied(std::function<void()> done) {
    {
        const std::lock_guard lock(mutex_);
        Waiter waiter;
        waiter.done = std::move(done);
        waiters_.push_back(std::move(waiter));
    }
    wake_.notify_all();
}

/// True when the waiter has passed every step.
bool Flow::advance(Waiter& waiter) const {
    while (waiter.step < kSteps.size()) {
        const auto positions = committed_of(kSteps[waiter.step]);
        if (!waiter.entered) {
            waiter.until.clear();
            for (const auto& [tp, position] : positions)
                if (const auto end = log_.end_offset(tp)) waiter.until[tp] = *end;
            waiter.entered = true;
        }
        for (const auto& [tp, end] : waiter.until)
            if (positions.at(tp) < end) return false;
        ++waiter.step;
        waiter.entered = false;
    }
    return true;
}

void Flow::work() {
    name_thread("flow");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (waiters_.empty()) {
            wake_.wait(lock);
            continue;
        }
        std::vector<std::function<void()>> ready;
        for (std::size_t i = 0; i < waiters_.size();) {
            if (!advance(waiters_[i])) {
                ++i;
                continue;
            }
            ready.push_back(std::move(waiters_[i].done));
            waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        lock.unlock();
        for (auto& done : ready) done();
        lock.lock();
        if (!waiters_.empty() && !stopping_) wake_.wait_for(lock, kPoll);
    }
}

bool Flow::idle(ReceivedTime now) const {
    for (const auto& [stage, lag] : lag())
        if (lag > 0) return false;
    for (const auto& status : runtime_.status())
        if (status->next_due_micros.load() <= now.micros()) return false;
    return effects_lag() == 0;
}

bool Flow::settle(ReceivedTime now, std::chrono::milliseconds timeout) {
    const auto rounds = timeout / kPoll;
    int quiet = 0;
    for (std::int64_t i = 0; i < rounds; ++i) {
        // Twice in a row: a stage may have been between reading and committing.
        quiet = idle(now) ? quiet + 1 : 0;
        if (quiet >= 2) return true;
        std::unique_lock lock(mutex_);
        if (stopping_) return false;
        wake_.wait_for(lock, kPoll, [this] { return stopping_; });
    }
    return false;
}

}  // namespace vitalog::topology
