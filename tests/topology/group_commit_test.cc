// Sharing an fsync: who waits with whom, and what a failure does.

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "topology/log/group_committer.h"
#include "topology/log/sync_gate.h"

namespace vitalog::topology {
namespace {

TEST(SyncGate, DoesNothingWhenNothingWasWritten) {
    int fsyncs = 0;
    SyncGate gate([&]() -> Result<void> {
        ++fsyncs;
        return {};
    });
    EXPECT_TRUE(gate.sync().has_value());
    EXPECT_EQ(fsyncs, 0);
    gate.note_write();
    EXPECT_TRUE(gate.sync().has_value());
    EXPECT_TRUE(gate.sync().has_value());
    EXPECT_EQ(fsyncs, 1);
}

TEST(SyncGate, SharesTheNextFsyncAmongAllWhoComeDuringOne) {
    std::atomic<int> fsyncs = 0;
    std::promise<void> first_runs;
    std::promise<void> go_on;
    SyncGate gate([&]() -> Result<void> {
        if (++fsyncs == 1) {
            first_runs.set_value();
            go_on.get_future().wait();
        }
        return {};
    });
    gate.note_write();
    std::thread first([&] { EXPECT_TRUE(gate.sync().has_value()); });
    first_runs.get_future().wait();
    gate.note_write();  // not covered by the one that runs
    std::vector<std::thread> others;
    std::atomic<int> returned = 0;
    for (int i = 0; i < 8; ++i)
        others.emplace_back([&] {
            EXPECT_TRUE(gate.sync().has_value());
            EXPECT_EQ(fsyncs, 2);
            ++returned;
        });
    EXPECT_EQ(returned, 0);
    go_on.set_value();
    first.join();
    for (auto& other : others) other.join();
    EXPECT_EQ(fsyncs, 2);
}

TEST(SyncGate, NeverSucceedsAgainAfterAFailure) {
    int fsyncs = 0;
    SyncGate gate([&]() -> Result<void> {
        if (++fsyncs == 1) return fail(Errc::Io, "no disk");
        return {};
    });
    gate.note_write();
    EXPECT_FALSE(gate.sync().has_value());
    gate.note_write();
    EXPECT_EQ(gate.sync().error().message(), "no disk");
    EXPECT_EQ(fsyncs, 1) << "a later fsync says nothing of what an earlier one lost";
}

FeedRecord record_of(std::size_t bytes) {
    FeedRecord record;
    record.value = std::string(bytes, 'x');
    return record;
}

TEST(GroupCommitter, KeepsGroupsWithinTheirLimitsAndOrder) {
    std::promise<void> go_on;
    std::vector<std::size_t> groups;
    std::vector<std::size_t> seen;
    GroupCommitter committer(
        {.queue_records = 100, .queue_bytes = 1 << 20, .group_records = 10, .group_bytes = 1 << 20},
        [&](AppendGroup group) {
            if (groups.empty()) go_on.get_future().wait();
            groups.push_back(group.records.size());
            for (const FeedRecord& record : group.records) seen.push_back(record.value.size());
        },
        [] {});
    for (std::size_t i = 0; i < 30; ++i) {
        FeedRecord record = record_of(i);
        AppendDone done;
        ASSERT_TRUE(committer.offer(record, done));
    }
    go_on.set_value();
    committer.stop();
    for (const std::size_t size : groups) EXPECT_LE(size, 10u);
    ASSERT_EQ(seen.size(), 30u);
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
}

TEST(GroupCommitter, BoundsItsQueueByBytesAndLetsOneLargeRecordThrough) {
    std::promise<void> go_on;
    std::promise<void> started;
    std::atomic<int> groups = 0;
    GroupCommitter committer(
        {.queue_records = 100, .queue_bytes = 4'000, .group_records = 10, .group_bytes = 1 << 20},
        [&](AppendGroup) {
            if (++groups == 1) {
                started.set_value();
                go_on.get_future().wait();
            }
        },
        [] {});
    AppendDone done;
    FeedRecord first = record_of(1);
    ASSERT_TRUE(committer.offer(first, done));
    started.get_future().wait();
    FeedRecord large = record_of(100'000);
    EXPECT_TRUE(committer.offer(large, done)) << "alone in the queue";
    FeedRecord next = record_of(1);
    EXPECT_FALSE(committer.offer(next, done));
    EXPECT_EQ(next.value.size(), 1u) << "left as it was";
    go_on.set_value();
    committer.stop();
    EXPECT_FALSE(committer.offer(next, done)) << "nothing is taken after the stop";
}

TEST(GroupCommitter, SyncsAfterANudge) {
    std::promise<void> synced;
    GroupCommitter committer(
        {}, [](AppendGroup) {}, [&] { synced.set_value(); });
    committer.nudge();
    EXPECT_EQ(synced.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

}  // namespace
}  // namespace vitalog::topology
