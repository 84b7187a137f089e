#include <gtest/gtest.h>

#include <string>

#include "processors/identity/merges.h"

namespace vitalog::processors::identity {
namespace {

MergesEntity stored_and_read(const MergesEntity& merges) {
    std::string bytes;
    merges.encode(bytes);
    MergesEntity read;
    EXPECT_TRUE(read.decode(bytes).has_value());
    std::string again;
    read.encode(again);
    EXPECT_EQ(again, bytes);
    return read;
}

TEST(Merges, ResolvesAChainToItsEndWhateverItsOrder) {
    MergesEntity down;
    EXPECT_EQ(down.merge("a", "b"), 1);
    EXPECT_EQ(down.merge("b", "c"), 2);
    MergesEntity up;
    EXPECT_EQ(up.merge("b", "c"), 1);
    EXPECT_EQ(up.merge("a", "c"), 2);
    for (const auto* merges : {&down, &up}) {
        EXPECT_EQ(merges->root("a"), "c");
        EXPECT_EQ(merges->root("b"), "c");
        EXPECT_EQ(merges->root("c"), "c");
        EXPECT_EQ(merges->root("never merged"), "never merged");
    }
}

TEST(Merges, FollowsStatementsByWayOfOthersAndOnlyForward) {
    MergesEntity merges;
    merges.state("a", "b");
    merges.state("b", "c");
    merges.state("a", "d");
    EXPECT_TRUE(merges.is_stated("a", "c"));
    EXPECT_TRUE(merges.is_stated("a", "d"));
    EXPECT_FALSE(merges.is_stated("c", "a"));
    EXPECT_FALSE(merges.is_stated("b", "d"));
    EXPECT_FALSE(merges.is_stated("a", "a"));
}

TEST(Merges, RemembersAClashInEitherOrder) {
    MergesEntity merges;
    EXPECT_TRUE(merges.remember_clash("a", "b"));
    EXPECT_FALSE(merges.remember_clash("b", "a"));
    EXPECT_TRUE(merges.remember_clash("a", "c"));
}

TEST(Merges, ForgetsTheOldestClashWhenFull) {
    MergesEntity merges;
    for (std::size_t i = 0; i < kClashesRemembered; ++i)
        ASSERT_TRUE(merges.remember_clash("a", std::to_string(i)));
    EXPECT_FALSE(merges.remember_clash("a", "0"));
    EXPECT_TRUE(merges.remember_clash("a", "one more"));
    EXPECT_TRUE(merges.remember_clash("a", "0"));
    EXPECT_FALSE(merges.remember_clash("a", "2"));
}

TEST(Merges, ReadsWhatItStored) {
    MergesEntity merges;
    merges.merge("a", "b");
    merges.merge("b", "c");
    merges.state("a", "b");
    merges.state("a", "c");
    merges.remember_clash("x", "y");
    MergesEntity read = stored_and_read(merges);
    EXPECT_EQ(read.root("a"), "c");
    EXPECT_TRUE(read.is_stated("a", "c"));
    EXPECT_FALSE(read.remember_clash("y", "x"));
    EXPECT_EQ(read.merge("c", "d"), 3) << "merges go on counting";
    stored_and_read(MergesEntity());
}

TEST(Merges, RefusesDamagedBytes) {
    MergesEntity merges;
    merges.merge("a", "b");
    std::string bytes;
    merges.encode(bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(MergesEntity().decode(std::string_view(bytes).substr(0, size)).has_value());
    EXPECT_EQ(MergesEntity().decode("M\x02").error().code(), Errc::Damaged);
    std::string ring("M\x01\x04\x02", 4);  // two merges: a -> b, b -> a
    ring += std::string(
        "\x01"
        "a"
        "\x01"
        "b"
        "\x01"
        "b"
        "\x01"
        "a"
        "\x00\x00",
        10);
    EXPECT_EQ(MergesEntity().decode(ring).error().message(),
              "merges: the stored forest has a cycle");
}

}  // namespace
}  // namespace vitalog::processors::identity
