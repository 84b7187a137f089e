// What only the log of tests and simulation does: fail and crash on demand.

#include "topology/log/memory_log.h"

#include "log_test_support.h"

namespace vitalog::topology {
namespace {

struct MemoryLogTest : testing::Test {
    MemoryLog log{test_topics()};
    const TopicPartition person = tp_of("person", 0);
    std::unique_ptr<ShardLog> shard = open();

    std::unique_ptr<ShardLog> open() {
        return std::move(*log.open_shard("identity", tp_of("subject", 0)));
    }
};

TEST_F(MemoryLogTest, LosesInACrashWhatWasNotSynced) {
    commit_to(*shard, person, {"kept"}, 1, {{"entity", "1"}});
    ASSERT_TRUE(log.sync().has_value());
    commit_to(*shard, person, {"lost", "lost"}, 2, {{"entity", "2"}, {"other", "x"}});
    log.crash();
    shard = open();
    EXPECT_EQ(shard->position().committed, Offset(1));
    EXPECT_EQ(stored_value(shard->state(), "entity"), "1");
    EXPECT_EQ(stored_value(shard->state(), "other"), std::nullopt);
    EXPECT_EQ(read_all(log, person), (std::vector<Read>{{0, "k", "kept"}}));
    // What is written again gets the same offsets.
    commit_to(*shard, person, {"again"}, 2);
    EXPECT_EQ(read_all(log, person).back(), (Read{1, "k", "again"}));
}

TEST_F(MemoryLogTest, KeepsAppendsAndWhatWasCommittedBeforeThem) {
    commit_to(*shard, person, {"before"}, 1);
    ASSERT_EQ(append_now(log, feed_record_once("k", "adt/1", 7))->outcome, Appended::New);
    commit_to(*shard, person, {"after"}, 2);
    log.crash();
    EXPECT_EQ(read_all(log, person).size(), 1u);
    EXPECT_EQ(append_now(log, feed_record_once("k", "adt/1", 7))->outcome, Appended::Repeat);
}

TEST_F(MemoryLogTest, MakesHandlesOfBeforeACrashWorthless) {
    log.crash();
    EXPECT_EQ(commit_to(*shard, person, {"v"}, 1), CommitOutcome::Unknown);
    EXPECT_TRUE(log.open_shard("identity", tp_of("subject", 0)).has_value());
    EXPECT_TRUE(read_all(log, person).empty());
}

TEST_F(MemoryLogTest, FailsTheNextCommitAsAsked) {
    log.fail_next_commit(MemoryLog::CommitFault::Abort);
    log.fail_next_commit(MemoryLog::CommitFault::UnknownDropped);
    log.fail_next_commit(MemoryLog::CommitFault::UnknownApplied);
    EXPECT_EQ(commit_to(*shard, person, {"a"}, 1), CommitOutcome::Aborted);
    EXPECT_EQ(commit_to(*shard, person, {"b"}, 1), CommitOutcome::Unknown);
    EXPECT_TRUE(read_all(log, person).empty());
    EXPECT_EQ(commit_to(*shard, person, {"c"}, 1), CommitOutcome::Unknown);
    EXPECT_EQ(read_all(log, person).size(), 1u);
    EXPECT_EQ(commit_to(*shard, person, {"d"}, 2), CommitOutcome::Committed);
}

TEST_F(MemoryLogTest, RefusesFeedsAtTheDiskReserveAndNothingElse) {
    log.set_reserve_reached(true);
    EXPECT_EQ(append_now(log, feed_record("k", "v")).error().code(), Errc::Busy);
    EXPECT_TRUE(append_now(log, feed_record("k", "v", "audit")).has_value());
    EXPECT_EQ(commit_to(*shard, person, {"v"}, 1), CommitOutcome::Committed);
    log.set_reserve_reached(false);
    EXPECT_TRUE(append_now(log, feed_record("k", "v")).has_value());
}

TEST_F(MemoryLogTest, FailsAppendsAsAsked) {
    log.fail_appends(Error(Errc::Io, "no disk"));
    EXPECT_EQ(append_now(log, feed_record("k", "v")).error().message(), "no disk");
    log.fail_appends(std::nullopt);
    EXPECT_TRUE(append_now(log, feed_record("k", "v")).has_value());
}

TEST_F(MemoryLogTest, SaysWhenRetentionDroppedWhatIsAskedFor) {
    for (int i = 0; i < 4; ++i) commit_to(*shard, person, {"a", "b"}, i + 1);
    ASSERT_TRUE(log.trim(person, Offset(5)).has_value());
    EXPECT_EQ(log.begin_offset(person), Offset(4));
    RecordBatch batch;
    EXPECT_EQ(log.read(person, Offset(3), 1, batch).error().code(), Errc::OutOfRange);
    EXPECT_EQ(read_all(log, person, Offset(4)).size(), 4u);
}

}  // namespace
}  // namespace vitalog::topology
