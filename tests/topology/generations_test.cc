// Copies of a log while it runs, and what a restored one keeps apart.

#include "topology/log/generations.h"

#include <thread>

#include "log_test_support.h"

namespace vitalog::topology {
namespace {

struct Copies : testing::Test {
    TemporaryFolder folder;
    const std::filesystem::path original = folder.path() / "original";
    const std::filesystem::path copy = folder.path() / "copy";
    const TopicPartition subject = tp_of("subject", 0);
    const TopicPartition audit = tp_of("audit", 0);

    std::unique_ptr<EmbeddedLog> open(const std::filesystem::path& path) {
        auto opened = EmbeddedLog::open(small_embedded_options(path));
        EXPECT_TRUE(opened.has_value()) << opened.error().to_string();
        return opened ? std::move(*opened) : nullptr;
    }
};

TEST_F(Copies, HoldEverythingAcknowledgedBeforeTheCall) {
    const auto log = open(original);
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> acknowledged{0};
    std::thread sender([&] {
        while (!stop) {
            ASSERT_TRUE(
                append_now(*log, feed_record("k", std::string(1000, 'x'), "audit")).has_value());
            ++acknowledged;
        }
    });
    while (acknowledged < 200) std::this_thread::yield();
    const std::size_t before = acknowledged;
    const auto copied = log->copy_to(copy);
    stop = true;
    sender.join();
    ASSERT_TRUE(copied.has_value()) << copied.error().to_string();
    EXPECT_GE(read_all(*open(copy), audit).size(), before);
    EXPECT_EQ(read_all(*log, audit).size(), acknowledged) << "the original goes on";
}

TEST_F(Copies, AreNotWrittenOverAnything) {
    const auto log = open(original);
    std::filesystem::create_directories(copy);
    const auto copied = log->copy_to(copy);
    ASSERT_FALSE(copied.has_value());
    EXPECT_EQ(copied.error().code(), Errc::Conflict);
}

TEST_F(Copies, KeepTheIdsOfWhatTheyHoldAndGiveNewOnesToWhatFollows) {
    RecordId first;
    RecordId second;
    {
        const auto log = open(original);
        first = append_now(*log, feed_record("k", "1", "audit"))->id;
        ASSERT_TRUE(log->copy_to(copy).has_value());
        second = append_now(*log, feed_record("k", "2", "audit"))->id;
    }
    RecordId other;
    {
        const auto restored = open(copy);
        ASSERT_TRUE(restored->begin_generation().has_value());
        EXPECT_EQ(restored->generation(), Generation(2));
        other = append_now(*restored, feed_record("k", "another", "audit"))->id;
    }
    EXPECT_NE(other, second) << "the same offset, another record";
    const auto log = open(copy);
    EXPECT_EQ(log->generation(), Generation(2));
    EXPECT_EQ(feed_record_id(log->generation_at(audit, Offset(0)), audit, Offset(0)), first);
    EXPECT_EQ(feed_record_id(log->generation_at(audit, Offset(1)), audit, Offset(1)), other);
}

TEST_F(Copies, CanBeCopiedAndRestoredAgain) {
    {
        const auto log = open(original);
        append_now(*log, feed_record("k", "1", "audit"));
        ASSERT_TRUE(log->begin_generation().has_value());
        append_now(*log, feed_record("k", "2", "audit"));
        ASSERT_TRUE(log->begin_generation().has_value());
        append_now(*log, feed_record("k", "3", "audit"));
    }
    const auto log = open(original);
    for (std::int64_t offset = 0; offset < 3; ++offset)
        EXPECT_EQ(log->generation_at(audit, Offset(offset)),
                  Generation(static_cast<std::uint32_t>(offset + 1)));
    EXPECT_EQ(log->generation_at(tp_of("audit", 9), Offset(0)), Generation(3))
        << "one unknown then";
}

TEST_F(Copies, ShardsAndReadersGoOnWhereTheyStood) {
    {
        const auto log = open(original);
        const auto shard = std::move(*log->open_shard("identity", subject));
        EXPECT_EQ(commit_to(*shard, audit, {"a", "b", "c"}, 7), CommitOutcome::Committed);
        ASSERT_TRUE(log->store_position("reader", audit, Offset(1)).has_value());
        ASSERT_TRUE(log->copy_to(copy).has_value());
    }
    const auto log = open(copy);
    ASSERT_TRUE(log->begin_generation().has_value());
    EXPECT_EQ(*log->load_position("reader", audit), Offset(1));
    const auto shard = std::move(*log->open_shard("identity", subject));
    EXPECT_EQ(shard->position().committed, Offset(7));
}

TEST_F(Copies, SendNothingThatTheOriginalMayHaveSent) {
    {
        const auto log = open(original);
        const auto shard = std::move(*log->open_shard("notify", subject));
        EXPECT_EQ(commit_to(*shard, audit, {"sent", "in doubt", "in doubt"}, 1),
                  CommitOutcome::Committed);
        ASSERT_TRUE(log->store_position("effects.sms", audit, Offset(1)).has_value());
        ASSERT_TRUE(log->store_position("effects.sms.settled", audit, Offset(1)).has_value());
        EXPECT_FALSE(log->restored());
        ASSERT_TRUE(log->begin_generation().has_value());
    }
    {
        const auto log = open(original);
        EXPECT_TRUE(log->restored());
        EXPECT_EQ(*log->pass_over({"audit"}), 2U);
    }
    const auto log = open(original);
    EXPECT_FALSE(log->restored());
    EXPECT_EQ(*log->load_position("effects.sms", audit), Offset(3)) << "taken";
    EXPECT_EQ(*log->load_position("effects.sms.settled", audit), Offset(1)) << "to be asked about";
}

TEST_F(Copies, BirthsThatDoNotFollowTheirFormatAreRefusedByTheirPartition) {
    open(original).reset();
    {
        const auto rocks = Rocks::open(original / "db", {});
        ASSERT_TRUE(rocks.has_value()) << rocks.error().to_string();
        ASSERT_TRUE((*rocks)->db().Put({}, (*rocks)->meta(), births_key(subject), "x").ok());
    }
    const auto opened = EmbeddedLog::open(small_embedded_options(original));
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code(), Errc::Damaged);
    EXPECT_NE(opened.error().message().find("generations of subject/0 do not follow"),
              std::string::npos)
        << opened.error().message();
}

TEST(Births, ReadBackAndAreRefusedWhereTheyDoNotFollowTheirFormat) {
    const std::vector<Birth> births{
        {Generation(1), Offset()}, {Generation(2), Offset(5)}, {Generation(7), Offset(5)}};
    EXPECT_EQ(decode_births(encode_births(births), "births"), births);
    EXPECT_EQ(parse_births_key(births_key(tp_of("subject", 3))), tp_of("subject", 3));
    const std::string whole = encode_births(births);
    for (const std::string& broken :
         {std::string(), whole.substr(0, 1), encode_births({{Generation(0), Offset()}}),
          encode_births({births[1], births[0]}), encode_births({births[0], births[0]}),
          encode_births({{Generation(1), Offset(-1)}})}) {
        const auto read = decode_births(broken, "births");
        ASSERT_FALSE(read.has_value());
        EXPECT_EQ(read.error().code(), Errc::Damaged);
        EXPECT_EQ(read.error().message().find("births"), 0U) << read.error().message();
    }
    EXPECT_FALSE(parse_births_key("born").has_value());
}

}  // namespace
}  // namespace vitalog::topology
