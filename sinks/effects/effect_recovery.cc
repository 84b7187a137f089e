#include <charconv>

#include "schemas/base/planted.h"
#include "schemas/json_decode.h"
#include "sinks/effects/effect_worker.h"

// The question at the start: which of the attempts taken before have no outcome in feed.receipt?

namespace vitalog::sinks {
namespace {

constexpr std::size_t kScanBytes = 1U << 20;

/// Reads a partition from `from` to where it ends now, over what retention dropped. Busy when it
/// gives nothing for now: what was not read is not known to be without an outcome.
template <class Each>
Result<void> read_all(const RecordSource& source, const TopicPartition& tp, Offset from, Offset end,
                      Each each) {
    VITALOG_TRY(const Offset begin, source.begin_offset(tp));
    from = std::max(from, begin);
    RecordBatch batch;
    while (from < end) {
        batch.clear();
        VITALOG_CHECK(source.read(tp, from, kScanBytes, batch));
        for (const RecordView& record : batch.records)
            if (record.offset < end) each(record);
        if (batch.next <= from) {
            if (planted("stop-at-silence")) break;
            return fail(Errc::Busy, to_string(tp, from) + " gives nothing for now: try again");
        }
        from = batch.next;
    }
    return {};
}

/// "topic/partition" and the offset of the header `send`.
std::optional<std::pair<std::string_view, std::int64_t>> attempt_place(std::string_view send) {
    const std::size_t cut = send.rfind('/');
    std::int64_t offset = 0;
    if (cut == std::string_view::npos) return std::nullopt;
    const std::string_view digits = send.substr(cut + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    return std::pair(send.substr(0, cut), offset);
}

}  // namespace

Result<void> EffectWorker::recover() {
    if (ports_.duty) {  // before it looks where others left off
        const Duty duty = ports_.duty();
        const std::lock_guard lock(mutex_);
        turn_ = duty.turn;
    }
    if (standing() != Standing::OnDuty) return fail(Errc::Busy, "another process may be on duty");
    {
        const std::lock_guard lock(mutex_);
        books_.clear();
        doubts_ = 0;
    }
    std::vector<ItemRef> in_doubt;
    const std::uint32_t partitions = ports_.source.partitions(options_.topic);
    if (partitions == 0) return fail(Errc::Configuration, "there is no topic " + options_.topic);
    VITALOG_TRY(const Receipts receipts, scan_receipts());
    std::vector<Book> books;
    for (std::uint32_t i = 0; i < partitions; ++i) {
        VITALOG_TRY(books.emplace_back(), open_book(i, receipts, in_doubt));
    }
    const LogTime now = ports_.wall.now();
    std::size_t doubts = 0;
    for (const ItemRef& item : in_doubt) {
        Book& book = books[item->partition];
        item->receipts_from = receipts.from;
        const auto found = receipts.states.find(to_string(book.tp, item->offset));
        const Reported state = found == receipts.states.end() ? Reported::Nothing : found->second;
        if (state == Reported::Settled) continue;
        if (state == Reported::Nothing) {
            const SendOutcome unknown{.state = schemas::ReceiptState::Unknown, .code = "restart"};
            if (!report(*item, unknown)) return fail(Errc::Busy, "stopping");
        }
        if (!ports_.provider.can_query()) continue;  // only a receipt can settle it
        item->phase = Phase::Doubtful;
        item->doubt_since = now;
        item->next_query = now + options_.query_after;
        book.open.emplace(item->offset, item);
        ++doubts;
    }
    if (!in_doubt.empty())
        log_line("info", "effects_recovered",
                 {{"channel", options_.channel},
                  {"taken_before", std::to_string(in_doubt.size())},
                  {"in_doubt", std::to_string(doubts)}});
    const std::lock_guard lock(mutex_);
    books_ = std::move(books);
    doubts_ = doubts;
    recovered_ = true;
    return {};
}

Result<EffectWorker::Book> EffectWorker::open_book(std::uint32_t partition,
                                                   const Receipts& receipts,
                                                   std::vector<ItemRef>& in_doubt) {
    Book book;
    book.tp = {options_.topic, Partition(partition)};
    VITALOG_TRY(const Offset begin, ports_.source.begin_offset(book.tp));
    VITALOG_TRY(const auto taken, ports_.source.load_position(reader_name(""), book.tp));
    VITALOG_TRY(const auto settled, ports_.source.load_position(reader_name(".settled"), book.tp));
    book.stored_settled = settled.value_or(begin);
    // A position that was given up on may be stored after a later one: what is settled, or has a
    // receipt of ours, was taken.
    const auto reported = receipts.next.find(to_string(book.tp));
    book.next = std::max({begin, taken.value_or(begin), book.stored_settled,
                          reported == receipts.next.end() ? begin : reported->second});
    if (planted("send-again-after-restart")) book.next = std::max(begin, book.stored_settled);
    VITALOG_CHECK(collect_in_doubt(book, book.stored_settled, in_doubt));
    return book;
}

Result<void> EffectWorker::collect_in_doubt(const Book& book, Offset settled,
                                            std::vector<ItemRef>& in_doubt) {
    return read_all(ports_.source, book.tp, settled, book.next, [&](const RecordView& record) {
        if (auto item = read_item(book, book.tp.partition.value(), record))
            in_doubt.push_back(std::move(item));
    });
}

Result<EffectWorker::Receipts> EffectWorker::scan_receipts() {
    Receipts found;
    found.from = std::make_shared<std::vector<Offset>>();
    const std::uint32_t partitions = ports_.source.partitions(options_.receipt_topic);
    for (std::uint32_t i = 0; i < partitions; ++i) {
        const TopicPartition tp{options_.receipt_topic, Partition(i)};
        VITALOG_TRY(const Offset begin, ports_.source.begin_offset(tp));
        VITALOG_TRY(const auto stored, ports_.source.load_position(reader_name(".receipts"), tp));
        found.from->push_back(stored.value_or(begin));
        VITALOG_CHECK(scan_receipt_partition(tp, found.from->back(), found));
    }
    stored_receipts_ = *found.from;
    return found;
}

Result<void> EffectWorker::scan_receipt_partition(const TopicPartition& tp, Offset from,
                                                  Receipts& found) {
    VITALOG_TRY(const Offset end, ports_.source.end_offset(tp));
    schemas::Decoder decoder;
    return read_all(ports_.source, tp, from, end, [&](const RecordView& record) {
        const std::string_view send = record.headers.find(kSendHeader);
        if (send.empty()) return;
        const auto receipt = schemas::decode<schemas::Receipt>(record.value, decoder);
        if (!receipt) return;
        Reported& state = found.states[std::string(send)];
        if (receipt->state != schemas::ReceiptState::Unknown)
            state = Reported::Settled;
        else if (state == Reported::Nothing)
            state = Reported::Unknown;
        // The other lane reads the same partition, and stands elsewhere.
        const auto sent = attempt_place(send);
        if (!sent || record.headers.find(header::kEndpoint) != reader_name("")) return;
        Offset& next = found.next[std::string(sent->first)];
        next = std::max(next, Offset(sent->second + 1));
    });
}

}  // namespace vitalog::sinks
