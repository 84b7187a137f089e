// What only the log on disk promises: damage found, retention, the reserve, one process, crashes.

#include "topology/log/embedded_log.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "log_test_support.h"
#include "topology/log/partition_log.h"
#include "topology/log/rocks.h"
#include "topology/log/stopped_log.h"

namespace vitalog::topology {
namespace {

struct EmbeddedLogTest : testing::Test {
    TemporaryFolder folder;
    EmbeddedLog::Options options = small_embedded_options(folder.path());
    const TopicPartition subject = tp_of("subject", 0);
    const TopicPartition person = tp_of("person", 0);

    std::unique_ptr<EmbeddedLog> open() {
        auto opened = EmbeddedLog::open(options);
        EXPECT_TRUE(opened.has_value()) << opened.error().to_string();
        return opened ? std::move(*opened) : nullptr;
    }
    TopicConfig& topic(std::string_view name) {
        return *std::ranges::find(options.topics, name, &TopicConfig::name);
    }
    /// Ten commits of a record each to `person`, a minute apart, ending at kNow.
    void commit_ten(EmbeddedLog& log) {
        const auto shard = std::move(*log.open_shard("identity", subject));
        for (int i = 0; i < 10; ++i) {
            Commit commit;
            commit.outputs.push_back({person, {}});
            commit.outputs[0].block.add(kNow - std::chrono::minutes(9 - i), "k", "",
                                        "value " + std::to_string(i));
            commit.committed = commit.checkpoint = Offset(i + 1);
            std::optional<Error> error;
            ASSERT_EQ(shard->commit(commit, error), CommitOutcome::Committed);
        }
    }
};

TEST_F(EmbeddedLogTest, NamesTheDamagedBlock) {
    {
        const auto log = open();
        commit_ten(*log);
    }
    {
        auto rocks = std::move(*Rocks::open(folder.path() / "db", {.block_cache_bytes = 1 << 20,
                                                                   .write_buffer_bytes = 1 << 20,
                                                                   .wal_bytes_max = 1 << 20,
                                                                   .background_jobs = 1}));
        const auto family = rocks->take_logs().at(segment_name(person, Offset(0)));
        std::string stored;
        ASSERT_TRUE(rocks->db().Get({}, family->get(), block_key(Offset(7)), &stored).ok());
        stored.back() = static_cast<char>(stored.back() ^ 1);
        ASSERT_TRUE(rocks->db().Put({}, family->get(), block_key(Offset(7)), stored).ok());
    }
    const auto log = open();
    RecordBatch batch;
    EXPECT_TRUE(log->read(person, Offset(6), 1, batch).has_value());
    const auto read = log->read(person, Offset(7), 1, batch);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), Errc::Damaged);
    EXPECT_NE(read.error().message().find("person/0/7"), std::string::npos)
        << read.error().message();
    EXPECT_NE(read.error().message().find("backup"), std::string::npos);
    EXPECT_TRUE(log->read(person, Offset(8), 1, batch).has_value());
}

/// Follows the chain of a partition of a stopped log; gives its head, or nothing where it does not hold.
std::optional<Digest> head_of(const std::filesystem::path& folder, const TopicPartition& tp) {
    const auto log = StoppedLog::open(folder);
    EXPECT_TRUE(log.has_value()) << log.error().to_string();
    BlockChain chain(tp, (*log)->extent(tp).begin);
    const auto followed = (*log)->visit_blocks(
        tp, [&](Offset base, std::string_view stored) { return chain.add(base, stored); });
    EXPECT_TRUE(followed.has_value()) << followed.error().to_string();
    return followed ? chain.head() : std::nullopt;
}

TEST_F(EmbeddedLogTest, ItsBlocksAreOneChainOverRestartsAndDroppedSegments) {
    topic("person").retention = std::chrono::minutes(4);
    options.segment_age = std::chrono::minutes(2);
    for (int i = 0; i < 3; ++i) {
        commit_ten(*open());
        EXPECT_TRUE(head_of(folder.path(), person).has_value()) << i;
    }
    {
        const auto log = open();
        ASSERT_TRUE(log->enforce_retention(kNow).has_value());
        EXPECT_GT(*log->begin_offset(person), Offset(0));
    }
    const auto before = head_of(folder.path(), person);
    ASSERT_TRUE(before.has_value());
    {
        const auto log = open();
        ASSERT_TRUE(log->enforce_retention(kNow + std::chrono::hours(1)).has_value());
        EXPECT_EQ(*log->begin_offset(person), Offset(30)) << "everything was dropped";
    }
    commit_ten(*open());
    const auto log = std::move(*StoppedLog::open(folder.path()));
    bool first = true;
    ASSERT_TRUE(log->visit_blocks(person, [&](Offset, std::string_view stored) -> Result<void> {
        VITALOG_TRY(const SealedBlock seal, open_seal(stored));
        if (first) {
            EXPECT_EQ(seal.before, before) << "of what was dropped";
        }
        first = false;
        return {};
    }).has_value());
}

TEST_F(EmbeddedLogTest, RefusesToGoOnWithoutWhatWasAcknowledged) {
    {
        const auto log = open();
        for (int i = 0; i < 50; ++i)
            ASSERT_TRUE(append_now(*log, feed_record("k", std::string(1000, 'x'))).has_value());
    }
    std::filesystem::path newest;  // the write-ahead log that holds the appends
    for (const auto& file : std::filesystem::directory_iterator(folder.path() / "db"))
        if (file.path().extension() == ".log" && (newest.empty() || newest < file.path()))
            newest = file.path();
    std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);

    const auto refused = EmbeddedLog::open(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Errc::Damaged);
    EXPECT_NE(refused.error().message().find("synced"), std::string::npos)
        << refused.error().message();
    std::filesystem::remove(folder.path() / "synced");  // the way out that the message names
    EXPECT_TRUE(EmbeddedLog::open(options).has_value());
}

TEST_F(EmbeddedLogTest, IsHeldByOneProcess) {
    const auto log = open();
    const auto second = EmbeddedLog::open(options);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code(), Errc::Conflict);
    EXPECT_NE(second.error().message().find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(EmbeddedLogTest, RefusesTheFormatsOfOtherVersions) {
    open();
    for (const auto& [format, writer] :
         {std::pair{"VLOG 4", "a newer version"}, std::pair{"VLOG 0", "an older version"}}) {
        std::ofstream(folder.path() / "format") << format << "\n";
        const auto refused = EmbeddedLog::open(options);
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code(), Errc::Damaged);
        EXPECT_NE(refused.error().message().find(format), std::string::npos);
        EXPECT_NE(refused.error().message().find(writer), std::string::npos);
    }
}

TEST_F(EmbeddedLogTest, RefusesAnotherNumberOfPartitions) {
    open();
    topic("person").partitions = 3;
    const auto refused = EmbeddedLog::open(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Errc::Configuration);
    EXPECT_NE(refused.error().message().find("log.partitions"), std::string::npos);
}

TEST_F(EmbeddedLogTest, KeepsATopicThatTheConfigurationLeavesOut) {
    commit_ten(*open());
    const auto all = options.topics;
    std::erase_if(options.topics, [](const TopicConfig& topic) { return topic.name == "person"; });
    EXPECT_EQ(open()->partitions("person"), 0u);
    options.topics = all;
    EXPECT_EQ(read_all(*open(), person).size(), 10u);
}

TEST_F(EmbeddedLogTest, RefusesAnotherNameOfATopicThatItHas) {
    commit_ten(*open());
    topic("person").name = "persons";
    const auto renamed = EmbeddedLog::open(options);
    ASSERT_FALSE(renamed.has_value());
    EXPECT_EQ(renamed.error().code(), Errc::Configuration);
    for (const char* const named : {"topic person,", "no topic persons:", "set topics.*.name back"})
        EXPECT_NE(renamed.error().message().find(named), std::string::npos)
            << renamed.error().message();
    topic("persons").name = "person";
    EXPECT_EQ(*open()->end_offset(person), Offset(10));
}

TEST_F(EmbeddedLogTest, RefusesFeedsAtTheDiskReserveAndNothingElse) {
    options.disk_reserve_bytes = std::uint64_t{1} << 62;
    const auto log = open();
    const auto refused = append_now(*log, feed_record("k", "v"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Errc::Busy);
    EXPECT_NE(refused.error().message().find("log.disk_reserve"), std::string::npos);
    EXPECT_TRUE(append_now(*log, feed_record("k", "v", "audit")).has_value());
    commit_ten(*log);
    EXPECT_EQ(read_all(*log, person).size(), 10u);
}

TEST_F(EmbeddedLogTest, DropsWholeSegmentsByTime) {
    topic("person").retention = std::chrono::minutes(5);
    options.segment_age = std::chrono::minutes(2);
    const auto log = open();
    commit_ten(*log);
    EXPECT_EQ(log->begin_offset(person), Offset(0));
    // Segments of two records each, minutes -9 -8, -7 -6, -5 -4, and so on: only the first two are
    // older than five minutes.
    ASSERT_TRUE(log->enforce_retention(kNow).has_value());
    EXPECT_EQ(log->begin_offset(person), Offset(4));
    EXPECT_EQ(log->stats().segments_dropped, 2u);
    RecordBatch batch;
    const auto read = log->read(person, Offset(3), 1, batch);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code(), Errc::OutOfRange);
    EXPECT_EQ(read_all(*log, person, Offset(4)).size(), 6u);
}

TEST_F(EmbeddedLogTest, KeepsOffsetsWhenEverythingWasDropped) {
    topic("person").retention = std::chrono::minutes(5);
    {
        const auto log = open();
        commit_ten(*log);
        ASSERT_TRUE(log->enforce_retention(kNow + std::chrono::hours(1)).has_value());
        EXPECT_EQ(log->begin_offset(person), Offset(10));
        EXPECT_TRUE(read_all(*log, person, Offset(10)).empty());
    }
    const auto log = open();
    EXPECT_EQ(log->begin_offset(person), Offset(10));
    EXPECT_EQ(log->end_offset(person), Offset(10));
    commit_ten(*log);
    EXPECT_EQ(read_all(*log, person, Offset(10)).front().offset, 10);
}

TEST_F(EmbeddedLogTest, DropsSegmentsBySizeButNotBelowIt) {
    topic("person").retention_bytes = 300;
    options.segment_bytes = 1;  // a segment for each block
    const auto log = open();
    commit_ten(*log);
    ASSERT_TRUE(log->enforce_retention(kNow).has_value());
    const std::int64_t begin = log->begin_offset(person)->value();
    EXPECT_GT(begin, 0);
    EXPECT_LT(begin, 9);
    EXPECT_EQ(read_all(*log, person, Offset(begin)).size(), static_cast<std::size_t>(10 - begin));
}

TEST_F(EmbeddedLogTest, KeepsWhatACheckpointOrAReaderStillNeeds) {
    topic("person").retention = std::chrono::minutes(5);
    options.segment_age = std::chrono::minutes(1);  // a segment for each record
    const LogTime later = kNow + std::chrono::hours(1);
    auto log = open();
    commit_ten(*log);
    auto care = std::move(*log->open_shard("care", person));
    ASSERT_TRUE(log->enforce_retention(later).has_value());
    EXPECT_EQ(log->begin_offset(person), Offset(0)) << "an opened shard has read nothing yet";

    Commit commit;
    commit.committed = Offset(8);
    commit.checkpoint = Offset(6);
    std::optional<Error> error;
    ASSERT_EQ(care->commit(commit, error), CommitOutcome::Committed);
    ASSERT_TRUE(log->store_position("views", person, Offset(3)).has_value());
    ASSERT_TRUE(log->enforce_retention(later).has_value());
    EXPECT_EQ(log->begin_offset(person), Offset(3)) << "the reader is the last";

    care.reset();
    log.reset();
    log = open();  // both are known after a restart, open or not
    ASSERT_TRUE(log->enforce_retention(later).has_value());
    EXPECT_EQ(log->begin_offset(person), Offset(3));
    ASSERT_TRUE(log->store_position("views", person, Offset(10)).has_value());
    ASSERT_TRUE(log->enforce_retention(later).has_value());
    EXPECT_EQ(log->begin_offset(person), Offset(6)) << "the checkpoint is the last";
}

TEST_F(EmbeddedLogTest, KeepsForEverWhatHasNoRetention) {
    options.segment_age = std::chrono::minutes(1);
    const auto log = open();
    commit_ten(*log);
    ASSERT_TRUE(log->enforce_retention(kNow + std::chrono::hours(24 * 400)).has_value());
    EXPECT_EQ(read_all(*log, person).size(), 10u);
    EXPECT_EQ(log->stats().segments_dropped, 0u);
}

TEST_F(EmbeddedLogTest, ReadsTheSameFromMemoryAndFromDisk) {
    options.recent_bytes = 2'000;  // most blocks are pushed out
    auto log = open();
    auto shard = std::move(*log->open_shard("identity", subject));
    for (int i = 0; i < 100; ++i)
        commit_to(*shard, person, {std::to_string(2 * i), std::to_string(2 * i + 1)}, i + 1);
    EXPECT_LE(log->stats().recent_bytes, options.recent_bytes);
    for (const std::size_t max_bytes : {1, 50, 1 << 20}) {
        const auto all = read_all(*log, person, Offset(0), max_bytes);
        ASSERT_EQ(all.size(), 200u);
        for (int i = 0; i < 200; ++i)
            ASSERT_EQ(all[static_cast<std::size_t>(i)], (Read{i, "k", std::to_string(i)}));
    }
}

TEST_F(EmbeddedLogTest, ReadsEachRecordOnceFromTheMiddleOfASegmentsLastBlockOn) {
    topic("person").retention = std::chrono::hours(24 * 365);
    options.segment_bytes = 1;  // a segment for each block
    options.recent_bytes = 1;   // and all of them on disk
    const auto log = open();
    const auto shard = std::move(*log->open_shard("identity", subject));
    for (int i = 0; i < 3; ++i)
        commit_to(*shard, person, {"first", "second", "third", "fourth"}, i + 1);
    RecordBatch batch;
    ASSERT_TRUE(log->read(person, Offset(0), 1, batch).has_value());
    ASSERT_EQ(batch.next, Offset(1));
    ASSERT_TRUE(log->read(person, batch.next, 1 << 20, batch).has_value());
    EXPECT_EQ(batch.next, Offset(12));
    std::vector<std::int64_t> offsets;
    for (const RecordView& record : batch.records) offsets.push_back(record.offset.value());
    EXPECT_EQ(offsets, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST_F(EmbeddedLogTest, SharesFsyncsAmongAppendsInFlight) {
    constexpr int kAppends = 2'000;
    const auto log = open();
    std::atomic<int> answered = 0;
    for (int i = 0; i < kAppends; ++i)
        log->append(feed_record("k", "v"), [&](Result<AppendReceipt> receipt) {
            EXPECT_TRUE(receipt.has_value());
            ++answered;
        });
    (void)append_now(*log, feed_record("k", "last"));
    EXPECT_EQ(answered, kAppends) << "answers come in the order of the appends";
    EXPECT_LT(log->stats().fsyncs, kAppends / 4);
    EXPECT_EQ(log->stats().appended_records, kAppends + 1u);
}

TEST_F(EmbeddedLogTest, SaysBusyWhenTheQueueIsFull) {
    options.append_queue_records = 2;
    const auto log = open();
    std::promise<void> started;
    std::promise<void> go_on;
    log->append(feed_record("k", "holds up the thread of the log"), [&](Result<AppendReceipt>) {
        started.set_value();
        go_on.get_future().wait();
    });
    started.get_future().wait();
    std::atomic<int> accepted = 0;
    for (int i = 0; i < 2; ++i)
        log->append(feed_record("k", "waits"),
                    [&](Result<AppendReceipt> receipt) { accepted += receipt ? 1 : 0; });
    EXPECT_EQ(append_now(*log, feed_record("k", "one too many")).error().code(), Errc::Busy);
    go_on.set_value();
    while (accepted < 2) std::this_thread::yield();
    EXPECT_TRUE(append_now(*log, feed_record("k", "room again")).has_value());
}

TEST_F(EmbeddedLogTest, AnswersWhatWaitsBeforeItCloses) {
    std::atomic<int> answered = 0;
    {
        const auto log = open();
        for (int i = 0; i < 100; ++i)
            log->append(feed_record("k", "v"),
                        [&](Result<AppendReceipt> receipt) { answered += receipt ? 1 : 0; });
    }
    EXPECT_EQ(answered, 100);
    EXPECT_EQ(read_all(*open(), tp_of("feed.his", partition_of("k", 2).value())).size(), 100u);
}

TEST_F(EmbeddedLogTest, SyncsSoonAfterAnUrgentCommit) {
    const auto log = open();
    const auto shard = std::move(*log->open_shard("identity", subject));
    ASSERT_TRUE(log->sync().has_value());
    const std::uint64_t before = log->stats().fsyncs;
    Commit commit;
    commit.outputs.push_back(output_of(person, {"alert"}));
    commit.committed = commit.checkpoint = Offset(1);
    commit.urgent = true;
    std::optional<Error> error;
    ASSERT_EQ(shard->commit(commit, error), CommitOutcome::Committed);
    while (log->stats().fsyncs == before) std::this_thread::yield();
    EXPECT_TRUE(log->sync().has_value());
    EXPECT_EQ(log->stats().fsyncs, before + 1) << "nothing new to sync";
}

/// Appends numbered records and commits beside them until it is killed; tells each acknowledged
/// number.
[[noreturn]] void append_until_killed(const EmbeddedLog::Options& options, int acknowledged) {
    auto log = EmbeddedLog::open(options);
    if (!log) _exit(1);
    auto shard = (*log)->open_shard("identity", tp_of("subject", 0));
    for (int i = 0;; ++i) {
        commit_to(**shard, tp_of("person", 0), {"first " + std::to_string(i)}, i + 1,
                  {{"count", std::to_string(i + 1)}});
        (*log)->append(feed_record("k", std::to_string(i)),
                       [acknowledged, i](Result<AppendReceipt> receipt) {
                           if (!receipt || ::write(acknowledged, &i, sizeof i) != sizeof i)
                               _exit(1);
                       });
        if (i % 64 == 63) (void)(*log)->sync();
    }
}

TEST_F(EmbeddedLogTest, LosesNothingAcknowledgedWhenItsProcessIsKilled) {
#ifdef __SANITIZE_THREAD__
    if (testing::UnitTest::GetInstance()->test_to_run_count() > 1)
        GTEST_SKIP() << "a process that has had threads can't be forked under it; by itself this runs";
#endif
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) append_until_killed(options, pipe_ends[1]);
    ::close(pipe_ends[1]);
    int last = -1;
    while (last < 500 && ::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
    }
    ::kill(child, SIGKILL);
    while (::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
    }
    ::close(pipe_ends[0]);
    ::waitpid(child, nullptr, 0);
    ASSERT_GE(last, 500);

    const auto log = open();
    const auto fed = read_all(*log, tp_of("feed.his", partition_of("k", 2).value()));
    ASSERT_GT(fed.size(), static_cast<std::size_t>(last));
    for (std::size_t i = 0; i < fed.size(); ++i) ASSERT_EQ(fed[i].value, std::to_string(i));
    // Outputs, position and state of the commits stand together.
    const auto shard = std::move(*log->open_shard("identity", subject));
    const auto outputs = read_all(*log, person);
    EXPECT_EQ(static_cast<std::size_t>(shard->position().committed.value()), outputs.size());
    EXPECT_EQ(stored_value(shard->state(), "count"), std::to_string(outputs.size()));
}

}  // namespace
}  // namespace vitalog::topology
