// Questions about groups while their coordinators move, on the brokers that librdkafka plays by
// itself: they say which broker coordinates a group, and answer as they are told to. What real
// brokers do: scripts/prove-cluster.

#include <gtest/gtest.h>

#include "topology/log/kafka/positions.h"

// After rdkafka.h.
#include <librdkafka/rdkafka_mock.h>

namespace vitalog::topology::kafka {
namespace {

constexpr std::int16_t kOffsetCommit = 8;
constexpr std::int16_t kOffsetFetch = 9;
constexpr int kAlways = 400;  // answers; who asks every 50 ms gives up before

class KafkaAsker : public testing::Test {
  protected:
    void SetUp() override {
        auto made = make_client(RD_KAFKA_PRODUCER, {});
        ASSERT_TRUE(made.has_value());
        host_ = *std::move(made);
        brokers_.reset(rd_kafka_mock_cluster_new(host_.get(), 2));
        rd_kafka_mock_topic_create(brokers_.get(), "feed", 1, 1);
        coordinate(1);
        asker_.emplace(
            Properties{{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(brokers_.get())},
                       {"group.id", "asking"},
                       {"reconnect.backoff.max.ms", "200"}});
    }

    void coordinate(int broker) {
        rd_kafka_mock_coordinator_set(brokers_.get(), "group", kGroup, broker);
    }
    void answer(int broker, std::int16_t request, rd_kafka_resp_err_t code, int times) {
        for (int i = 0; i < times; ++i)
            rd_kafka_mock_broker_push_request_error_rtts(brokers_.get(), broker, request, 1, code,
                                                         0);
    }

    static constexpr const char* kGroup = "readers";
    const TopicPartition feed_{"feed", Partition(0)};
    Handle host_;
    std::unique_ptr<rd_kafka_mock_cluster_t, DestroyedBy<rd_kafka_mock_cluster_destroy>> brokers_;
    std::optional<Asker> asker_;
};

TEST_F(KafkaAsker, FindsTheCoordinatorThatAGroupHasNow) {
    ASSERT_TRUE(store_offset(*asker_, kGroup, feed_, Offset(7)).has_value());
    coordinate(2);
    answer(1, kOffsetFetch, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, kAlways);
    answer(1, kOffsetCommit, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, kAlways);
    const auto read = committed_offsets(*asker_, kGroup, {feed_});
    ASSERT_TRUE(read.has_value()) << read.error().to_string();
    ASSERT_TRUE(read->contains(feed_));
    EXPECT_EQ(read->at(feed_).next, Offset(7));
    const auto stored = store_offset(*asker_, kGroup, feed_, Offset(8));
    EXPECT_TRUE(stored.has_value()) << stored.error().to_string();
}

TEST_F(KafkaAsker, WaitsWhileACoordinatorLoads) {
    ASSERT_TRUE(store_offset(*asker_, kGroup, feed_, Offset(7)).has_value());
    answer(1, kOffsetFetch, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 1);
    const auto now = committed_offsets_now(*asker_, kGroup, {feed_}, Stable::No);
    ASSERT_TRUE(now.has_value()) << now.error().to_string();
    EXPECT_FALSE(now->has_value());
    const auto then = committed_offsets(*asker_, kGroup, {feed_});
    ASSERT_TRUE(then.has_value()) << then.error().to_string();
    EXPECT_EQ(then->at(feed_).next, Offset(7));
}

TEST_F(KafkaAsker, SaysWhatIsNotAllowedAtOnce) {
    answer(1, kOffsetFetch, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 1);
    const auto read = committed_offsets(*asker_, kGroup, {feed_});
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), Errc::Forbidden);
    EXPECT_NE(read.error().message().find(kGroup), std::string::npos) << read.error().to_string();
}

TEST_F(KafkaAsker, OutlivesACoordinatorThatIsAwayForLongerThanACallWaits) {
    ASSERT_TRUE(store_offset(*asker_, kGroup, feed_, Offset(7)).has_value());
    rd_kafka_mock_broker_set_down(brokers_.get(), 1);
    Asker::Client held;  // as another thread has it
    Result<void> now;
    while (now) {
        held = *asker_->client();
        const auto asked = committed_offsets_now(*asker_, kGroup, {feed_});
        if (!asked) now = tl::unexpected(asked.error());
    }
    EXPECT_EQ(now.error().code(), Errc::Io) << now.error().to_string();
    rd_kafka_mock_broker_set_up(brokers_.get(), 1);
    const auto then = committed_offsets(*asker_, kGroup, {feed_});
    ASSERT_TRUE(then.has_value()) << then.error().to_string();
    EXPECT_EQ(then->at(feed_).next, Offset(7));
    EXPECT_NE(held, *asker_->client());
    EXPECT_TRUE(ask_watermarks(held.get(), feed_).has_value()) << "what was given up harms nobody";
    rest(std::chrono::seconds(2));  // until the old client has found the coordinator too
}

TEST_F(KafkaAsker, LearnsWhoLeadsAPartitionNow) {
    const auto client = asker_->client();
    ASSERT_TRUE(client.has_value());
    for (const int leader : {1, 2, 1}) {
        rd_kafka_mock_partition_set_leader(brokers_.get(), "feed", 0, leader);
        const auto marks = ask_watermarks(client->get(), feed_);
        ASSERT_TRUE(marks.has_value()) << marks.error().to_string();
        EXPECT_EQ(marks->end, Offset(0));
    }
}

TEST_F(KafkaAsker, LeavesAClientToWhoStillHasIt) {
    const auto held = asker_->client();
    ASSERT_TRUE(held.has_value());
    EXPECT_EQ(*held, *asker_->client()) << "one for all";
    ASSERT_TRUE(committed_offsets(*asker_, kGroup, {feed_}).has_value());
    coordinate(2);
    answer(1, kOffsetFetch, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, kAlways);
    ASSERT_TRUE(committed_offsets(*asker_, kGroup, {feed_}).has_value());
    EXPECT_NE(*held, *asker_->client());
    EXPECT_TRUE(ask_watermarks(held->get(), feed_).has_value());
}

}  // namespace
}  // namespace vitalog::topology::kafka
