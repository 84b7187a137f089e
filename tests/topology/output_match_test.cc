// What recomputed shards make against what lies in a partition.

#include "topology/audit/output_match.h"

#include "log_test_support.h"

namespace vitalog::topology {
namespace {

/// A partition that holds what was put there, and shards that make what they are told.
struct OutputMatchTest : testing::Test {
    MemoryLog log{test_topics()};
    const TopicPartition tp = tp_of("person", 0);
    const AuditSource source{log, [](const TopicPartition&, Offset) { return Generation(1); }, test_topics()};
    const ContentHash hash;
    std::unique_ptr<ShardLog> writer = open_now(log, "writer", tp_of("subject", 0));

    static std::string headers_of(const std::string& id, std::string_view stage) {
        std::string headers;
        Headers::append(headers, header::kId, id);
        Headers::append(headers, header::kSource, "vitalog/" + std::string(stage));
        Headers::append(headers, header::kType, "test");
        return headers;
    }
    void put(const std::string& id, const std::string& value, std::string_view stage = "care",
             LogTime at = kNow) {
        Commit commit;
        commit.outputs.push_back({tp, {}});
        commit.outputs[0].block.add(at, "k", headers_of(id, stage), value);
        std::optional<Error> error;
        ASSERT_EQ(writer->commit(commit, error), CommitOutcome::Committed);
    }
    OutputMatch match(std::optional<LogTime> from = {}, std::optional<LogTime> to = {}) {
        MatchSpec spec;
        spec.tp = tp;
        spec.stage = "care";
        spec.from = from;
        spec.to = to;
        OutputMatch match(std::move(spec), source, hash);
        EXPECT_TRUE(match.open().has_value());
        return match;
    }
    static void make(OutputMatch& match, std::size_t shard, const std::string& id, const std::string& value,
                     bool in_stretch = true, std::string_view stage = "care") {
        const std::string headers = headers_of(id, stage);
        RecordView record;
        record.key = "k";
        record.headers = Headers(headers);
        record.value = value;
        ASSERT_TRUE(match.expect(shard, record, in_stretch).has_value());
    }
    /// Kind and offset of each difference, by offset.
    static std::vector<std::pair<Difference::Kind, std::int64_t>> found(OutputMatch& match) {
        EXPECT_TRUE(match.finish().has_value());
        std::vector<std::pair<Difference::Kind, std::int64_t>> found;
        for (const auto& difference : match.differences())
            found.emplace_back(difference.kind, difference.offset.value_or(Offset(-1)).value());
        return found;
    }
    using Found = std::vector<std::pair<Difference::Kind, std::int64_t>>;
};

TEST_F(OutputMatchTest, AgreesHoweverTheShardsLieAmongEachOther) {
    for (const char* id : {"a1", "b1", "b2", "a2", "a3", "b3"}) put(id, "v");
    auto match = this->match();
    for (const char* id : {"b1", "b2", "b3"}) make(match, 1, id, "v");
    for (const char* id : {"a1", "a2", "a3"}) make(match, 0, id, "v");
    EXPECT_EQ(found(match), Found{});
    EXPECT_EQ(match.agreed(), 6u);
}

TEST_F(OutputMatchTest, TellsWhatWasChangedTakenOutAndPutIn) {
    for (const char* id : {"1", "2", "3", "5", "9"}) put(id, id == std::string("2") ? "other" : "v");
    auto match = this->match();
    for (const char* id : {"1", "2", "3", "4", "5"}) make(match, 0, id, "v");
    EXPECT_EQ(found(match), (Found{{Difference::Kind::Changed, 1},
                                   {Difference::Kind::Unexpected, 4},
                                   {Difference::Kind::Missing, -1}}));
    EXPECT_EQ(match.agreed(), 3u);
    EXPECT_EQ(match.differences()[0].id, "2");
    EXPECT_EQ(match.differences()[2].id, "4");
}

TEST_F(OutputMatchTest, TellsAShardsRecordsOutOfTheirOrder) {
    for (const char* id : {"1", "3", "2", "4"}) put(id, "v");
    auto match = this->match();
    for (const char* id : {"1", "2", "3", "4"}) make(match, 0, id, "v");
    EXPECT_EQ(found(match), (Found{{Difference::Kind::OutOfOrder, 1}}));
}

TEST_F(OutputMatchTest, WantsARecordAsOftenAsItIsMade) {
    put("1", "v");
    put("1", "v");
    auto once = match();
    make(once, 0, "1", "v");
    EXPECT_EQ(found(once), (Found{{Difference::Kind::Unexpected, 1}}));
    auto thrice = match();
    for (int i = 0; i < 3; ++i) make(thrice, 0, "1", "v");
    EXPECT_EQ(found(thrice), (Found{{Difference::Kind::Missing, -1}}));
}

TEST_F(OutputMatchTest, LeavesOthersRecordsAloneAndFindsThoseThatWerePassedOn) {
    put("1", "v");
    put("2", "of another stage", "desk");
    put("3", "passed on", "identity");
    auto match = this->match();
    make(match, 0, "1", "v");
    make(match, 0, "3", "passed on", true, "identity");
    EXPECT_EQ(found(match), Found{});
    EXPECT_EQ(match.agreed(), 2u);
}

TEST_F(OutputMatchTest, ReportsTheStretchOnly) {
    put("1", "v", "care", kNow - std::chrono::minutes(2));
    put("x", "v", "care", kNow - std::chrono::minutes(2));
    put("2", "v", "care", kNow);
    put("y", "v", "care", kNow);
    put("z", "v", "care", kNow + std::chrono::minutes(2));
    auto match = this->match(kNow - std::chrono::minutes(1), kNow + std::chrono::minutes(1));
    make(match, 0, "1", "v", false);
    make(match, 0, "2", "v");
    make(match, 0, "m", "missing before the stretch", false);
    EXPECT_EQ(found(match), (Found{{Difference::Kind::Unexpected, 3}}));
    EXPECT_EQ(match.agreed(), 1u);
}

TEST_F(OutputMatchTest, FindsWhatAShardFarBehindTheOthersMade) {
    constexpr int kOthers = 70'000;  // more than is read ahead
    RecordBlockBuilder others;
    for (int i = 0; i < kOthers; ++i) others.add(kNow, "k", headers_of("o" + std::to_string(i), "care"), "v");
    Commit commit;
    commit.outputs.push_back({tp, std::move(others)});
    std::optional<Error> error;
    ASSERT_EQ(writer->commit(commit, error), CommitOutcome::Committed);
    put("late", "v");
    auto match = this->match();
    make(match, 0, "late", "v");
    for (int i = 0; i < kOthers; ++i) make(match, 1, "o" + std::to_string(i), "v");
    EXPECT_EQ(found(match), Found{});
    EXPECT_EQ(match.agreed(), static_cast<std::uint64_t>(kOthers + 1));
}

}  // namespace
}  // namespace vitalog::topology
