#include "schemas/base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace vitalog {
namespace {

TEST(Murmur2, AgreesWithKafkasJavaClient) {
    // org.apache.kafka.common.utils.UtilsTest.testMurmur2
    EXPECT_EQ(murmur2("21"), static_cast<std::uint32_t>(-973932308));
    EXPECT_EQ(murmur2("foobar"), static_cast<std::uint32_t>(-790332482));
    EXPECT_EQ(murmur2("a-little-bit-long-string"), static_cast<std::uint32_t>(-985981536));
    EXPECT_EQ(murmur2("a-little-bit-longer-string"), static_cast<std::uint32_t>(-1486304829));
    EXPECT_EQ(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"),
              static_cast<std::uint32_t>(-58897971));
    EXPECT_EQ(murmur2("abc"), 479470107u);
}

TEST(Partition, IsTakenFromTheLowBitsAsKafkaDoes) {
    EXPECT_EQ(partition_of("21", 7).value(),
              (static_cast<std::uint32_t>(-973932308) & 0x7fffffffu) % 7);
    EXPECT_EQ(partition_of("abc", 1).value(), 0u);
    EXPECT_EQ(partition_of("", 5), partition_of("", 5));
}

TEST(RecordId, ReadsBackItsText) {
    const RecordId id = IdHash().part("a").finish();
    EXPECT_EQ(id.to_string().size(), 32u);
    EXPECT_EQ(RecordId::parse(id.to_string()), id);
    EXPECT_FALSE(id.empty());
    EXPECT_TRUE(RecordId{}.empty());
}

TEST(RecordId, IsEmptyForWhatIsNoId) {
    const std::string good = IdHash().part("a").finish().to_string();
    EXPECT_TRUE(RecordId::parse("").empty());
    EXPECT_TRUE(RecordId::parse(good.substr(1)).empty());
    EXPECT_TRUE(RecordId::parse(good + "0").empty());
    EXPECT_TRUE(RecordId::parse("g" + good.substr(1)).empty());
}

TEST(IdHash, TellsWhereAPartEnds) {
    std::set<RecordId> ids{IdHash().part("ab").part("c").finish(),
                           IdHash().part("a").part("bc").finish(),
                           IdHash().part("abc").finish(),
                           IdHash().part("abc").part("").finish(),
                           IdHash().part(std::int64_t{1}).finish(),
                           IdHash().part(std::int64_t{256}).finish(),
                           IdHash().finish()};
    EXPECT_EQ(ids.size(), 7u);
}

TEST(IdHash, IsTheSameForEver) {
    // A changed value would give every stored record another id.
    EXPECT_EQ(IdHash().part("person").part("MRN|7001").finish(),
              IdHash().part("person").part("MRN|7001").finish());
    EXPECT_EQ(IdHash().finish().to_string(),
              "99aa06d3014798d86001c324468d497f");  // XXH3-128 of nothing
}

TEST(OutputId, DiffersByCauseStageEntityAndNumber) {
    const RecordId cause = feed_record_id(Generation(1), {"feed.his", Partition(0)}, Offset(7));
    std::set<RecordId> ids{output_id(cause, "care", "p", 0),
                           output_id(cause, "care", "p", 1),
                           output_id(cause, "care", "q", 0),
                           output_id(cause, "desk", "p", 0),
                           output_id(RecordId{}, "care", "p", 0),
                           cause,
                           feed_record_id(Generation(2), {"feed.his", Partition(0)}, Offset(7)),
                           feed_record_id(Generation(1), {"feed.lis", Partition(0)}, Offset(7)),
                           feed_record_id(Generation(1), {"feed.his", Partition(1)}, Offset(7))};
    EXPECT_EQ(ids.size(), 9u);
}

TEST(TopicPartition, IsWrittenAsDeadLettersNameIt) {
    EXPECT_EQ(to_string(TopicPartition{"feed.his", Partition(3)}, Offset(17)), "feed.his/3/17");
}

}  // namespace
}  // namespace vitalog
