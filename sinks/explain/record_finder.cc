#include "sinks/explain/record_finder.h"

#include <charconv>

namespace vitalog::sinks::explain {
namespace {

using std::chrono::seconds;

constexpr seconds kSlack{2};  ///< by which log times may run back
constexpr std::size_t kReadBytes = 256U << 10;

}  // namespace

FoundRecord FoundRecord::of(const TopicPartition& tp, const RecordView& record) {
    FoundRecord found;
    found.place = to_string(tp, record.offset);
    found.root = record.headers.find(header::kRoot);
    found.at = record.timestamp;
    const std::string_view micros = record.headers.find(header::kReceived);
    std::int64_t received = 0;
    std::from_chars(micros.data(), micros.data() + micros.size(), received);
    found.received = ReceivedTime(received);
    return found;
}

/// The first offset whose record is not older: by bisection.
Result<Offset> RecordFinder::first_at(const TopicPartition& tp, LogTime time) const {
    VITALOG_TRY(const Offset begin, source_.begin_offset(tp));
    VITALOG_TRY(const Offset end, source_.end_offset(tp));
    std::int64_t low = begin.value();
    std::int64_t high = end.value();
    RecordBatch batch;
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        VITALOG_CHECK(source_.read(tp, Offset(middle), 1, batch));
        if (batch.records.empty() || batch.records.front().timestamp >= time)
            high = middle;
        else
            low = batch.records.front().offset.value() + 1;
    }
    return Offset(low);
}

Result<bool> RecordFinder::search_partition(const TopicPartition& tp, Window window,
                                            const Visit& visit) const {
    VITALOG_TRY(Offset at, first_at(tp, window.from - kSlack));
    std::size_t bytes = 0;
    RecordBatch batch;
    for (;; at = batch.next) {
        VITALOG_CHECK(source_.read(tp, at, kReadBytes, batch));
        if (batch.records.empty()) return true;
        for (const auto& record : batch.records) {
            if (record.timestamp > window.to + kSlack) return true;
            bytes += record.value.size();
            if (!visit(tp, record)) return true;
        }
        if (bytes > kBytesMax) return false;
    }
}

Result<bool> RecordFinder::search(schemas::Topic topic, std::string_view key, Window window,
                                  const Visit& visit) const {
    const std::string& name = topics_.name(topic);
    const std::uint32_t partitions = source_.partitions(name);
    if (partitions == 0) return true;
    return search_partition({name, partition_of(key, partitions)}, window, visit);
}

Result<std::optional<FoundRecord>> RecordFinder::with_id(schemas::Topic topic, std::string_view key,
                                                         Window window, std::string_view id) const {
    std::optional<FoundRecord> found;
    VITALOG_CHECK(
        search(topic, key, window, [&](const TopicPartition& tp, const RecordView& record) {
            if (record.headers.find(header::kId) != id) return true;
            found = FoundRecord::of(tp, record);
            return false;
        }));
    return found;
}

}  // namespace vitalog::sinks::explain
