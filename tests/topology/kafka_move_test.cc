// An embedded log carried into the cluster that VITALOG_TEST_KAFKA names: what lies where, and what
// is refused.

#include "kafka_test_support.h"
#include "topology/log/kafka/move_in.h"

namespace vitalog::topology {
namespace {

class KafkaMove : public testing::Test {
  protected:
    KafkaMove() : group_(fresh_name()) { topic_prefix() = group_ + "."; }
    ~KafkaMove() override { topic_prefix().clear(); }

    std::filesystem::path old_folder() const { return folder_.path() / "old"; }
    std::filesystem::path new_folder() const { return folder_.path() / "new"; }

    /// Nothing is dropped by the cluster, whose clock is not that of the records.
    KafkaLog::Options target() const { return small_kafka_options(new_folder(), group_); }

    /// Two records of feed.his/P that retention dropped, then three; a shard; a reader.
    void write_log() {
        auto options = small_embedded_options(old_folder());
        options.topics[0].retention = std::chrono::hours(1);
        auto opened = EmbeddedLog::open(std::move(options));
        ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
        EmbeddedLog& log = **opened;
        for (const char* value : {"dropped", "dropped too"})
            ASSERT_TRUE(append_now(log, feed_record("k", value)).has_value());
        ASSERT_TRUE(log.enforce_retention(kNow + std::chrono::hours(2)).has_value());
        for (const std::uint64_t body : {1, 2, 3}) {
            FeedRecord record = feed_record_once("k", "message " + std::to_string(body), body);
            record.received = kNow + std::chrono::hours(2);
            Headers::append(record.headers, "format", "test");
            const auto receipt = append_now(log, std::move(record));
            ASSERT_TRUE(receipt.has_value());
            feed_ = receipt->tp;
        }
        auto shard = log.open_shard("care", tp_of("person", 0));
        ASSERT_TRUE(shard.has_value());
        ASSERT_EQ(commit_to(**shard, tp_of("person", 0), {"one", "two"}, 0, {}),
                  CommitOutcome::Committed);
        ASSERT_EQ(commit_to(**shard, tp_of("audit", 0), {"seen"}, 2, {{"a", "1"}, {"b", ""}}),
                  CommitOutcome::Committed);
        ASSERT_TRUE(log.store_position("alarms", tp_of("audit", 0), Offset(1)).has_value());
    }

    std::unique_ptr<StoppedLog> stopped() const {
        auto log = StoppedLog::open(old_folder());
        EXPECT_TRUE(log.has_value()) << log.error().to_string();
        return std::move(*log);
    }
    Result<std::unique_ptr<MoveIn>> open_move(const StoppedLog& from) const {
        return MoveIn::open(target(), from, [](const MoveProgress&) {});
    }
    static Result<void> to_the_end(MoveIn& move, const std::filesystem::path& folder) {
        VITALOG_CHECK(move.begin());
        VITALOG_CHECK(move.carry());
        VITALOG_CHECK(move.make_local(folder));
        VITALOG_CHECK(move.store_positions());
        return move.finish();
    }

    const std::string group_;
    const TemporaryFolder folder_;
    TopicPartition feed_;
};

TEST_F(KafkaMove, KeepsOffsetsStateAndPositions) {
    write_log();
    {
        const auto from = stopped();
        const auto move = open_move(*from);
        ASSERT_TRUE(move.has_value()) << move.error().to_string();
        const auto moved = to_the_end(**move, new_folder());
        ASSERT_TRUE(moved.has_value()) << moved.error().to_string();
        EXPECT_EQ((*move)->counts().records, 6u);
        EXPECT_EQ((*move)->counts().filled, 2u);
        EXPECT_EQ((*move)->counts().entities, 2u);
        EXPECT_TRUE((*move)->made(new_folder()).value());
    }
    const auto options = target();
    const auto log = KafkaLog::open(options);
    ASSERT_TRUE(log.has_value()) << log.error().to_string();
    wait_for_shards(**log, options);
    EXPECT_EQ((*log)->begin_offset(feed_).value(), Offset(2));
    EXPECT_EQ((*log)->end_offset(feed_).value(), Offset(5));
    EXPECT_EQ(read_all(**log, feed_, Offset(2)),
              (std::vector<Read>{{2, "k", "body 1"}, {3, "k", "body 2"}, {4, "k", "body 3"}}));
    RecordBatch batch;
    ASSERT_TRUE((*log)->read(feed_, Offset(2), 1 << 20, batch).has_value());
    ASSERT_EQ(batch.records.size(), 3u);
    EXPECT_EQ(batch.records[0].headers.find("format"), "test");
    EXPECT_EQ(batch.records[0].timestamp, kNow + std::chrono::hours(2));
    {
        const auto shard = open_now(**log, "care", tp_of("person", 0));
        ASSERT_NE(shard, nullptr);
        EXPECT_EQ(shard->position().committed, Offset(2));
        EXPECT_EQ(shard->position().logic, 1u);
        EXPECT_EQ(stored_value(shard->state(), "a"), "1");
        EXPECT_EQ(stored_value(shard->state(), "b"), "");
    }
    EXPECT_EQ((*log)->load_position("alarms", tp_of("audit", 0)).value(), Offset(1));
    FeedRecord again = feed_record_once("k", "message 3", 3);
    again.received = kNow + std::chrono::hours(3);
    const auto repeat = append_now(**log, std::move(again));
    ASSERT_TRUE(repeat.has_value());
    EXPECT_EQ(repeat->outcome, Appended::Repeat);
    EXPECT_EQ(repeat->answer, "ack of 3");
}

TEST_F(KafkaMove, IsNotTakenForWholeAndGoesOn) {
    write_log();
    const auto from = stopped();
    {
        const auto move = open_move(*from);
        ASSERT_TRUE(move.has_value());
        EXPECT_FALSE((*move)->resumes());
        ASSERT_TRUE((*move)->begin().has_value());
        ASSERT_TRUE((*move)->carry().has_value());
        ASSERT_TRUE((*move)->store_positions().has_value());
    }
    EXPECT_EQ(KafkaLog::open(target()).error().code(), Errc::Conflict);
    const auto again = open_move(*from);
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE((*again)->resumes());
    const auto moved = to_the_end(**again, new_folder());
    ASSERT_TRUE(moved.has_value()) << moved.error().to_string();
    EXPECT_EQ((*again)->counts().filled, 0u);
    EXPECT_EQ((*again)->counts().found, 8u) << "all offsets, with those of what was dropped";
    const auto third = open_move(*from);
    ASSERT_TRUE(third.has_value());
    EXPECT_EQ((*third)->begin().error().code(), Errc::Conflict);
    EXPECT_TRUE(KafkaLog::open(target()).has_value());
}

TEST_F(KafkaMove, FindsARecordOfSomebodyElse) {
    write_log();
    const auto from = stopped();
    const auto begun = open_move(*from);
    ASSERT_TRUE(begun.has_value());
    ASSERT_TRUE((*begun)->begin().has_value());
    // Another log with as many records, under the same names.
    const std::filesystem::path other = folder_.path() / "other";
    {
        auto opened = EmbeddedLog::open(small_embedded_options(other));
        ASSERT_TRUE(opened.has_value());
        for (int i = 0; i < 5; ++i)
            ASSERT_TRUE(append_now(**opened, feed_record("k", "another")).has_value());
    }
    const auto elsewhere = StoppedLog::open(other);
    ASSERT_TRUE(elsewhere.has_value());
    const auto wrong = open_move(**elsewhere);
    ASSERT_TRUE(wrong.has_value());
    ASSERT_TRUE((*wrong)->begin().has_value());
    ASSERT_TRUE((*wrong)->carry().has_value());
    const auto carried = (*begun)->carry();
    ASSERT_FALSE(carried.has_value());
    EXPECT_EQ(carried.error().code(), Errc::Conflict);
    EXPECT_NE(carried.error().message().find(to_string(feed_)), std::string::npos);
}

TEST_F(KafkaMove, RefusesARestoredLogAndOtherTopics) {
    write_log();
    {
        const auto from = stopped();
        auto options = target();
        options.topics.erase(options.topics.begin());
        const auto unnamed = MoveIn::open(options, *from, [](const MoveProgress&) {});
        EXPECT_EQ(unnamed.error().code(), Errc::Configuration);
        options = target();
        options.topics[0].partitions = 3;
        const auto more = MoveIn::open(options, *from, [](const MoveProgress&) {});
        EXPECT_NE(more.error().message().find("partitions"), std::string::npos);
    }
    {
        auto log = EmbeddedLog::open(small_embedded_options(old_folder()));
        ASSERT_TRUE(log.has_value());
        ASSERT_TRUE((*log)->begin_generation().has_value());
    }
    const auto from = stopped();
    const auto refused = open_move(*from);
    EXPECT_EQ(refused.error().code(), Errc::Configuration);
    EXPECT_NE(refused.error().message().find("generation 2"), std::string::npos);
}

}  // namespace
}  // namespace vitalog::topology
