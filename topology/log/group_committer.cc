#include "topology/log/group_committer.h"

#include <iterator>
#include <utility>

#include "schemas/base/thread_name.h"

namespace vitalog::topology {

std::size_t memory_bytes(const FeedRecord& record) {
    const std::size_t ledger =
        record.ledger ? record.ledger->key.size() + record.ledger->answer.size() : 0;
    return sizeof record + record.topic.size() + record.key.size() + record.value.size() +
           record.headers.size() + ledger;
}

GroupCommitter::GroupCommitter(Limits limits, std::function<void(AppendGroup)> commit,
                               std::function<void()> sync)
    : limits_(limits),
      commit_(std::move(commit)),
      sync_(std::move(sync)),
      thread_([this] { run(); }) {}

GroupCommitter::~GroupCommitter() {
    stop();
}

bool GroupCommitter::offer(FeedRecord& record, AppendDone& done) {
    const std::size_t bytes = memory_bytes(record);
    const std::lock_guard lock(mutex_);
    // A record larger than the whole queue passes when it is alone.
    const bool room = waiting_.empty() || (waiting_.records.size() < limits_.queue_records &&
                                           waiting_.bytes + bytes <= limits_.queue_bytes);
    if (stopping_ || !room) return false;
    waiting_.bytes += bytes;
    waiting_.records.push_back(std::move(record));
    waiting_.done.push_back(std::move(done));
    if (waiting_.records.size() == 1) wanted_.notify_one();
    return true;
}

void GroupCommitter::nudge() {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
    wanted_.notify_one();
}

void GroupCommitter::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wanted_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

AppendGroup GroupCommitter::take() {
    if (waiting_.records.size() <= limits_.group_records && waiting_.bytes <= limits_.group_bytes)
        return std::exchange(waiting_, {});
    AppendGroup group;
    std::size_t count = 0;
    while (count < waiting_.records.size() && count < limits_.group_records &&
           (count == 0 || group.bytes < limits_.group_bytes))
        group.bytes += memory_bytes(waiting_.records[count++]);
    const auto move_front = [count](auto& from, auto& to) {
        const auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
        to.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
        from.erase(from.begin(), end);
    };
    move_front(waiting_.records, group.records);
    move_front(waiting_.done, group.done);
    waiting_.bytes -= group.bytes;
    return group;
}

void GroupCommitter::run() {
    name_thread("committer");
    std::unique_lock lock(mutex_);
    while (true) {
        wanted_.wait(lock, [this] { return stopping_ || nudged_ || !waiting_.empty(); });
        const bool nudged = std::exchange(nudged_, false);
        if (!waiting_.empty()) {
            AppendGroup group = take();
            lock.unlock();
            commit_(std::move(group));
            lock.lock();
        } else if (nudged) {
            lock.unlock();
            sync_();
            lock.lock();
        } else {
            return;
        }
    }
}

}  // namespace vitalog::topology
