#include "topology/audit/replay_roots.h"

#include <charconv>
#include <optional>

#include "topology/audit/record_scan.h"

namespace vitalog::topology {
namespace {

/// The tenth field of the first segment, MSH-10: the separator, which is the first field, stands
/// behind MSH.
std::string_view control_id(std::string_view message) {
    if (!message.starts_with("MSH") || message.size() < 4) return {};
    const char separator = message[3];
    message = message.substr(0, message.find_first_of("\r\n"));
    for (int field = 1; field < 10; ++field) {
        const std::size_t at = message.find(separator);
        if (at == message.npos) return {};
        message.remove_prefix(at + 1);
    }
    return message.substr(0, message.find(separator));
}

struct Places {
    TopicPartition tp;
    Offset from, to;
};

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::optional<Places> parse_places(std::string_view text) {
    const std::size_t last = text.rfind('/');
    const std::size_t middle =
        last == 0 || last == text.npos ? text.npos : text.rfind('/', last - 1);
    if (middle == text.npos) return std::nullopt;
    const std::string_view offsets = text.substr(last + 1);
    const std::size_t dots = offsets.find("..");
    const auto partition = number_in(text.substr(middle + 1, last - middle - 1));
    const auto from = number_in(offsets.substr(0, dots));
    const auto to = dots == offsets.npos ? from : number_in(offsets.substr(dots + 2));
    if (!partition || *partition > UINT32_MAX || !from || !to) return std::nullopt;
    return Places{
        {std::string(text.substr(0, middle)), Partition(static_cast<std::uint32_t>(*partition))},
        Offset(*from),
        Offset(dots == offsets.npos ? *to + 1 : *to)};
}

}  // namespace

Result<std::vector<RecordId>> roots_of_person(const AuditLog& log, const std::string& person) {
    std::vector<RecordId> roots;
    const Partition partition =
        partition_of(person, log.names().partitions(schemas::Topic::Person));
    const TopicPartition tp{log.names().name(schemas::Topic::Person), partition};
    VITALOG_CHECK(
        scan_records(log.source().records, tp, [&](const RecordView& record) -> Result<void> {
            if (record.key == person)
                roots.push_back(RecordId::parse(record.headers.find(header::kRoot)));
            return {};
        }));
    if (roots.empty()) return fail(Errc::NotFound, "the log has no record of a person " + person);
    sort_once(roots);
    return roots;
}

Result<std::vector<RecordId>> roots_of_message(const AuditLog& log, const std::string& message) {
    if (const RecordId id = RecordId::parse(message); !id.empty()) return std::vector<RecordId>{id};
    std::vector<RecordId> roots;
    for (const auto topic :
         {schemas::Topic::FeedHis, schemas::Topic::FeedLis, schemas::Topic::FeedPacs})
        VITALOG_CHECK(for_each_partition(log.names(), topic, [&](const TopicPartition& tp) {
            return scan_records(
                log.source().records, tp, [&](const RecordView& record) -> Result<void> {
                    if (control_id(record.value) == message)
                        roots.push_back(feed_record_id(
                            log.source().generation_at(tp, record.offset), tp, record.offset));
                    return {};
                });
        }));
    if (roots.empty())
        return fail(Errc::NotFound, "no feed has a message whose MSH-10 is " + message);
    sort_once(roots);
    return roots;
}

Result<std::vector<RecordId>> roots_of_places(const AuditLog& log, const std::string& text) {
    const auto places = parse_places(text);
    const auto topic = places ? log.names().topic(places->tp.topic) : std::nullopt;
    if (!topic || places->tp.partition.value() >= log.names().partitions(*topic))
        return fail(Errc::Configuration, text +
                                             ": write TOPIC/PARTITION/OFFSET or "
                                             "TOPIC/PARTITION/FROM..TO, of a topic that there is");
    std::vector<RecordId> roots;
    const auto& records = log.source().records;
    VITALOG_TRY(const Offset begin, records.begin_offset(places->tp));
    Offset at = std::max(places->from, begin);
    for (RecordBatch batch; at < places->to; at = batch.next) {
        VITALOG_CHECK(records.read(places->tp, at, std::size_t{1} << 20, batch));
        if (batch.records.empty() && batch.next <= at) break;
        for (const auto& record : batch.records) {
            if (record.offset >= places->to) break;
            if (schemas::info(*topic).feed)
                roots.push_back(
                    feed_record_id(log.source().generation_at(places->tp, record.offset),
                                   places->tp, record.offset));
            else if (!record.key.empty())
                roots.push_back(RecordId::parse(record.headers.find(header::kRoot)));
        }
    }
    if (roots.empty()) return fail(Errc::NotFound, "the log has no record " + text);
    sort_once(roots);
    return roots;
}

}  // namespace vitalog::topology
