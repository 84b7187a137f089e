#pragma once

#include <algorithm>
#include <vector>

#include "schemas/base/ports.h"
#include "schemas/topic_names.h"

namespace vitalog::topology {

/// Calls `visit`, which gives a Result<void>, with every record of a partition from `from` on, in
/// order.
template <class Visit>
Result<void> scan_records(const RecordSource& records, const TopicPartition& tp, Offset from,
                          Visit visit) {
    constexpr std::size_t kReadBytes = std::size_t{1} << 20;
    VITALOG_TRY(const Offset begin, records.begin_offset(tp));
    Offset at = from < begin ? begin : from;
    for (RecordBatch batch;; at = batch.next) {
        VITALOG_CHECK(records.read(tp, at, kReadBytes, batch));
        if (batch.records.empty() && batch.next <= at) return {};
        for (const auto& record : batch.records) VITALOG_CHECK(visit(record));
    }
}
template <class Visit>
Result<void> scan_records(const RecordSource& records, const TopicPartition& tp, Visit visit) {
    return scan_records(records, tp, Offset(), visit);
}

template <class T>
void sort_once(std::vector<T>& values) {
    std::ranges::sort(values);
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

/// Calls `visit`, which gives a Result<void>, with every partition of a topic.
template <class Visit>
Result<void> for_each_partition(const schemas::TopicNames& names, schemas::Topic topic,
                                Visit visit) {
    for (std::uint32_t p = 0; p < names.partitions(topic); ++p)
        VITALOG_CHECK(visit(TopicPartition{names.name(topic), Partition(p)}));
    return {};
}

}  // namespace vitalog::topology
