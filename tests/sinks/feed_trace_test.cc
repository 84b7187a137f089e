#include "sinks/trace/feed_trace.h"

#include <gtest/gtest.h>

#include "topology/log/memory_log.h"

namespace vitalog::sinks {
namespace {

using namespace std::chrono_literals;

class FeedTraceTest : public testing::Test {
  protected:
    static std::vector<topology::TopicConfig> feeds() {
        std::vector<topology::TopicConfig> topics;
        for (const char* name : {"feed.his", "feed.lis"}) {
            topology::TopicConfig config;
            config.name = name;
            config.partitions = 2;
            config.feed = true;
            topics.push_back(config);
        }
        return topics;
    }
    AppendReceipt append(const std::string& topic, LogTime at) {
        FeedRecord record;
        record.topic = topic;
        record.key = "k";
        record.received = at;
        AppendReceipt given;
        log.append(std::move(record), [&](const Result<AppendReceipt>& done) { given = *done; });
        return given;
    }
    std::optional<FeedPlace> find(const RecordId& id, LogTime received) {
        return *FeedTrace(log, topics, Generation(1)).find(id, received.as<ReceivedTime>());
    }

    static constexpr LogTime kStart{1'600'000'000'000'000};
    topology::MemoryLog log{feeds()};
    schemas::TopicNames topics;
};

TEST_F(FeedTraceTest, FindsTheRecordThatAnIdIsTheHashOf) {
    append("feed.lis", kStart);
    for (int i = 0; i < 500; ++i) append("feed.his", kStart + i * 1min);
    const auto wanted = append("feed.his", kStart + 500min);
    for (int i = 0; i < 500; ++i) append("feed.his", kStart + 500min + i * 1min);
    EXPECT_EQ(find(wanted.id, kStart + 500min), (FeedPlace{wanted.tp, wanted.offset}));
    EXPECT_EQ(find(wanted.id, kStart + 500min + 9s), (FeedPlace{wanted.tp, wanted.offset}))
        << "records of a partition lie out of order by seconds";
    EXPECT_EQ(find(wanted.id, kStart + 490min), std::nullopt)
        << "nothing is received before it came";
}

TEST_F(FeedTraceTest, GoesBackForWhatATimerCausedLater) {
    const auto wanted = append("feed.lis", kStart);
    for (int i = 0; i < 10'000; ++i) append("feed.his", kStart + i * 1s);
    EXPECT_EQ(find(wanted.id, kStart + 48h), (FeedPlace{wanted.tp, wanted.offset}));
}

TEST_F(FeedTraceTest, FindsRecordsOfEarlierGenerations) {
    const auto place = append("feed.his", kStart);
    const RecordId before = feed_record_id(Generation(2), place.tp, place.offset);
    FeedTrace third(log, topics, Generation(3));
    EXPECT_EQ(*third.find(before, kStart.as<ReceivedTime>()), (FeedPlace{place.tp, place.offset}));
    EXPECT_EQ(find(before, kStart), std::nullopt) << "of a generation that is yet to come";
}

TEST_F(FeedTraceTest, FindsNothingWhereThereIsNothing) {
    append("feed.his", kStart);
    EXPECT_EQ(find(RecordId(), kStart), std::nullopt);
    EXPECT_EQ(find(IdHash().part("gone").finish(), kStart + 1h), std::nullopt);
}

}  // namespace
}  // namespace vitalog::sinks
