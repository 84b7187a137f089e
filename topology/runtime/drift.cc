#include "topology/runtime/drift.h"

#include "schemas/events/control.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

void differ(DriftReport& report, std::string line) {
    ++report.difference_count;
    if (report.differences.size() < DriftReport::kDifferencesMax)
        report.differences.push_back(std::move(line));
}

/// What a stage makes of its input. A tick it makes for itself, of no input.
bool is_of(const RecordView& record, std::string_view stage) {
    return record.headers.find(header::kSource) == "vitalog/" + std::string(stage) &&
           record.headers.find(header::kType) != schemas::Tick::kType;
}

}  // namespace

void DriftCheck::output(const TopicPartition& tp, std::string_view key, std::string_view headers,
                        std::string_view value) {
    const RecordId id = RecordId::parse(Headers(headers).find(header::kId));
    outputs_[{id, tp, std::string(key)}] = hash64(value);
}

Result<DriftReport> DriftCheck::compare(const Log& log, std::string_view stage,
                                        const std::vector<TopicPartition>& output_partitions) const {
    DriftReport report;
    auto expected = outputs_;
    for (const auto& tp : output_partitions) {
        VITALOG_TRY(Offset at, log.begin_offset(tp));
        for (RecordBatch batch;; at = batch.next) {
            VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
            if (batch.records.empty()) break;
            for (const auto& record : batch.records) {
                const RecordId id = RecordId::parse(record.headers.find(header::kId));
                const auto made = expected.find({id, tp, std::string(record.key)});
                if (made == expected.end()) {
                    if (is_of(record, stage) && inputs_.contains(RecordId::parse(record.headers.find(header::kCause))))
                        differ(report, to_string(tp, record.offset) + " is not made any more");
                    continue;
                }
                ++report.compared;
                if (made->second == hash64(record.value))
                    ++report.equal;
                else
                    differ(report, to_string(tp, record.offset) + " has another content now");
                expected.erase(made);
            }
        }
    }
    for (const auto& [place, content] : expected)
        differ(report, to_string(std::get<TopicPartition>(place)) + " lacks record " + std::get<RecordId>(place).to_string());
    return report;
}

}  // namespace vitalog::topology
