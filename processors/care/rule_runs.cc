#include "processors/care/rule_runs.h"

#include <algorithm>

#include "schemas/base/ids.h"

namespace vitalog::processors::care {
namespace {

constexpr std::uint8_t kRaise = 1, kClear = 2;

void write(BinaryWriter& out, const rules::Run& run) {
    if (!run.going) return;
    out.signed_varint(run.last.micros());
    out.signed_varint((run.last - run.since).count());
}

bool read(BinaryReader& in, rules::Run& run) {
    constexpr std::int64_t kFar = std::int64_t{1} << 60;
    run.going = true;
    const std::int64_t last = in.signed_varint();
    const std::int64_t length = in.signed_varint();
    if (last > kFar || last < -kFar || length < 0 || length > kFar) return false;
    run.last = EventTime(last);
    run.since = run.last - std::chrono::microseconds(length);
    return true;
}

EventTime last_of(const RuleRun& run) {
    if (!run.raise.going) return run.clear.last;
    return run.clear.going ? std::max(run.raise.last, run.clear.last) : run.raise.last;
}

}  // namespace

std::uint64_t RuleRuns::key_of(std::string_view rule, std::string_view loinc) {
    return hash64(rule) ^ (hash64(loinc) * 3);
}

const RuleRun* RuleRuns::find(std::uint64_t key) const {
    const auto found =
        std::find_if(runs_.begin(), runs_.end(), [&](const RuleRun& r) { return r.key == key; });
    return found == runs_.end() ? nullptr : &*found;
}

void RuleRuns::put(const RuleRun& run) {
    const auto found = std::find_if(runs_.begin(), runs_.end(),
                                    [&](const RuleRun& r) { return r.key == run.key; });
    if (!run.raise.going && !run.clear.going) {
        if (found != runs_.end()) runs_.erase(found);
        return;
    }
    if (found != runs_.end()) {
        *found = run;
        return;
    }
    if (runs_.size() == kRuleRunsMax)
        runs_.erase(std::min_element(
            runs_.begin(), runs_.end(),
            [](const RuleRun& a, const RuleRun& b) { return last_of(a) < last_of(b); }));
    runs_.push_back(run);
}

// runs = n { key going [last length] [last length] }       towards the alert, towards the end
void RuleRuns::encode(BinaryWriter& out) const {
    out.varint(runs_.size());
    for (const auto& run : runs_) {
        out.fixed64(run.key);
        out.u8(static_cast<std::uint8_t>((run.raise.going ? kRaise : 0) |
                                         (run.clear.going ? kClear : 0)));
        write(out, run.raise);
        write(out, run.clear);
    }
}

bool RuleRuns::decode(BinaryReader& in) {
    const std::size_t count = in.count();
    if (count > kRuleRunsMax) return false;
    for (std::size_t i = 0; i < count; ++i) {
        RuleRun& run = runs_.emplace_back();
        run.key = in.fixed64();
        const auto going = in.u8();
        if (going == 0 || going > (kRaise | kClear)) return false;
        if ((going & kRaise) != 0 && !read(in, run.raise)) return false;
        if ((going & kClear) != 0 && !read(in, run.clear)) return false;
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
