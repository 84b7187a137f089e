#include "topology/runtime/runtime.h"

#include <algorithm>

#include "schemas/base/thread_name.h"

namespace vitalog::topology {
namespace {
constexpr std::chrono::milliseconds kIdleWait{20};  // how long a clock set by hand may go unnoticed
constexpr std::chrono::milliseconds kShortWait{1};
constexpr std::chrono::seconds kLookAgain{1};  // after a shard that could not be opened
}  // namespace

Runtime::~Runtime() { (void)stop(false); }

Result<void> Runtime::add(ShardSpec spec, ProcessorFactory make_processor) {
    auto slot = std::make_unique<Slot>();
    slot->spec = spec;
    slot->make_processor = std::move(make_processor);
    auto status = std::make_unique<ShardStatus>();
    status->spec = spec;
    slot->status = status.get();
    status->input = {ports_.topics.name(spec.input), spec.partition};
    if (ports_.log.ownership(spec.stage, status->input) == Ownership::Ours) VITALOG_CHECK(open(*slot));
    status_.push_back(std::move(status));
    slots_.push_back(std::move(slot));
    return {};
}

/// False while the log brings the shard's state.
Result<bool> Runtime::open(Slot& slot) {
    slot.shard.reset();  // the log gives a shard to one holder only
    VITALOG_TRY(auto shard_log, ports_.log.open_shard(slot.spec.stage, slot.status->input));
    if (!shard_log) return false;
    VITALOG_TRY(slot.shard, Shard::open(slot.spec, std::move(shard_log), slot.make_processor(), ports_, options_));
    slot.status->committed = slot.shard->committed().value();
    slot.status->recovered = slot.shard->recovered();
    slot.status->ours = true;
    return true;
}

/// Runs what is ours and lets go of what is not. False when there is no shard to step.
Result<bool> Runtime::settle_ownership(Slot& slot) {
    const auto whose = ports_.log.ownership(slot.spec.stage, slot.status->input);
    if (whose == Ownership::Ours && slot.shard) return true;
    if (whose == Ownership::Undecided) return false;
    if (whose == Ownership::Others) {
        slot.shard.reset();
        slot.status->ours = false;
        slot.status->next_due_micros = INT64_MAX;
        if (const auto committed = ports_.log.committed(slot.spec.stage, slot.status->input))
            slot.status->committed = committed->value();
        return false;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now < slot.look_again) return false;
    const auto opened = open(slot);
    if (opened) return *opened;
    slot.look_again = now + kLookAgain;
    if (opened.error().code() != Errc::Busy) return tl::unexpected(opened.error());
    log_line("warn", "shard-not-opened", {{"stage", slot.spec.stage},
                                          {"partition", std::to_string(slot.spec.partition.value())},
                                          {"error", opened.error().to_string()}});
    return false;
}

Result<bool> Runtime::step(Slot& slot) {
    VITALOG_TRY(const bool ready, settle_ownership(slot));
    if (!ready) return false;
    const auto step = slot.shard->step();
    if (!step && step.error().code() != Errc::Busy) return tl::unexpected(step.error());
    if (!step || *step == Shard::Step::Reopen) {
        std::vector<std::pair<std::string_view, std::string>> fields = {
            {"stage", slot.spec.stage}, {"partition", std::to_string(slot.spec.partition.value())}};
        if (!step) fields.emplace_back("error", step.error().to_string());
        log_line("warn", "shard-reopened", fields);
        slot.shard.reset();
        slot.look_again = {};
        if (!step) slot.look_again = std::chrono::steady_clock::now() + kLookAgain;
        return step.has_value();
    }
    const auto due = slot.shard->next_due();
    slot.status->next_due_micros = due ? due->micros() : INT64_MAX;
    slot.status->recovered = slot.shard->recovered();
    slot.status->committed = slot.shard->committed().value();
    slot.status->entity_bytes = slot.shard->entity_bytes();
    return *step == Shard::Step::Worked;
}

Result<bool> Runtime::step_all() {
    bool worked = false;
    for (auto& slot : slots_) {
        VITALOG_TRY(const bool one, step(*slot));
        worked |= one;
    }
    return worked;
}

void Runtime::work(std::vector<Slot*> slots) {
    name_thread("worker");
    while (!stopping_) {
        // A write that failed may have been another's, whom nobody hears: the views', a feed's.
        if (const auto usable = ports_.log.usable(); !usable) return fail_once(usable.error());
        const std::uint64_t seen = ports_.log.activity();
        bool worked = false;
        bool waiting_to_commit = false;
        for (Slot* slot : slots) {
            const auto one = step(*slot);
            if (!one) return fail_once(one.error());
            worked |= *one;
            if (!slot->shard) continue;
            const auto wake = slot->shard->next_wake();
            waiting_to_commit |= wake && *wake <= ports_.clock.now() + options_.commit_delay;
        }
        if (!worked) ports_.log.wait(seen, waiting_to_commit ? kShortWait : kIdleWait);
    }
}

void Runtime::fail_once(const Error& error) {
    std::call_once(failed_, [&] { on_failure_(error); });
}

void Runtime::start(std::size_t workers, std::function<void(Error)> on_failure) {
    on_failure_ = std::move(on_failure);
    stopping_ = false;
    std::vector<std::vector<Slot*>> shares(std::max<std::size_t>(1, std::min(workers, slots_.size())));
    for (std::size_t i = 0; i < slots_.size(); ++i) shares[i % shares.size()].push_back(slots_[i].get());
    for (auto& share : shares)
        threads_.emplace_back([this, share = std::move(share)]() mutable { work(std::move(share)); });
}

Result<void> Runtime::stop(bool flush) {
    stopping_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    Result<void> result;
    for (auto& slot : slots_) {
        if (flush && slot->shard) {
            auto closed = slot->shard->close();
            if (!closed && result) result = std::move(closed);
        }
        slot->shard.reset();
    }
    slots_.clear();
    return result;
}

bool Runtime::passed(std::string_view stage, const std::vector<Offset>& ends) const {
    for (const auto& status : status_) {
        if (status->spec.stage != stage) continue;
        const std::size_t partition = status->spec.partition.value();
        if (partition < ends.size() && status->committed < ends[partition].value()) return false;
    }
    return true;
}

}  // namespace vitalog::topology
