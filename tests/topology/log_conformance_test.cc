// What every log promises: one suite, run against each implementation. Built twice: for the logs of one machine, and
// for the cluster that VITALOG_TEST_KAFKA names.

#include <algorithm>
#include <atomic>
#include <thread>

#include "log_test_support.h"
#ifdef VITALOG_ON_KAFKA
#include "kafka_test_support.h"
#endif

namespace vitalog::topology {
namespace {

#ifdef VITALOG_ON_KAFKA
using Logs = testing::Types<OnKafka>;
#else
/// A log that can be reopened. A clean stop keeps everything.
struct InMemory {
    static constexpr bool kDense = true;  ///< offsets without gaps
    std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(test_topics(), limits());
    static LedgerLimits limits() { return {.entries_max = 4}; }
    Log& get() { return *log; }
    void reopen() {
        ASSERT_TRUE(log->sync().has_value());
        log->crash();
    }
};

struct Embedded {
    static constexpr bool kDense = true;
    Embedded() { open(); }
    void open() {
        auto options = small_embedded_options(folder.path());
        options.ledger = InMemory::limits();
        auto opened = EmbeddedLog::open(std::move(options));
        ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
        log = std::move(*opened);
    }
    Log& get() { return *log; }
    void reopen() {
        log.reset();
        open();
    }
    TemporaryFolder folder;
    std::unique_ptr<EmbeddedLog> log;
};
using Logs = testing::Types<InMemory, Embedded>;
#endif

template <class Holder>
class LogConformance : public testing::Test {
  protected:
    Log& log() { return holder_.get(); }
    std::unique_ptr<ShardLog> shard(std::string_view stage, const TopicPartition& input) {
        return open_now(log(), stage, input);
    }
    Holder holder_;
};

TYPED_TEST_SUITE(LogConformance, Logs);

TYPED_TEST(LogConformance, GivesBackWhatWasAppendedInItsPartition) {
    FeedRecord record = feed_record("person-7", "MSH|^~\\&|");
    Headers::append(record.headers, header::kEndpoint, "adt");
    record.received = LogTime(kNow.micros() + 1'234'567);
    const auto receipt = append_now(this->log(), record);
    ASSERT_TRUE(receipt.has_value());
    EXPECT_EQ(receipt->outcome, Appended::New);
    EXPECT_EQ(receipt->tp, tp_of("feed.his", partition_of("person-7", 2).value()));
    EXPECT_EQ(receipt->id, feed_record_id(Generation(1), receipt->tp, receipt->offset));

    RecordBatch batch;
    ASSERT_TRUE(this->log().read(receipt->tp, Offset(0), 1 << 20, batch).has_value());
    ASSERT_EQ(batch.records.size(), 1u);
    EXPECT_EQ(batch.records[0].offset, receipt->offset);
    EXPECT_EQ(batch.records[0].key, "person-7");
    EXPECT_EQ(batch.records[0].value, "MSH|^~\\&|");
    EXPECT_EQ(batch.records[0].headers.find(header::kEndpoint), "adt");
    EXPECT_EQ(batch.records[0].timestamp, LogTime::from_millis(kNow.millis() + 1'234));
    EXPECT_EQ(batch.next, Offset(1));
}

TYPED_TEST(LogConformance, KeepsTheOrderOfOneKey) {
    std::vector<Read> expected;
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(append_now(this->log(), feed_record("same", std::to_string(i))).has_value());
        expected.push_back({i, "same", std::to_string(i)});
    }
    const TopicPartition tp = tp_of("feed.his", partition_of("same", 2).value());
    EXPECT_EQ(read_all(this->log(), tp), expected);
    EXPECT_EQ(read_all(this->log(), tp, Offset(), 1), expected) << "one record at a time";
    this->holder_.reopen();
    EXPECT_EQ(read_all(this->log(), tp), expected);
    EXPECT_EQ(read_all(this->log(), tp, Offset(), 1), expected) << "one record at a time";
}

TYPED_TEST(LogConformance, ReadsFromTheMiddleOfABlock) {
    auto shard = this->shard("identity", tp_of("subject", 0));
    std::vector<std::string> values;
    for (int i = 0; i < 1000; ++i) values.push_back("value " + std::to_string(i));
    ASSERT_EQ(commit_to(*shard, tp_of("person", 0), values, 1), CommitOutcome::Committed);
    shard.reset();
    for (int round = 0; round < 2; ++round) {
        const auto tail = read_all(this->log(), tp_of("person", 0), Offset(997));
        ASSERT_EQ(tail.size(), 3u);
        EXPECT_EQ(tail[0], (Read{997, "k", "value 997"}));
        const auto in_pieces = read_all(this->log(), tp_of("person", 0), Offset(1), 1000);
        ASSERT_EQ(in_pieces.size(), 999u);
        EXPECT_EQ(in_pieces.back(), (Read{999, "k", "value 999"}));
        this->holder_.reopen();
    }
}

TYPED_TEST(LogConformance, ReadsAboutAsManyBytesAsAsked) {
    auto shard = this->shard("identity", tp_of("subject", 0));
    const std::vector<std::string> values(1000, std::string(100, 'x'));
    ASSERT_EQ(commit_to(*shard, tp_of("person", 0), values, 1), CommitOutcome::Committed);
    ASSERT_EQ(read_all(this->log(), tp_of("person", 0)).size(), 1000u);
    RecordBatch batch;
    ASSERT_TRUE(this->log().read(tp_of("person", 0), Offset(0), 10'000, batch).has_value());
    EXPECT_GE(batch.records.size(), 80u);
    EXPECT_LE(batch.records.size(), 100u);
    EXPECT_EQ(batch.next, Offset(static_cast<std::int64_t>(batch.records.size())));
}

/// What waits for a slow reader is more than a log keeps in memory for it.
TYPED_TEST(LogConformance, GivesEveryRecordOfALongBacklogToASlowReader) {
    constexpr int kCommits = 3;
    constexpr int kRecords = 500;
    auto shard = this->shard("identity", tp_of("subject", 0));
    const std::vector<std::string> values(kRecords, std::string(10'000, 'x'));
    for (int i = 1; i <= kCommits; ++i)
        ASSERT_EQ(commit_to(*shard, tp_of("person", 0), values, i), CommitOutcome::Committed);
    std::int64_t read = 0;
    RecordBatch batch;
    for (Offset from; read < kCommits * kRecords; from = batch.next) {
        ASSERT_TRUE(this->log().read(tp_of("person", 0), from, 500'000, batch).has_value());
        for (std::int64_t next = -1; const RecordView& record : batch.records) {
            ASSERT_TRUE(next == -1 || record.offset == Offset(next) || !TypeParam::kDense);
            next = record.offset.value() + 1;
        }
        read += static_cast<std::int64_t>(batch.records.size());
        ASSERT_LE(batch.next.value(), read + kCommits) << "marks of transactions, and nothing else, have no record";
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(read, kCommits * kRecords);
}

TYPED_TEST(LogConformance, GivesNothingAtTheEndAndSaysWhereToGoOn) {
    RecordBatch batch;
    batch.records.resize(3);
    ASSERT_TRUE(this->log().read(tp_of("person", 1), Offset(0), 1 << 20, batch).has_value());
    EXPECT_TRUE(batch.records.empty());
    EXPECT_EQ(batch.next, Offset(0));
}

TYPED_TEST(LogConformance, RefusesUnknownTopicsAndPartitions) {
    EXPECT_EQ(append_now(this->log(), feed_record("k", "v", "no-such")).error().code(),
              Errc::NotFound);
    EXPECT_EQ(this->log().partitions("no-such"), 0u);
    EXPECT_EQ(this->log().partitions(topic_name("person")), 2u);
    RecordBatch batch;
    EXPECT_EQ(this->log().read(tp_of("person", 2), Offset(0), 1, batch).error().code(),
              Errc::NotFound);
    EXPECT_EQ(this->log().end_offset(tp_of("person", 2)).error().code(), Errc::NotFound);
    EXPECT_EQ(this->log().open_shard("care", tp_of("no-such", 0)).error().code(), Errc::NotFound);
    auto shard = this->shard("identity", tp_of("subject", 0));
    EXPECT_EQ(commit_to(*shard, tp_of("no-such", 0), {"v"}, 1, {{"s", "1"}}),
              CommitOutcome::Aborted);
    EXPECT_EQ(shard->position().committed, Offset(0));
    EXPECT_EQ(stored_value(shard->state(), "s"), std::nullopt);
}

TYPED_TEST(LogConformance, CommitsOutputsPositionAndStateAsOne) {
    const TopicPartition input = tp_of("subject", 1);
    auto before = this->shard("care", tp_of("person", 0));
    commit_to(*before, input, std::vector<std::string>(17, "read"), 0);
    before.reset();
    auto shard = this->shard("identity", input);
    EXPECT_EQ(shard->position().committed, Offset(0));
    EXPECT_EQ(shard->position().logic, 0u);

    Commit commit;
    commit.outputs.push_back(output_of(tp_of("person", 0), {"a", "b"}));
    commit.outputs.push_back(output_of(tp_of("person", 1), {"c"}));
    commit.outputs.push_back(output_of(tp_of("person", 0), {"d"}));
    commit.committed = Offset(17);
    commit.checkpoint = Offset(9);
    commit.logic = 3;
    commit.state = {{"entity", "one"}, {"gone", "x"}, {"gone", std::nullopt}};
    std::optional<Error> error;
    const std::uint64_t seen = this->log().activity();
    ASSERT_EQ(commit_now(*shard, commit, error), CommitOutcome::Committed);
    EXPECT_NE(this->log().activity(), seen);
    EXPECT_EQ(shard->position().committed, Offset(17));
    shard.reset();
    this->holder_.reopen();

    shard = this->shard("identity", input);
    EXPECT_EQ(shard->position().committed, Offset(17));
    EXPECT_EQ(shard->position().checkpoint, Offset(9));
    EXPECT_EQ(shard->position().logic, 3u);
    EXPECT_EQ(shard->position().generation, Generation(1));
    EXPECT_EQ(stored_value(shard->state(), "entity"), "one");
    EXPECT_EQ(stored_value(shard->state(), "gone"), std::nullopt);
    EXPECT_EQ(read_all(this->log(), tp_of("person", 0)),
              (std::vector<Read>{{0, "k", "a"}, {1, "k", "b"}, {2, "k", "d"}}));
    EXPECT_EQ(read_all(this->log(), tp_of("person", 1)), (std::vector<Read>{{0, "k", "c"}}));
    if (TypeParam::kDense) EXPECT_EQ(this->log().end_offset(tp_of("person", 0)), Offset(3));
    else EXPECT_GE(this->log().end_offset(tp_of("person", 0)).value(), Offset(3));
}

TYPED_TEST(LogConformance, KeepsTheStateOfShardsApartAndScansByPrefix) {
    auto first = this->shard("care", tp_of("person", 0));
    auto second = this->shard("care", tp_of("person", 1));
    auto other_stage = this->shard("views", tp_of("person", 0));
    commit_to(*first, tp_of("audit", 0), {"x"}, 1, {{"t/2", "b"}, {"t/1", "a"}, {"u/1", "c"}});
    commit_to(*second, tp_of("audit", 0), {"x"}, 1, {{"t/1", "other"}});
    EXPECT_EQ(stored_value(first->state(), "t/1"), "a");
    EXPECT_EQ(stored_value(second->state(), "t/1"), "other");
    EXPECT_EQ(stored_value(other_stage->state(), "t/1"), std::nullopt);

    std::vector<std::string> found;
    ASSERT_TRUE(first->state()
                    .scan("t/",
                          [&](auto key, auto value) -> Result<void> {
                              found.push_back(std::string(key) + "=" + std::string(value));
                              return {};
                          })
                    .has_value());
    EXPECT_EQ(found, (std::vector<std::string>{"t/1=a", "t/2=b"}));
    const auto stopped = first->state().scan(
        "", [](auto, auto) -> Result<void> { return fail(Errc::Damaged, "enough"); });
    EXPECT_EQ(stopped.error().message(), "enough");
}

TYPED_TEST(LogConformance, GivesAShardToOneHolderAtATime) {
    auto shard = this->shard("care", tp_of("person", 0));
    EXPECT_EQ(this->log().open_shard("care", tp_of("person", 0)).error().code(), Errc::Conflict);
    shard.reset();
    EXPECT_NE(this->shard("care", tp_of("person", 0)), nullptr);
}

TYPED_TEST(LogConformance, LetsShardsWriteOnePartitionWithoutGaps) {
    constexpr int kCommits = 200;
    auto first = this->shard("identity", tp_of("subject", 0));
    auto second = this->shard("identity", tp_of("subject", 1));
    std::atomic<bool> stop = false;
    std::thread reader([&] {
        // Whatever a reader sees is a prefix without holes.
        while (!stop) {
            const auto seen = read_all(this->log(), tp_of("person", 0), Offset(0), 512);
            for (std::size_t i = 0; i < seen.size(); ++i) {
                if (TypeParam::kDense) ASSERT_EQ(seen[i].offset, static_cast<std::int64_t>(i));
                else ASSERT_GE(seen[i].offset, static_cast<std::int64_t>(i));
            }
        }
    });
    const auto write = [&](ShardLog& shard, const std::string& name) {
        for (int i = 0; i < kCommits; ++i)
            ASSERT_EQ(commit_to(shard, tp_of("person", 0), {name, name}, i + 1),
                      CommitOutcome::Committed);
    };
    std::thread writer([&] { write(*first, "first"); });
    write(*second, "second");
    writer.join();
    stop = true;
    reader.join();
    const auto all = read_all(this->log(), tp_of("person", 0));
    ASSERT_EQ(all.size(), 4u * kCommits);
    // In a cluster another producer's batch may come between.
    for (std::size_t i = 0; TypeParam::kDense && i < all.size(); i += 2)
        ASSERT_EQ(all[i].value, all[i + 1].value) << "the two records of a commit stand together";
    const auto firsts = std::ranges::count(all, "first", &Read::value);
    EXPECT_EQ(firsts, 2 * kCommits);
}

TYPED_TEST(LogConformance, WakesReadersWhenSomethingComes) {
    const std::uint64_t seen = this->log().activity();
    std::thread writer([&] { (void)append_now(this->log(), feed_record("k", "v")); });
    this->log().wait(seen, std::chrono::seconds(30));
    EXPECT_NE(this->log().activity(), seen);
    writer.join();
    this->log().wait(this->log().activity(), std::chrono::milliseconds(1));  // returns by itself
}

TYPED_TEST(LogConformance, ShowsACommitToReadersBeforeItIsSynced) {
    auto shard = this->shard("identity", tp_of("subject", 0));
    commit_to(*shard, tp_of("person", 0), {"v"}, 1);
    EXPECT_EQ(read_all(this->log(), tp_of("person", 0)).size(), 1u);
    EXPECT_TRUE(this->log().sync().has_value());
}

TYPED_TEST(LogConformance, AnswersARepeatWithTheStoredAnswerAndKeepsOne) {
    ASSERT_EQ(append_now(this->log(), feed_record_once("k", "adt/1", 11))->outcome, Appended::New);
    for (int round = 0; round < 2; ++round) {
        const auto repeat = append_now(this->log(), feed_record_once("k", "adt/1", 11));
        ASSERT_TRUE(repeat.has_value());
        EXPECT_EQ(repeat->outcome, Appended::Repeat);
        EXPECT_EQ(repeat->answer, "ack of 11");
        EXPECT_TRUE(repeat->id.empty());
        this->holder_.reopen();
    }
    const TopicPartition tp = tp_of("feed.his", partition_of("k", 2).value());
    EXPECT_EQ(read_all(this->log(), tp).size(), 1u);
}

TYPED_TEST(LogConformance, TellsAReusedIdFromARepeat) {
    ASSERT_EQ(append_now(this->log(), feed_record_once("k", "adt/1", 11))->outcome, Appended::New);
    const auto reused = append_now(this->log(), feed_record_once("k", "adt/1", 12));
    EXPECT_EQ(reused->outcome, Appended::Reused);
    EXPECT_EQ(reused->offset, Offset(1));
    const auto refused =
        append_now(this->log(), feed_record_once("k", "adt/1", 13, OnReusedId::Refuse));
    EXPECT_EQ(refused->outcome, Appended::Refused);
    EXPECT_TRUE(refused->id.empty());
    // Both bodies accepted are known as repeats now; the refused one is not.
    EXPECT_EQ(append_now(this->log(), feed_record_once("k", "adt/1", 11))->answer, "ack of 11");
    EXPECT_EQ(append_now(this->log(), feed_record_once("k", "adt/1", 12))->answer, "ack of 12");
    EXPECT_EQ(append_now(this->log(), feed_record_once("k", "adt/1", 13))->outcome,
              Appended::Reused);
}

TYPED_TEST(LogConformance, FindsRepeatsAmongAppendsInFlight) {
    std::vector<std::promise<Appended>> answers(20);
    for (auto& answer : answers)
        this->log().append(feed_record_once("k", "adt/1", 11), [&](Result<AppendReceipt> receipt) {
            ASSERT_TRUE(receipt.has_value());
            answer.set_value(receipt->outcome);
        });
    EXPECT_EQ(answers[0].get_future().get(), Appended::New);
    for (std::size_t i = 1; i < answers.size(); ++i)
        EXPECT_EQ(answers[i].get_future().get(), Appended::Repeat);
    EXPECT_EQ(read_all(this->log(), tp_of("feed.his", partition_of("k", 2).value())).size(), 1u);
}

TYPED_TEST(LogConformance, ForgetsTheOldestMessagesBeyondTheLedgersLimit) {
    const auto append = [&](int i) {
        return append_now(this->log(), feed_record_once("k", "adt/" + std::to_string(i), 7))
            ->outcome;
    };
    for (int i = 0; i < 6; ++i) EXPECT_EQ(append(i), Appended::New);
    this->holder_.reopen();
    for (int i = 2; i < 6; ++i) EXPECT_EQ(append(i), Appended::Repeat) << i;  // the limit is four
    EXPECT_EQ(append(0), Appended::New);
    EXPECT_EQ(append(2), Appended::New);  // pushed out by 0
    EXPECT_EQ(append(5), Appended::Repeat);
}

TYPED_TEST(LogConformance, ForgetsMessagesAfterTheLedgersAge) {
    const auto append_at = [&](LogTime received) {
        FeedRecord record = feed_record_once("k", "adt/1", 11);
        record.received = received;
        return append_now(this->log(), record)->outcome;
    };
    const auto week = std::chrono::hours(24 * 7);
    EXPECT_EQ(append_at(kNow), Appended::New);
    EXPECT_EQ(append_at(kNow + week), Appended::Repeat);
    EXPECT_EQ(append_at(kNow + week + std::chrono::microseconds(1)), Appended::New);
}

TYPED_TEST(LogConformance, KeepsPositionsOfNamedReaders) {
    EXPECT_EQ(this->log().load_position("views", tp_of("person", 0)), std::nullopt);
    ASSERT_TRUE(this->log().store_position("views", tp_of("person", 0), Offset(5)).has_value());
    ASSERT_TRUE(this->log().store_position("views", tp_of("person", 1), Offset(6)).has_value());
    ASSERT_TRUE(this->log().store_position("sms", tp_of("person", 0), Offset(7)).has_value());
    this->holder_.reopen();
    EXPECT_EQ(this->log().load_position("views", tp_of("person", 0)), Offset(5));
    EXPECT_EQ(this->log().load_position("views", tp_of("person", 1)), Offset(6));
    EXPECT_EQ(this->log().load_position("sms", tp_of("person", 0)), Offset(7));
    EXPECT_EQ(this->log().load_position("views", tp_of("nothing", 0)).error().code(),
              Errc::NotFound);
}

TYPED_TEST(LogConformance, KeepsABatchReadableWhileItLives) {
    auto shard = this->shard("identity", tp_of("subject", 0));
    RecordBatch batch;
    Offset next;
    for (int i = 0; i < 50; ++i) {
        commit_to(*shard, tp_of("person", 0), {"value " + std::to_string(i)}, i + 1);
        ASSERT_EQ(read_all(this->log(), tp_of("person", 0), next).size(), 1u);
        RecordBatch one;
        ASSERT_TRUE(this->log().read(tp_of("person", 0), next, 1, one).has_value());
        next = one.next;
        if (i == 3) batch = std::move(one);
    }
    ASSERT_EQ(batch.records.size(), 1u);
    EXPECT_EQ(batch.records[0].value, "value 3");
}

}  // namespace
}  // namespace vitalog::topology
