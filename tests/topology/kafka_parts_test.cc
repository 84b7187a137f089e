// What the Kafka log is made of, as far as it needs no cluster.

#include <gtest/gtest.h>

#include "log_test_support.h"
#include "topology/log/data_directory.h"
#include "topology/log/kafka/client.h"
#include "topology/log/kafka/committer.h"
#include "topology/log/kafka/holdings.h"
#include "topology/log/kafka/lease.h"
#include "topology/log/kafka/local_state.h"
#include "topology/log/kafka/membership.h"
#include "topology/log/kafka/standby.h"
#include "topology/log/kafka/topic_admin.h"

namespace vitalog::topology::kafka {
namespace {

const TopicPartition kOurs{"feed.his", Partition(0)};

TEST(KafkaHoldings, StayWithWhoHoldsThemOnThroughAMove) {
    Holdings holdings;
    EXPECT_EQ(holdings.ownership(kOurs), Ownership::Undecided);
    EXPECT_EQ(holdings.holding(kOurs), 0u);
    holdings.assigned(7, {kOurs});
    EXPECT_EQ(holdings.ownership(kOurs), Ownership::Ours);
    const std::uint64_t turn = holdings.holding(kOurs);
    ASSERT_NE(turn, 0u);
    holdings.revoked(false);
    EXPECT_EQ(holdings.ownership(kOurs), Ownership::Undecided);
    EXPECT_EQ(holdings.holding(kOurs), turn);
    EXPECT_TRUE(holdings.held().empty());
    holdings.assigned(8, {kOurs});
    EXPECT_EQ(holdings.holding(kOurs), turn);
    holdings.assigned(9, {});
    EXPECT_EQ(holdings.ownership(kOurs), Ownership::Others);
    EXPECT_EQ(holdings.holding(kOurs), 0u);
}

TEST(KafkaHoldings, AreAnotherTurnWhereOthersMayHaveHadThem) {
    struct Case {
        const char* what;
        bool lost;
        std::optional<std::int32_t> before, after;
    };
    for (const auto& [what, lost, before, after] :
         {Case{"others took over", true, 7, 8}, Case{"a generation that it never saw", false, 7, 9},
          Case{"a group that began anew", false, 7, 1}, Case{"not known before", false, {}, 8},
          Case{"not known now", false, 7, {}}}) {
        Holdings holdings;
        holdings.assigned(before, {kOurs});
        const std::uint64_t turn = holdings.holding(kOurs);
        holdings.revoked(lost);
        holdings.assigned(after, {kOurs});
        EXPECT_NE(holdings.holding(kOurs), turn) << what;
        EXPECT_NE(holdings.holding(kOurs), 0u) << what;
    }
}

TEST(KafkaHoldings, AreNobodysOfAMemberThatWasFenced) {
    Holdings holdings;
    holdings.assigned(7, {kOurs});
    holdings.clear();
    EXPECT_EQ(holdings.ownership(kOurs), Ownership::Others);
    EXPECT_EQ(holdings.holding(kOurs), 0u);
}

TEST(KafkaGeneration, IsReadOutOfTheMetadata) {
    const auto metadata = [](int generation) {
        return std::shared_ptr<rd_kafka_consumer_group_metadata_t>(
            rd_kafka_consumer_group_metadata_new_with_genid("care", generation, "m-1", "one"),
            rd_kafka_consumer_group_metadata_destroy);
    };
    for (const int generation : {0, 1, 77, 0x01020304})
        EXPECT_EQ(generation_in(*metadata(generation), "care", "m-1", "one"), generation);
    EXPECT_EQ(generation_in(*metadata(-1), "care", "m-1", "one"), std::nullopt) << "no member";
    EXPECT_EQ(generation_in(*metadata(5), "care", "m-2", "one"), std::nullopt) << "another member";
}

TEST(KafkaLease, CountsFromWhenItWasAskedFor) {
    using namespace std::chrono_literals;
    Lease lease(10s);
    EXPECT_FALSE(lease.holds(0s));
    ASSERT_TRUE(lease.begin(100s));
    EXPECT_FALSE(lease.begin(101s)) << "one question at a time";
    EXPECT_FALSE(lease.holds(101s));
    lease.answered(true);
    EXPECT_TRUE(lease.holds(105s - 1ns));
    EXPECT_FALSE(lease.holds(105s)) << "half a session";
}

TEST(KafkaLease, IsOverForWhoSleptAndNotRenewedByAnOldAnswer) {
    using namespace std::chrono_literals;
    Lease lease(10s);
    ASSERT_TRUE(lease.begin(100s));
    lease.answered(true);
    EXPECT_FALSE(lease.begin(101s - 1ns)) << "asked a tenth of a session ago";
    ASSERT_TRUE(lease.begin(101s));
    // asleep until 130 s
    EXPECT_FALSE(lease.holds(130s));
    lease.answered(true);
    EXPECT_FALSE(lease.holds(130s)) << "what was true at 101 s";
    ASSERT_TRUE(lease.begin(130s));
    lease.answered(false);
    EXPECT_FALSE(lease.holds(130s));
}

TEST(KafkaLease, OfAMemberThatBeginsAnewIsForgotten) {
    using namespace std::chrono_literals;
    Lease lease(10s);
    ASSERT_TRUE(lease.begin(100s));
    lease.answered(true);
    lease.forget();
    EXPECT_FALSE(lease.holds(100s));
    lease.answered(true);  // the question of the member before
    EXPECT_FALSE(lease.holds(100s));
    EXPECT_TRUE(lease.begin(100s));
}

TEST(KafkaMetadata, CarriesThePositionBesideItsOffset) {
    GroupPosition group;
    group.snapshots = Offset(99);
    ShardPosition& position = group.position;
    position.generation = Generation(3);
    position.committed = Offset(40);
    position.checkpoint = Offset(17);
    position.logic = 12;
    const std::string text = encode_metadata(group);
    EXPECT_LT(text.size(), 4096u) << "offset.metadata.max.bytes of a broker";
    const auto back = decode_metadata(Offset(40), text);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->position.generation, position.generation);
    EXPECT_EQ(back->position.committed, position.committed);
    EXPECT_EQ(back->position.checkpoint, position.checkpoint);
    EXPECT_EQ(back->position.logic, position.logic);
    EXPECT_EQ(back->snapshots, group.snapshots);
}

TEST(KafkaMetadata, RefusesWhatOthersWrote) {
    for (const char* text :
         {"", "hello", "vitalog/1 generation=1 checkpoint=2", "vitalog/1 generation=1 logic=2",
          "vitalog/1 generation=1 checkpoint=2 logic=3",
          "vitalog/2 generation=1 checkpoint=2 logic=3 snapshots=4",
          "vitalog/1 generation=x checkpoint=2 logic=3 snapshots=4"})
        EXPECT_EQ(decode_metadata(Offset(1), text).error().code(), Errc::Damaged) << text;
}

TEST(KafkaSnapshot, TellsAnEmptyValueFromOneThatIsGone) {
    for (const std::optional<std::string>& value :
         {std::optional<std::string>(), std::optional<std::string>(""),
          std::optional<std::string>("v"), std::optional<std::string>(std::string("\0x", 2))}) {
        const state::Write write{"key", value};
        const auto bytes = snapshot_value(write);
        EXPECT_EQ(bytes.has_value(), value.has_value());
        RecordView record;
        record.key = "key";
        record.value = bytes ? std::string_view(*bytes) : "";
        const state::Write back = snapshot_of(record);
        EXPECT_EQ(back.key, "key");
        EXPECT_EQ(back.value, value);
    }
}

TEST(KafkaHeaders, GoThereAndBack) {
    std::string encoded;
    Headers::append(encoded, "ce_id", "7");
    Headers::append(encoded, "empty", "");
    Headers::append(encoded, "bytes", std::string_view("\0\xff", 2));
    Headers::append(encoded, "ce_id", "again");
    rd_kafka_headers_t* headers = to_headers(encoded);
    ASSERT_EQ(rd_kafka_header_cnt(headers), 4u);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    std::string back;
    for (std::size_t i = 0; i < 4; ++i) {
        ASSERT_EQ(rd_kafka_header_get_all(headers, i, &name, &value, &size),
                  RD_KAFKA_RESP_ERR_NO_ERROR);
        Headers::append(back, name, {static_cast<const char*>(value), size});
    }
    EXPECT_EQ(back, encoded);
    rd_kafka_headers_destroy(headers);
}

TEST(KafkaClient, NamesThePropertyThatIsWrong) {
    const auto unknown = make_client(RD_KAFKA_CONSUMER, {{"no.such.property", "1"}});
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().code(), Errc::Configuration);
    EXPECT_NE(unknown.error().message().find("no.such.property"), std::string::npos);
    const auto wrong = make_client(
        RD_KAFKA_CONSUMER, {{"sasl.mechanism", "SCRAM-SHA-256"}, {"security.protocol", "x"}});
    ASSERT_FALSE(wrong.has_value());
    EXPECT_NE(wrong.error().message().find("security.protocol"), std::string::npos);
}

TEST(KafkaTopics, KeepForEverWhatHasNoRetention) {
    TopicConfig config{.name = "person"};
    const ClusterSettings settings{.replication = 3, .message_bytes_max = 1000};
    EXPECT_EQ(cluster_topic(config, settings).settings.at("retention.ms"), "-1");
    config.retention = std::chrono::hours(24);
    config.retention_bytes = 5000;
    const auto topic = cluster_topic(config, settings);
    EXPECT_EQ(topic.settings.at("retention.ms"), "86400000");
    EXPECT_EQ(topic.settings.at("retention.bytes"), "5000");
    EXPECT_EQ(topic.settings.at("cleanup.policy"), "delete");
    EXPECT_EQ(snapshot_topic("s", 2, settings).settings.at("cleanup.policy"), "compact");
}

TEST(KafkaStandby, RangesAreConsecutiveAndTheFirstHaveOneMore) {
    const auto owners = [](std::size_t members, std::uint32_t partitions) {
        std::vector<std::size_t> found;
        for (std::uint32_t p = 0; p < partitions; ++p)
            found.push_back(range_owner(members, partitions, p));
        return found;
    };
    EXPECT_EQ(owners(1, 3), (std::vector<std::size_t>{0, 0, 0}));
    EXPECT_EQ(owners(3, 7), (std::vector<std::size_t>{0, 0, 0, 1, 1, 2, 2}));
    EXPECT_EQ(owners(2, 4), (std::vector<std::size_t>{0, 0, 1, 1}));
    EXPECT_EQ(owners(4, 2), (std::vector<std::size_t>{0, 1})) << "two members have nothing";
}

using Numbers = std::set<std::uint32_t>;

TEST(KafkaStandby, IsWhoeverWouldHaveTheShardNext) {
    EXPECT_EQ(stands_by_for({"a", "b"}, "a", 4, 1), (Numbers{2, 3}));
    EXPECT_EQ(stands_by_for({"a", "b"}, "b", 4, 1), (Numbers{0, 1}));
    EXPECT_EQ(stands_by_for({"a", "b", "c"}, "b", 4, 1), (Numbers{0, 1, 3}));
    EXPECT_EQ(stands_by_for({"a", "b", "c"}, "c", 4, 1), (Numbers{2}));
}

TEST(KafkaStandby, IsNobodyWhereNobodyElseIs) {
    EXPECT_TRUE(stands_by_for({"a"}, "a", 4, 1).empty());
    EXPECT_TRUE(stands_by_for({"a"}, "a", 4, 3).empty());
    EXPECT_TRUE(stands_by_for({}, "a", 4, 1).empty());
    EXPECT_TRUE(stands_by_for({"b", "c"}, "a", 4, 3).empty()) << "not a member yet";
    EXPECT_TRUE(stands_by_for({"a", "b"}, "a", 4, 0).empty()) << "none is asked for";
    EXPECT_TRUE(stands_by_for({"a", "b"}, "a", 0, 1).empty());
}

TEST(KafkaStandby, AsManyFollowAShardAsAreAskedForAndThere) {
    const std::vector<std::string> members{"a", "b", "c", "d"};
    for (const std::uint32_t partitions : {1U, 3U, 4U, 7U, 64U})
        for (const std::size_t standbys : {1U, 2U, 3U, 9U}) {
            std::map<std::uint32_t, std::size_t> followers;
            for (std::size_t i = 0; i < members.size(); ++i)
                for (const auto partition :
                     stands_by_for(members, members[i], partitions, standbys)) {
                    ++followers[partition];
                    EXPECT_NE(range_owner(members.size(), partitions, partition), i);
                }
            for (std::uint32_t p = 0; p < partitions; ++p)
                EXPECT_EQ(followers[p], std::min<std::size_t>(standbys, 3)) << p;
        }
}

TEST(KafkaStandby, WhenAnyOneGoesItsShardsGoToWhomStoodByForThem) {
    for (std::size_t count = 2; count <= 9; ++count) {
        std::vector<std::string> members;
        for (std::size_t i = 0; i < count; ++i) members.push_back(std::string(1, 'a' + char(i)));
        for (const std::uint32_t partitions : {1U, 4U, 10U, 64U})
            for (std::size_t gone = 0; gone < count; ++gone) {
                std::vector<std::string> left = members;
                left.erase(left.begin() + static_cast<std::ptrdiff_t>(gone));
                for (std::uint32_t p = 0; p < partitions; ++p) {
                    if (range_owner(count, partitions, p) != gone) continue;
                    const std::string& heir = left[range_owner(count - 1, partitions, p)];
                    EXPECT_TRUE(stands_by_for(members, heir, partitions, 1).contains(p));
                }
            }
    }
}

TEST(KafkaStandby, TheFirstOfThoseLeftClearsUpAfterWhoIsGone) {
    using Names = std::set<std::string>;
    EXPECT_EQ(left_by({"a", "b", "c"}, {"b", "c"}, "b"), (Names{"a"}));
    EXPECT_EQ(left_by({"a", "b", "c"}, {"b", "c"}, "c"), (Names{}));
    EXPECT_EQ(left_by({"a", "b", "c"}, {"c"}, "c"), (Names{"a", "b"}));
    EXPECT_EQ(left_by({"a"}, {"a", "b"}, "a"), (Names{})) << "one came";
    EXPECT_EQ(left_by({}, {"a"}, "a"), (Names{})) << "whoever went before was not seen";
    EXPECT_EQ(left_by({"a"}, {}, "a"), (Names{}));
}

struct LocalStateTest : testing::Test {
    Result<std::unique_ptr<LocalState>> open(const std::string& cluster = "c1") {
        return LocalState::open(folder.path(), cluster,
                                {.block_cache_bytes = 8 << 20,
                                 .write_buffer_bytes = 8 << 20,
                                 .wal_bytes_max = 8 << 20,
                                 .background_jobs = 1});
    }
    TemporaryFolder folder;
};

TEST_F(LocalStateTest, KeepsChangesWithTheOffsetTheyGoTo) {
    const std::string shard = "shard one";
    {
        auto local = open();
        ASSERT_TRUE(local.has_value());
        EXPECT_EQ((*local)->restored(shard)->has_value(), false);
        const std::vector<state::Write> writes{
            {"a", "1"}, {"b", ""}, {"c", "3"}, {"c", std::nullopt}};
        ASSERT_TRUE((*local)->apply({{&shard, &writes, Offset(9)}}, kNow).has_value());
        ASSERT_TRUE((*local)->learn({}, {{tp_of("feed.his", 1), Offset(4)}}).has_value());
    }
    auto local = open();
    ASSERT_TRUE(local.has_value());
    const auto restored = (*local)->restored(shard);
    ASSERT_TRUE(restored.has_value() && restored->has_value());
    EXPECT_EQ((*restored)->next, Offset(9));
    EXPECT_EQ((*restored)->when, kNow);
    EXPECT_EQ((*local)->learnt(tp_of("feed.his", 1)), Offset(4));
    EXPECT_EQ((*local)->learnt(tp_of("feed.his", 0)), Offset(0));
    const auto backend = (*local)->backend(shard);
    EXPECT_EQ(stored_value(*backend, "a"), "1");
    EXPECT_EQ(stored_value(*backend, "b"), "");
    EXPECT_EQ(stored_value(*backend, "c"), std::nullopt);
}

TEST_F(LocalStateTest, KnowsWhereItStoodLast) {
    const std::string shard = "intake\0feed.lis";
    const std::string other = "care";
    {
        auto local = open();
        ASSERT_TRUE(local.has_value());
        EXPECT_EQ((*local)->stand(shard)->has_value(), false);
        for (const std::int64_t committed : {5, 300})
            ASSERT_TRUE(
                (*local)->apply({}, kNow, {{&shard, Offset(committed), "beside it"}}).has_value());
    }
    auto local = open();
    ASSERT_TRUE(local.has_value());
    const auto stand = (*local)->stand(shard);
    ASSERT_TRUE(stand.has_value() && stand->has_value());
    EXPECT_EQ((*stand)->committed, Offset(300));
    EXPECT_EQ((*stand)->metadata, "beside it");
    EXPECT_FALSE((*local)->stand(other)->has_value());
    EXPECT_FALSE((*local)->restored(shard)->has_value());
}

TEST_F(LocalStateTest, WipesOneShardAndNoOther) {
    auto local = open();
    ASSERT_TRUE(local.has_value());
    const std::string one = "shard one";
    const std::string two = "shard two";
    const std::vector<state::Write> writes{{"a", "1"}, {std::string("\xff\xff", 2), "2"}};
    ASSERT_TRUE((*local)
                    ->apply({{&one, &writes, Offset(9)}, {&two, &writes, Offset(8)}}, kNow)
                    .has_value());
    ASSERT_TRUE((*local)->wipe(one).has_value());
    EXPECT_FALSE((*local)->restored(one)->has_value());
    EXPECT_EQ(stored_value(*(*local)->backend(one), "a"), std::nullopt);
    EXPECT_EQ(stored_value(*(*local)->backend(one), "\xff\xff"), std::nullopt);
    EXPECT_TRUE((*local)->restored(two)->has_value());
    EXPECT_EQ(stored_value(*(*local)->backend(two), "\xff\xff"), "2");
}

TEST_F(LocalStateTest, IsOfOneCluster) {
    ASSERT_TRUE(open("c1").has_value());
    const auto other = open("c2");
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().code(), Errc::Configuration);
    EXPECT_TRUE(open("c1").has_value());
}

TEST_F(LocalStateTest, IsNoEmbeddedLogAndTheOtherWayRound) {
    ASSERT_TRUE(open().has_value());
    const auto log = EmbeddedLog::open(small_embedded_options(folder.path()));
    ASSERT_FALSE(log.has_value());
    EXPECT_EQ(log.error().code(), Errc::Configuration);
    EXPECT_NE(log.error().message().find("log.kind=kafka"), std::string::npos)
        << log.error().message();
    const TemporaryFolder embedded;
    ASSERT_TRUE(EmbeddedLog::open(small_embedded_options(embedded.path())).has_value());
    const auto state = LocalState::open(embedded.path(), "c1", {});
    ASSERT_FALSE(state.has_value());
    EXPECT_NE(state.error().message().find("log.kind=embedded"), std::string::npos)
        << state.error().message();
}

}  // namespace
}  // namespace vitalog::topology::kafka
