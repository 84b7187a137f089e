// The chain of a partition's blocks: what is changed, taken out or put elsewhere is found.

#include "topology/log/block_chain.h"

#include <gtest/gtest.h>

namespace vitalog::topology {
namespace {

RecordBlockBuilder numbered(int count, std::size_t value_bytes = 20) {
    RecordBlockBuilder builder;
    for (int i = 0; i < count; ++i)
        builder.add(LogTime::from_millis(1'767'225'600'000 + i), "key " + std::to_string(i), "",
                    std::to_string(i) + std::string(value_bytes, '.'));
    return builder;
}

/// Blocks of a partition as its log writes them, a segment of three each.
struct Chain {
    TopicPartition tp{"person", Partition(3)};
    std::vector<std::pair<Offset, std::string>> blocks;

    explicit Chain(int count) {
        Digest head = chain_begin(tp);
        std::int64_t base = 0;
        for (int i = 0; i < count; ++i) {
            PackedBlock block = pack_block(numbered(5 + i, 40));
            head = seal_block(block, Offset(base), head, i % 3 == 0);
            blocks.emplace_back(base, block.stored);
            base += 5 + i;
        }
    }
    /// What is found wrong, from block `first` on; empty: nothing.
    std::string fault(std::size_t first = 0) const {
        BlockChain chain(tp, blocks[first].first);
        for (std::size_t i = first; i < blocks.size(); ++i)
            if (const auto added = chain.add(blocks[i].first, blocks[i].second); !added)
                return std::to_string(i) + ": " + added.error().message();
        return {};
    }
    /// Changes a block and makes its checksum and its link anew.
    void forge(std::size_t i, int count) {
        const auto seal = open_seal(blocks[i].second);
        ASSERT_TRUE(seal.has_value());
        const Digest before = i == 0 ? chain_begin(tp) : open_seal(blocks[i - 1].second)->link;
        PackedBlock block = pack_block(numbered(count, 41));
        seal_block(block, blocks[i].first, before, seal->before.has_value());
        blocks[i].second = block.stored;
    }
};

TEST(BlockChain, HoldsAsItWasWrittenAlsoWhereItsFrontWasDropped) {
    const Chain chain(8);
    EXPECT_EQ(chain.fault(), "");
    EXPECT_EQ(chain.fault(3), "") << "the first block of a segment says what it follows";
    EXPECT_NE(chain.fault(4), "") << "retention drops whole segments";
    BlockChain other({"person", Partition(4)}, Offset(0));
    EXPECT_FALSE(other.add(chain.blocks[0].first, chain.blocks[0].second).has_value())
        << "a block of another partition";
}

TEST(BlockChain, FindsABlockThatWasChangedWithItsChecksumAndLinkMadeAnew) {
    for (std::size_t i = 0; i + 1 < 8; ++i) {
        Chain chain(8);
        chain.forge(i, 5 + static_cast<int>(i));
        ASSERT_TRUE(decode_block(chain.blocks[i].first, chain.blocks[i].second).has_value());
        EXPECT_TRUE(chain.fault().starts_with(std::to_string(i + 1))) << chain.fault();
    }
}

TEST(BlockChain, FindsABlockThatWasTakenOutOrPutElsewhere) {
    for (std::size_t i = 0; i + 1 < 8; ++i) {
        Chain without(8);
        without.blocks.erase(without.blocks.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_NE(without.fault(), "") << i;
        Chain swapped(8);
        std::swap(swapped.blocks[i].second, swapped.blocks[i + 1].second);
        EXPECT_TRUE(swapped.fault().starts_with(std::to_string(i))) << swapped.fault();
    }
}

TEST(BlockChain, FindsEveryChangedByte) {
    Chain chain(2);
    for (std::size_t i = 0; i < chain.blocks[1].second.size(); ++i) {
        char& byte = chain.blocks[1].second[i];
        byte = static_cast<char>(byte ^ 1);
        EXPECT_NE(chain.fault(), "") << "byte " << i;
        byte = static_cast<char>(byte ^ 1);
    }
    EXPECT_EQ(chain.fault(), "");
}

TEST(BlockChain, MayHaveAGapBeforeASegmentThatSaysWhatItFollows) {
    const TopicPartition tp{"person", Partition(0)};
    for (const bool says : {true, false}) {
        PackedBlock first = pack_block(numbered(4));
        const Digest head = seal_block(first, Offset(0), chain_begin(tp), true);
        PackedBlock second = pack_block(numbered(4));
        seal_block(second, Offset(9), head, says);
        BlockChain chain(tp, Offset(0));
        ASSERT_TRUE(chain.add(Offset(0), first.stored).has_value());
        EXPECT_EQ(chain.add(Offset(9), second.stored).has_value(), says);
    }
}

TEST(Sha256, GivesThePublishedDigest) {
    Sha256 sha;  // FIPS 180-4, example B.1
    sha.add("a");
    sha.add("bc");
    const Digest digest = sha.finish();
    EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(*Digest::from_hex(digest.hex()), digest);
    EXPECT_FALSE(Digest::from_hex("ba78").has_value());
    EXPECT_FALSE(Digest::from_hex(std::string(64, 'g')).has_value());
    EXPECT_EQ(sha.finish().hex(),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        << "begins anew";
}

}  // namespace
}  // namespace vitalog::topology
