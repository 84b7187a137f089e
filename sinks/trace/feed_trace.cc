#include "sinks/trace/feed_trace.h"

#include <algorithm>
#include <chrono>

namespace vitalog::sinks {
namespace {

using std::chrono::seconds;

/// Records of one partition are not quite in the order in which they were received.
constexpr seconds kDisorder{10};
constexpr std::int64_t kTriesAtOnce = 4'096;

}  // namespace

bool FeedTrace::is_it(const RecordId& id, const TopicPartition& tp, std::int64_t offset) const {
    for (std::uint32_t g = generation_.value(); g > 0; --g)
        if (feed_record_id(Generation(g), tp, Offset(offset)) == id) return true;
    return false;
}

/// The first offset of a record received at that time or later, as far as they lie in order.
Result<Offset> FeedTrace::first_since(const TopicPartition& tp, LogTime at) const {
    VITALOG_TRY(Offset low, records_.begin_offset(tp));
    VITALOG_TRY(Offset high, records_.end_offset(tp));
    RecordBatch batch;
    while (low < high) {
        const Offset middle(low.value() + (high.value() - low.value()) / 2);
        batch.clear();
        VITALOG_CHECK(records_.read(tp, middle, 1, batch));
        if (batch.records.empty() || batch.records.front().timestamp >= at)
            high = middle;
        else
            low = next(std::max(middle, batch.records.front().offset));
    }
    return low;
}

Result<std::vector<FeedTrace::Candidate>> FeedTrace::candidates(LogTime received) const {
    std::vector<Candidate> all;
    for (const auto& topic : schemas::kTopics) {
        if (!topic.feed) continue;
        const std::string& name = topics_.name(topic.topic);
        for (std::uint32_t p = 0; p < records_.partitions(name); ++p) {
            const TopicPartition tp{name, Partition(p)};
            VITALOG_TRY(const Offset begin, records_.begin_offset(tp));
            VITALOG_TRY(const Offset end, records_.end_offset(tp));
            if (begin >= end) continue;
            VITALOG_TRY(const Offset low, first_since(tp, received - kDisorder));
            VITALOG_TRY(const Offset high, first_since(tp, received + kDisorder));
            all.push_back({tp, begin.value(), low.value(), std::max(low, high).value()});
        }
    }
    return all;
}

/// Those received about then first; further back, a stretch of each partition after the other.
std::optional<FeedPlace> FeedTrace::search(const RecordId& id, std::vector<Candidate> all) {
    for (const auto& one : all)
        for (std::int64_t offset = one.low; offset < one.high && tries_left_ > 0; ++offset) {
            --tries_left_;
            if (is_it(id, one.tp, offset)) return FeedPlace{one.tp, Offset(offset)};
        }
    for (bool further = true; further && tries_left_ > 0;) {
        further = false;
        for (auto& one : all) {
            const std::int64_t stop = std::max(one.begin, one.low - kTriesAtOnce);
            tries_left_ -= one.low - stop;
            for (; one.low > stop; --one.low)
                if (is_it(id, one.tp, one.low - 1)) return FeedPlace{one.tp, Offset(one.low - 1)};
            further = further || one.low > one.begin;
        }
    }
    return std::nullopt;
}

Result<std::optional<FeedPlace>> FeedTrace::find(const RecordId& id, ReceivedTime received) {
    if (id.empty()) return std::nullopt;
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second;
    VITALOG_TRY(auto all, candidates(received.as<LogTime>()));
    const auto place = search(id, std::move(all));
    known_.emplace(id, place);
    return place;
}

}  // namespace vitalog::sinks
