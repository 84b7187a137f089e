#include <algorithm>

#include "schemas/base/planted.h"
#include "tests/simulation/sim_handle.h"

// SimLog as a cluster: transactions, their markers, and leaders that move.

namespace vitalog::simulation {

using topology::PartitionOutput;

void SimLog::submit(Handle& handle, const Commit& commit) {
    waiting_[handle.process_].push_back({&handle, &handle.shard_, handle.epoch_, commit});
    ++handle.shard_.undecided;
}

void SimLog::withdraw(Handle& handle) {
    if (one_machine()) {
        if (handle.crashes_ == crashes_) handle.shard_.held = false;
        return;
    }
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const auto gone = std::erase_if(
            at->second, [&](const Member& member) { return member.handle == &handle; });
        handle.shard_.undecided -= static_cast<int>(gone);
        at = at->second.empty() ? waiting_.erase(at) : std::next(at);
    }
    for (auto& txn : txns_)
        for (Member& member : txn->members)
            if (member.handle == &handle) member.handle = nullptr;
}

void SimLog::begin_transaction(int process) {
    auto txn = std::make_unique<Txn>();
    txn->id = ++last_txn_;
    txn->process = process;
    auto& waiting = waiting_[process];
    txn->members = std::move(waiting);
    waiting_.erase(process);
    trace_.say("  t{} of p{} begins with {} shards", txn->id, process, txn->members.size());
    txns_.push_back(std::move(txn));
}

bool SimLog::advance() {
    if (sync_due_) {
        all_synced();
        return true;
    }
    const std::size_t choices = waiting_.size() + txns_.size() + markers_.size() + tails_.size();
    if (choices == 0) return false;
    std::size_t which = random_.pick(choices);
    changed();
    if (which < waiting_.size()) {
        auto at = waiting_.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(which));
        begin_transaction(at->first);
        return true;
    }
    which -= waiting_.size();
    if (which < txns_.size()) {
        if (!random_.chance(faults_.linger)) step(*txns_[which]);
        std::erase_if(txns_, [](const auto& txn) { return txn->members.empty(); });
        return true;
    }
    which -= txns_.size();
    if (which < markers_.size())
        write_marker(which);
    else
        follow(tails_[which - markers_.size()].tp);
    return true;
}

void SimLog::step(Txn& txn) {
    switch (txn.phase) {
        case Phase::Positions:
            return send_positions(txn);
        case Phase::Records:
            return send_records(txn);
        case Phase::End:
            return end_transaction(txn);
        case Phase::Limbo:
            decide(txn, txn.commits);
            txn.members.clear();
            return;
        case Phase::Tell:
            return tell(txn, CommitOutcome::Committed, "");
    }
}

/// Positions go first, with the proof of membership: a shard that has moved is refused.
void SimLog::send_positions(Txn& txn) {
    bool fenced = false;
    for (const Member& member : txn.members)
        fenced |= member.epoch != member.shard->epoch && !planted("log-without-fencing");
    if (!fenced && !random_.chance(faults_.abort)) {
        txn.phase = Phase::Records;
        return;
    }
    for (const Member& member : txn.members) {
        const bool gone = member.epoch != member.shard->epoch;
        --member.shard->undecided;
        trace_.say("  t{}: {} of {} {}", txn.id, member.shard->stage,
                   to_string(member.shard->input), gone ? "is fenced" : "is aborted");
        if (member.handle == nullptr) continue;
        member.handle->outcome_ = gone ? CommitOutcome::Unknown : CommitOutcome::Aborted;
        member.handle->why_ = gone ? "the shard has gone to another process" : "aborted";
    }
    txn.members.clear();
}

void SimLog::send_records(Txn& txn) {
    const bool breaks = random_.chance(faults_.abort);
    for (const Member& member : txn.members)
        for (const PartitionOutput& output : member.commit.outputs) {
            if (output.block.empty() || (breaks && random_.chance(500))) continue;
            add_span(output.tp, output.block, member.shard->number, txn.id);
            txn.wrote.insert(output.tp);
        }
    if (!breaks) {
        txn.phase = Phase::End;
        return;
    }
    decide(txn, false);
    tell(txn, CommitOutcome::Aborted, "a record was not taken in time");
}

void SimLog::end_transaction(Txn& txn) {
    if (random_.chance(faults_.unknown)) {
        txn.commits = random_.chance(faults_.applied);
        trace_.say("  t{}: no answer to its end; it will be {}", txn.id,
                   txn.commits ? "committed" : "aborted");
        for (Member& member : txn.members) {
            if (member.handle == nullptr) continue;
            member.handle->outcome_ = CommitOutcome::Unknown;
            member.handle->why_ = "no answer to the end of a transaction";
            member.handle = nullptr;
        }
        txn.phase = Phase::Limbo;
        return;
    }
    decide(txn, true);
    txn.phase = Phase::Tell;
}

/// From here on positions and state are the new ones; records follow with their markers.
void SimLog::decide(Txn& txn, bool commits) {
    trace_.say("  t{} is {}", txn.id, commits ? "committed" : "aborted");
    for (const Member& member : txn.members) {
        --member.shard->undecided;
        if (commits) apply(*member.shard, member.commit);
    }
    for (const TopicPartition& tp : txn.wrote) markers_.push_back({tp, txn.id, commits});
    changed();
}

void SimLog::tell(Txn& txn, CommitOutcome outcome, const std::string& why) {
    for (const Member& member : txn.members) {
        if (member.handle == nullptr) continue;
        member.handle->outcome_ = outcome;
        member.handle->why_ = why;
    }
    txn.members.clear();
}

void SimLog::write_marker(std::size_t index) {
    const Marker marker = markers_[index];
    markers_.erase(markers_.begin() + static_cast<std::ptrdiff_t>(index));
    Records& p = partitions_.at(marker.tp);
    const Offset base = p.end;
    p.spans.push_back({base, 1, nullptr, marker.txn, 0, false, false});
    p.end = p.spans.back().end();
    tails_.push_back({marker.tp, base, marker});
    if (faults_.leader_moves == 0 || planted("read-unreplicated")) show(tails_.back());
    if (faults_.leader_moves == 0) tails_.pop_back();
}

/// What only a marker, or an answer, made wait can be read from here on.
void SimLog::show(const Tail& tail) {
    Records& p = partitions_.at(tail.tp);
    for (Span& span : p.spans) {
        const bool meant = tail.marker ? span.txn == tail.marker->txn : span.base == tail.base;
        if (!meant || !span.open) continue;
        span.open = false;
        span.aborted = tail.marker && !tail.marker->commits;
        --p.open;
    }
}

/// The last record there is answered for and is nowhere else.
void SimLog::leave_to_leader(const TopicPartition& tp) {
    Records& p = partitions_.at(tp);
    tails_.push_back({tp, p.spans.back().base, std::nullopt});
    p.spans.back().open = true;
    ++p.open;
}

/// The followers of a leader have what it has; or one of them leads now, and never had it.
void SimLog::follow(TopicPartition tp) {  // by value: its tail goes
    if (random_.chance(faults_.leader_moves))
        move_leader(tp);
    else
        replicate(tp);
}

void SimLog::replicate(const TopicPartition& tp) {
    for (const Tail& tail : tails_)
        if (tail.tp == tp) show(tail);
    std::erase_if(tails_, [&](const Tail& tail) { return tail.tp == tp; });
}

/// The coordinator writes its markers once more: the new leader knows nothing of them.
void SimLog::move_leader(const TopicPartition& tp) {
    Records& p = partitions_.at(tp);
    const auto first = std::ranges::find(tails_, tp, &Tail::tp);
    trace_.say("  the leader of {} moves: what is from {} on is not there any more", to_string(tp),
               first->base.value());
    p.end = first->base;
    while (!p.spans.empty() && p.spans.back().base >= p.end) {
        p.open -= p.spans.back().open ? 1 : 0;
        p.spans.pop_back();
    }
    for (const Tail& tail : tails_) {
        if (tail.tp != tp || !tail.marker) continue;
        markers_.push_back(*tail.marker);
        for (Span& span : p.spans) {
            if (span.txn != tail.marker->txn || span.open) continue;
            span.open = true;  // it was shown too early
            ++p.open;
        }
    }
    std::erase_if(tails_, [&](const Tail& tail) { return tail.tp == tp; });
}

/// Its producers' next owner ends what they left open, or the cluster does after a while; what they
/// had asked to commit may still be on its way.
void SimLog::forsake(int process) {
    if (one_machine()) return;
    const auto waiting = waiting_.find(process);
    if (waiting != waiting_.end()) {
        for (const Member& member : waiting->second) --member.shard->undecided;
        waiting_.erase(waiting);
    }
    for (auto& txn : txns_) {
        if (txn->process != process) continue;
        for (Member& member : txn->members) member.handle = nullptr;
        if (txn->phase == Phase::Limbo || txn->phase == Phase::Tell) continue;
        txn->commits = txn->phase == Phase::End && random_.chance(faults_.applied);
        txn->phase = Phase::Limbo;
    }
}

}  // namespace vitalog::simulation
