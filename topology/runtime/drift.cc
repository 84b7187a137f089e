#include "topology/runtime/drift.h"

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

std::uint64_t content_hash(std::string_view key, std::string_view value) {
    std::string both(key);
    both.push_back('\0');
    both.append(value);
    return hash64(both);
}

void differ(DriftReport& report, std::string line) {
    ++report.difference_count;
    if (report.differences.size() < DriftReport::kDifferencesMax)
        report.differences.push_back(std::move(line));
}

}  // namespace

void DriftCheck::output(const TopicPartition& tp, std::string_view key, std::string_view headers,
                        std::string_view value) {
    const RecordId id = RecordId::parse(Headers(headers).find(header::kId));
    outputs_[id] = {tp, content_hash(key, value)};
}

Result<DriftReport> DriftCheck::compare(const Log& log, std::string_view stage,
                                        const std::vector<TopicPartition>& output_partitions) const {
    DriftReport report;
    const std::string source = "vitalog/" + std::string(stage);
    auto expected = outputs_;
    for (const auto& tp : output_partitions) {
        VITALOG_TRY(Offset at, log.begin_offset(tp));
        for (RecordBatch batch;; at = batch.next) {
            VITALOG_CHECK(log.read(tp, at, kReadBytes, batch));
            if (batch.records.empty()) break;
            for (const auto& record : batch.records) {
                if (record.headers.find(header::kSource) != source) continue;
                const RecordId id = RecordId::parse(record.headers.find(header::kId));
                const auto made = expected.find(id);
                if (made == expected.end()) {
                    if (inputs_.contains(RecordId::parse(record.headers.find(header::kCause))))
                        differ(report, to_string(tp, record.offset) + " is not made any more");
                    continue;
                }
                ++report.compared;
                if (made->second.tp == tp && made->second.content == content_hash(record.key, record.value))
                    ++report.equal;
                else
                    differ(report, to_string(tp, record.offset) + " has another content now");
                expected.erase(made);
            }
        }
    }
    for (const auto& [id, made] : expected)
        differ(report, to_string(made.tp) + " lacks record " + id.to_string());
    return report;
}

}  // namespace vitalog::topology
