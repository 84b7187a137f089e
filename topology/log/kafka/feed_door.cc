#include "topology/log/kafka/feed_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vitalog::topology::kafka {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

/// The record's headers with its entry of the ledger.
std::string with_entry(const FeedRecord& record) {
    std::string headers = record.headers;
    if (!record.ledger) return headers;
    Headers::append(headers, header::kRepeatKey, record.ledger->key);
    Headers::append(headers, header::kRepeatBody, std::to_string(record.ledger->body_hash));
    Headers::append(headers, header::kRepeatAnswer, record.ledger->answer);
    return headers;
}

/// The entry that a record in a feed carries; none in what others published.
std::optional<LedgerEntry> entry_of(const RecordView& record) {
    LedgerEntry entry;
    entry.key = record.headers.find(header::kRepeatKey);
    if (entry.key.empty()) return std::nullopt;
    const std::string_view body = record.headers.find(header::kRepeatBody);
    const auto [end, failed] =
        std::from_chars(body.data(), body.data() + body.size(), entry.body_hash);
    if (failed != std::errc() || end != body.data() + body.size()) return std::nullopt;
    entry.answer = record.headers.find(header::kRepeatAnswer);
    return entry;
}

}  // namespace

Result<std::unique_ptr<FeedDoor>> FeedDoor::open(Options options, Reader& reader,
                                                 LocalState& local) {
    std::unique_ptr<FeedDoor> door(new FeedDoor(std::move(options), reader, local));
    VITALOG_CHECK(door->begin());
    return door;
}

FeedDoor::~FeedDoor() {
    if (committer_) committer_->stop();
}

Result<void> FeedDoor::begin() {
    for (const TopicConfig& topic : options_.topics) partitions_[topic.name] = topic.partitions;
    VITALOG_CHECK(reopen());
    for (const TopicConfig& topic : options_.topics) {
        if (!topic.feed) continue;
        for (std::uint32_t i = 0; i < topic.partitions; ++i) {
            const TopicPartition feed{topic.name, Partition(i)};
            VITALOG_TRY(const Offset learnt, local_.learnt(feed));
            // What is older than the ledger's age is nobody's repeat.
            VITALOG_TRY(const Offset oldest,
                        reader_.at(feed, options_.clock->now() - options_.ledger.age));
            next_[feed] = std::max(learnt, oldest);
        }
    }
    for (auto& [feed, next] : next_) {
        VITALOG_TRY(const Offset end, reader_.end(feed));
        VITALOG_CHECK(learn_feed(feed, next, end));
    }
    committer_ = std::make_unique<GroupCommitter>(
        options_.queue, [this](AppendGroup group) { commit_group(std::move(group)); }, [] {});
    return {};
}

/// The ledger as it is stored, and a producer. What the one before it wrote without our knowing is
/// learnt from the feeds.
Result<void> FeedDoor::reopen() {
    VITALOG_CHECK(ledger_.open(local_.ledger()));
    VITALOG_TRY(auto producer, Producer::open(options_.producer));
    for (auto& [feed, next] : next_) {
        VITALOG_TRY(const Offset end, reader_.asked_end(feed));
        VITALOG_CHECK(learn_feed(feed, next, end));
    }
    producer_ = std::move(producer);
    return {};
}

/// What others appended meanwhile, as far as this process knows of it.
Result<void> FeedDoor::learn_feeds() {
    for (auto& [feed, next] : next_) {
        const Offset known = reader_.known(feed);
        if (known > next) VITALOG_CHECK(learn_feed(feed, next, known));
    }
    return {};
}

Result<void> FeedDoor::learn_feed(const TopicPartition& feed, Offset& next, Offset end) {
    RecordBatch batch;
    while (next < end) {
        VITALOG_CHECK(reader_.read(feed, next, kReadBytes, batch));
        if (batch.next <= next) return {};
        std::vector<FeedRecord> records;
        for (const RecordView& record : batch.records) {
            auto entry = entry_of(record);
            if (!entry) continue;
            records.emplace_back();
            records.back().received = record.timestamp;
            records.back().ledger = std::move(entry);
        }
        std::vector<state::Write> learnt;
        if (!records.empty()) {
            VITALOG_CHECK(ledger_.begin_group(local_.ledger(), records));
            for (const FeedRecord& record : records)
                (void)ledger_.judge(*record.ledger, record.received);
            VITALOG_CHECK(ledger_.finish_group(local_.ledger(), records.back().received, learnt));
        }
        next = batch.next;
        VITALOG_CHECK(local_.learn(learnt, {{feed, next}}));
    }
    return {};
}

void FeedDoor::append(FeedRecord record, AppendDone done) {
    if (!partitions_.contains(record.topic))
        return done(fail(Errc::NotFound, "the log has no topic " + record.topic));
    if (memory_bytes(record) > options_.producer.message_bytes_max)
        return done(
            fail(Errc::TooLarge, fmt::format("a record of {} bytes is larger than log.message_max",
                                             record.value.size())));
    if (!committer_->offer(record, done))
        done(fail(Errc::Busy, "too many records wait for the cluster; try again later"));
}

void FeedDoor::commit_group(AppendGroup group) {
    Round round;
    auto sent = send_group(group, round);
    if (sent) sent = settle(group, round);
    if (!sent) {
        // Whatever of it is in the feeds after all is learnt before the next group: sent again, it
        // is a repeat.
        log_line("warn", "kafka-append", {{"error", sent.error().to_string()}});
        round.receipts.assign(group.records.size(), tl::unexpected(sent.error()));
        producer_.reset();
    }
    for (std::size_t i = 0; i < group.done.size(); ++i) group.done[i](std::move(round.receipts[i]));
}

Result<void> FeedDoor::send_group(const AppendGroup& group, Round& round) {
    if (!producer_) VITALOG_CHECK(reopen());
    VITALOG_CHECK(learn_feeds());
    VITALOG_CHECK(ledger_.begin_group(local_.ledger(), group.records));
    for (const FeedRecord& record : group.records) VITALOG_CHECK(send_record(record, round));
    return producer_->settle(round.delivered);
}

Result<void> FeedDoor::send_record(const FeedRecord& record, Round& round) {
    AppendReceipt receipt;
    if (record.ledger) {
        auto judgement = ledger_.judge(*record.ledger, record.received);
        receipt.outcome = judgement.outcome;
        receipt.answer = std::move(judgement.answer);
    }
    round.message.push_back(-1);
    if (receipt.outcome == Appended::New || receipt.outcome == Appended::Reused) {
        receipt.tp = {record.topic,
                      partition_of(record.key, partitions_.find(record.topic)->second)};
        const std::string headers = with_entry(record);
        VITALOG_CHECK(producer_->send(
            receipt.tp, {record.received, record.key, headers, record.value}, round.delivered));
        round.message.back() = static_cast<std::ptrdiff_t>(round.delivered.messages.size()) - 1;
    }
    round.receipts.emplace_back(std::move(receipt));
    return {};
}

/// Everything is replicated: the receipts get their offsets, the ledger is kept.
Result<void> FeedDoor::settle(const AppendGroup& group, Round& round) {
    std::map<TopicPartition, Offset> first;
    for (std::size_t i = 0; i < group.records.size(); ++i) {
        if (round.message[i] < 0) continue;
        AppendReceipt& receipt = *round.receipts[i];
        receipt.offset =
            round.delivered.messages[static_cast<std::size_t>(round.message[i])].offset;
        receipt.id = feed_record_id(Generation(1), receipt.tp, receipt.offset);
        first.emplace(receipt.tp, receipt.offset);
    }
    std::map<TopicPartition, Offset> known;
    for (const auto& known_end : round.delivered.ends) {
        const TopicPartition& tp = known_end.first;
        const Offset end = known_end.second;
        const auto next = next_.find(tp);
        // Another's records lie between ours and what we know: those are read before the next
        // group.
        const auto ours =
            std::ranges::count_if(round.receipts, [&](const auto& r) { return r->tp == tp; });
        if (next != next_.end() && first.at(tp) == next->second &&
            end.value() - next->second.value() == ours)
            known[tp] = next->second = end;
    }
    std::vector<state::Write> learnt;
    VITALOG_CHECK(ledger_.finish_group(local_.ledger(), group.records.back().received, learnt));
    VITALOG_CHECK(local_.learn(learnt, known));
    for (const auto& [tp, end] : round.delivered.ends) reader_.readable(tp, end);
    return {};
}

}  // namespace vitalog::topology::kafka
