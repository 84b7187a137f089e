#include "processors/care/seen_times.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace vitalog::processors::care {

SeenTimes::Run SeenTimes::run_between(std::int64_t first, std::int64_t last, std::int64_t step) {
    return {first, last, first == last ? 0 : step};
}

/// Whether a moment that lies `distance` beyond an end of the run goes on with its step.
bool SeenTimes::extends(const Run& run, std::int64_t distance) {
    return run.single() ? distance <= kStepMax : run.step == distance;
}

bool SeenTimes::insert(std::int64_t at) {
    const auto next =
        std::upper_bound(runs_.begin(), runs_.end(), at,
                         [](std::int64_t t, const Run& run) { return t < run.first; });
    if (next != runs_.begin()) {
        Run& before = *(next - 1);
        if (at <= before.last) {
            if (before.has(at)) return false;
            split(static_cast<std::size_t>(next - runs_.begin()) - 1, at);
            join_closest();
            return true;
        }
        if (extends(before, at - before.last)) {
            before.step = at - before.last;
            before.last = at;
            return true;
        }
    }
    if (next != runs_.end() && extends(*next, next->first - at)) {
        next->step = next->first - at;
        next->first = at;
        return true;
    }
    runs_.insert(next, Run{at, at, 0});
    join_closest();
    return true;
}

/// A moment between the steps of a run: what is before it, the moment, and what is after it.
void SeenTimes::split(std::size_t index, std::int64_t at) {
    const Run run = runs_[index];
    const std::int64_t before = run.first + (at - run.first) / run.step * run.step;
    const std::array<Run, 3> parts{run_between(run.first, before, run.step), Run{at, at, 0},
                                   run_between(before + run.step, run.last, run.step)};
    runs_[index] = parts[0];
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(index) + 1, parts.begin() + 1,
                 parts.end());
}

/// How much is lost by joining a run with the next: the moments between that would count as seen,
/// as a share of how long ago they are. What is long past is remembered more coarsely.
SeenTimes::Loss SeenTimes::loss_at(std::size_t index) const {
    constexpr std::int64_t kHour = 3'600'000;
    const Run& run = runs_[index];
    const Run& after = runs_[index + 1];
    return {std::max({after.first - run.last, run.step, after.step}),
            runs_.back().last - after.first + kHour};
}

void SeenTimes::join_closest() {
    while (runs_.size() > kRunsMax) {
        std::size_t closest = 0;
        Loss least = loss_at(0);
        for (std::size_t i = 1; i + 1 < runs_.size(); ++i)
            if (const Loss loss = loss_at(i); loss.less_than(least)) {
                closest = i;
                least = loss;
            }
        runs_[closest] = {runs_[closest].first, runs_[closest + 1].last, 0};
        runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
    }
}

void SeenTimes::forget_before(std::int64_t at) {
    const auto kept =
        std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.last >= at; });
    runs_.erase(runs_.begin(), kept);
}

void SeenTimes::absorb(const SeenTimes& other) {
    std::vector<Run> all;
    all.reserve(runs_.size() + other.runs_.size());
    std::merge(runs_.begin(), runs_.end(), other.runs_.begin(), other.runs_.end(),
               std::back_inserter(all),
               [](const Run& a, const Run& b) { return a.first < b.first; });
    runs_.clear();
    for (const Run& run : all) {
        if (runs_.empty() || run.first > runs_.back().last) {
            runs_.push_back(run);
            continue;
        }
        // They overlap: the same run, or a span that covers both.
        Run& before = runs_.back();
        if (run.first == before.first && run.last == before.last && run.step == before.step)
            continue;
        before = {before.first, std::max(before.last, run.last), 0};
    }
    join_closest();
}

// seen = n run
// run  = delta(first) steps [step], or with step 0: the length of the span in place of `steps`
void SeenTimes::encode(BinaryWriter& out) const {
    out.varint(runs_.size());
    std::int64_t before = 0;
    for (const Run& run : runs_) {
        out.signed_varint(run.first - before);
        const std::int64_t length = run.last - run.first;
        out.varint(static_cast<std::uint64_t>(run.step == 0 ? length : length / run.step));
        if (!run.single()) out.varint(static_cast<std::uint64_t>(run.step));
        before = run.last;
    }
}

bool SeenTimes::decode(BinaryReader& in) {
    constexpr std::uint64_t kFar = std::uint64_t{1} << 50;  // of milliseconds, and of their sums
    runs_.clear();
    const std::size_t count = in.count();
    if (count > kRunsMax) return false;
    std::int64_t before = 0;
    for (std::size_t i = 0; i < count; ++i) {
        Run run;
        const std::int64_t delta = in.signed_varint();
        if (delta > static_cast<std::int64_t>(kFar) || delta < -static_cast<std::int64_t>(kFar))
            return false;
        run.first = before + delta;
        if (i > 0 && run.first <= before) return false;
        const std::uint64_t steps = in.varint();
        const std::uint64_t step = steps == 0 ? 0 : in.varint();
        std::uint64_t length = steps;
        if (step != 0 && __builtin_mul_overflow(steps, step, &length)) return false;
        if (length > kFar || step > kFar) return false;
        run.step = static_cast<std::int64_t>(step);
        run.last = run.first + static_cast<std::int64_t>(length);
        before = run.last;
        runs_.push_back(run);
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
