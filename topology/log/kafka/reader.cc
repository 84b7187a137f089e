#include "topology/log/kafka/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "topology/log/log.h"

namespace vitalog::topology::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kLanesMax = 4;  // cursors of one partition
constexpr std::chrono::seconds kIdleCursor{30};
constexpr std::chrono::milliseconds kAskAgain{
    100};  // how old the end of a partition may be that nobody follows
constexpr std::chrono::seconds kWantedLately{2};
constexpr std::chrono::seconds kUnanswered{5};
constexpr std::chrono::milliseconds kStep{2};

/// A consumer in no group. What waits in the client is bounded by bytes: beyond it librdkafka 2.0.2
/// pauses a fetch for a second, so that it is several times what a read takes.
Properties reading(Properties properties, std::size_t ahead_bytes) {
    properties["isolation.level"] = "read_committed";
    properties["enable.partition.eof"] = "true";
    properties["enable.auto.commit"] = "false";
    properties["enable.auto.offset.store"] = "false";
    properties["auto.offset.reset"] = "error";
    properties["check.crcs"] = "true";
    properties["fetch.wait.max.ms"] = "50";
    properties["fetch.error.backoff.ms"] = "50";
    properties["queued.min.messages"] = "1000000";
    properties["queued.max.messages.kbytes"] = std::to_string(ahead_bytes >> 10);
    properties["fetch.message.max.bytes"] = "4194304";
    return properties;
}

}  // namespace

void Reader::add_topic(const std::string& topic, std::uint32_t partitions, Keeps keeps) {
    for (std::uint32_t i = 0; i < partitions; ++i) {
        auto partition = std::make_unique<Partition>();
        partition->window_bytes = keeps == Keeps::Window ? options_.window_bytes : 0;
        partitions_[{topic, vitalog::Partition(i)}] = std::move(partition);
    }
}

Reader::Partition* Reader::find(const TopicPartition& tp) const {
    const auto found = partitions_.find(tp);
    return found == partitions_.end() ? nullptr : found->second.get();
}

void Reader::wake(rd_kafka_t* /*consumer*/, void* activity) {
    static_cast<Activity*>(activity)->bump();
}

Result<rd_kafka_t*> Reader::lane(std::size_t index) {
    const std::lock_guard lock(lanes_mutex_);
    while (lanes_.size() <= index) {
        VITALOG_TRY(auto consumer, make_client(RD_KAFKA_CONSUMER,
                                               reading(options_.properties, options_.ahead_bytes)));
        lanes_.push_back(std::move(consumer));
    }
    return lanes_[index].get();
}

Result<Watermarks> Reader::ask(const TopicPartition& tp) {
    VITALOG_TRY(rd_kafka_t * consumer, lane(0));
    return ask_watermarks(consumer, tp);
}

/// The cursor that covers `from`; else one is started there, in the place of the one least used
/// where all are taken. The first one stays, so that the next read of a quiet partition finds it.
Result<Cursor*> Reader::follower(Partition& partition, const TopicPartition& tp, Offset from) {
    const auto now = SteadyClock::now();
    auto& followers = partition.followers;
    std::erase_if(followers, [&](const Follower& f) {
        return &f != followers.data() && now - f.used > kIdleCursor;
    });
    for (Follower& f : followers) {
        if (!f.cursor->covers(from)) continue;
        f.used = now;
        return f.cursor.get();
    }
    VITALOG_TRY(const auto ends, ask(tp));
    partition.readable = std::max(partition.readable, ends.end);
    if (from < ends.begin)
        return fail(Errc::OutOfRange,
                    fmt::format("{} was deleted before it was read; the first offset kept is {}",
                                to_string(tp, from), ends.begin.value()));
    std::vector<bool> taken(kLanesMax, false);
    for (const Follower& f : followers) taken[f.lane] = true;
    std::size_t lane_index =
        static_cast<std::size_t>(std::find(taken.begin(), taken.end(), false) - taken.begin());
    if (lane_index == kLanesMax) {
        const auto oldest = std::ranges::min_element(followers, {}, &Follower::used);
        lane_index = oldest->lane;
        followers.erase(oldest);  // stops it first: a consumer follows a partition once
    }
    VITALOG_TRY(rd_kafka_t * consumer, lane(lane_index));
    VITALOG_TRY(auto cursor,
                Cursor::start(consumer, tp, from, partition.window_bytes, wake, &activity_));
    followers.push_back({lane_index, std::move(cursor), now});
    return followers.back().cursor.get();
}

Result<void> Reader::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                          RecordBatch& out) {
    BatchFill fill(from, max_bytes, out);
    Partition* partition = find(tp);
    if (!partition) return unknown_partition(tp);
    const std::lock_guard lock(partition->mutex);
    VITALOG_TRY(Cursor * cursor, follower(*partition, tp, from));
    const auto deadline = SteadyClock::now() + kCallLimit;
    auto wait = std::chrono::milliseconds(0);
    while (true) {
        if (cursor->kept_bytes(from) < max_bytes) {
            auto taken = cursor->take(wait, from);
            if (!taken) {  // the next read begins anew
                std::erase_if(partition->followers,
                              [&](const Follower& f) { return f.cursor.get() == cursor; });
                return taken;
            }
        }
        VITALOG_CHECK(cursor->give(fill));
        if (!out.records.empty()) return {};
        out.next = std::max(from, cursor->position());
        if (out.next >= partition->readable) return {};
        if (SteadyClock::now() >= deadline)
            return fail(Errc::Io, fmt::format("{}: the cluster gave nothing for {} s",
                                              to_string(tp, from), kCallLimit.count() / 1000));
        wait = kStep;
    }
}

void Reader::leave(const TopicPartition& tp) {
    Partition* partition = find(tp);
    if (!partition) return;
    const std::lock_guard lock(partition->mutex);
    partition->followers.clear();
}

Result<Offset> Reader::begin(const TopicPartition& tp) {
    if (!find(tp)) return unknown_partition(tp);
    VITALOG_TRY(const auto ends, ask(tp));
    return ends.begin;
}

Result<Offset> Reader::at(const TopicPartition& tp, LogTime time) {
    if (!find(tp)) return unknown_partition(tp);
    VITALOG_TRY(rd_kafka_t * consumer, lane(0));
    const Partitions list(rd_kafka_topic_partition_list_new(1));
    auto* entry = add_partition(*list, tp);
    const auto code = until_settled(consumer, {tp.topic}, [&] {
        entry->offset = time.millis();
        const auto asked =
            rd_kafka_offsets_for_times(consumer, list.get(), static_cast<int>(kCallLimit.count()));
        return asked == RD_KAFKA_RESP_ERR_NO_ERROR ? entry->err : asked;
    });
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tl::unexpected(to_error(code, "cannot find a time in " + to_string(tp)));
    if (entry->offset >= 0) return Offset(entry->offset);
    return end(tp);
}

Result<Offset> Reader::end(const TopicPartition& tp) {
    Partition* partition = find(tp);
    if (!partition) return unknown_partition(tp);
    const auto known = [&] {
        Offset end = std::max(partition->readable, partition->promised);
        for (const Follower& f : partition->followers) end = std::max(end, f.cursor->end());
        return end;
    };
    {
        const std::lock_guard lock(partition->mutex);
        const auto now = SteadyClock::now();
        if (!partition->followers.empty() || now - partition->asked < kAskAgain) return known();
        partition->wanted = now;
    }
    VITALOG_CHECK(ask_ends(tp));
    const std::lock_guard lock(partition->mutex);
    return known();
}

/// Asks for all ends at once that were wanted lately: whoever wants one wants the others too, as a
/// rule.
Result<void> Reader::ask_ends(const TopicPartition& wanted) {
    const std::string what = "cannot learn where " + to_string(wanted) + " ends";
    const auto now = SteadyClock::now();
    if (const auto last = unanswered_.load(); last != decltype(last)() && now - last < kUnanswered)
        return fail(Errc::Io, what + ": the cluster did not answer a moment ago");
    VITALOG_TRY(rd_kafka_t * consumer, lane(0));
    const Partitions list(rd_kafka_topic_partition_list_new(16));
    std::set<std::string> topics;
    for (const auto& [tp, partition] : partitions_) {
        const std::lock_guard lock(partition->mutex);
        if (now - partition->wanted > kWantedLately) continue;
        add_partition(*list, tp);
        topics.insert(tp.topic);
    }
    const auto code = until_settled(consumer, topics, [&] {
        for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = RD_KAFKA_OFFSET_END;
        auto asked =
            rd_kafka_offsets_for_times(consumer, list.get(), static_cast<int>(kCallLimit.count()));
        for (int i = 0; i < list->cnt && asked == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
            asked = list->elems[i].err;
        return asked;
    });
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        unanswered_ = SteadyClock::now();
        return tl::unexpected(to_error(code, what));
    }
    for (int i = 0; i < list->cnt; ++i) {
        const auto& entry = list->elems[i];
        Partition* partition = find(partition_in(entry));
        const std::lock_guard lock(partition->mutex);
        partition->readable = std::max(partition->readable, Offset(entry.offset));
        partition->asked = now;
    }
    return {};
}

Result<Offset> Reader::asked_end(const TopicPartition& tp) {
    Partition* partition = find(tp);
    if (!partition) return unknown_partition(tp);
    VITALOG_TRY(const auto ends, ask(tp));
    const std::lock_guard lock(partition->mutex);
    partition->readable = std::max(partition->readable, ends.end);
    return ends.end;
}

void Reader::readable(const TopicPartition& tp, Offset end) {
    if (Partition* partition = find(tp)) {
        const std::lock_guard lock(partition->mutex);
        partition->readable = std::max(partition->readable, end);
    }
    activity_.bump();
}

void Reader::promised(const TopicPartition& tp, Offset end) {
    if (Partition* partition = find(tp)) {
        const std::lock_guard lock(partition->mutex);
        partition->promised = std::max(partition->promised, end);
    }
}

Offset Reader::known(const TopicPartition& tp) const {
    const Partition* partition = find(tp);
    if (!partition) return Offset();
    const std::lock_guard lock(partition->mutex);
    Offset known = std::max(partition->readable, partition->promised);
    for (const Follower& f : partition->followers) known = std::max(known, f.cursor->position());
    return known;
}

std::uint64_t Reader::memory_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [tp, partition] : partitions_) {
        const std::lock_guard lock(partition->mutex);
        for (const Follower& f : partition->followers) bytes += f.cursor->kept_bytes(Offset());
    }
    return bytes;
}

/// Cursors go before the consumers that they use.
Reader::~Reader() {
    partitions_.clear();
}

}  // namespace vitalog::topology::kafka
