#include "topology/log/record_block.h"

#include <gtest/gtest.h>

#include <limits>

#include "schemas/base/binary.h"
#include "topology/log/batch_fill.h"
#include "topology/log/block_chain.h"

namespace vitalog::topology {
namespace {

constexpr LogTime kNow = LogTime::from_millis(1'767'225'600'123);

RecordBlockBuilder numbered(int count, std::size_t value_bytes = 20) {
    RecordBlockBuilder builder;
    for (int i = 0; i < count; ++i) {
        std::string value = "value " + std::to_string(i);
        value.resize(std::max(value.size(), value_bytes), '.');
        builder.add(kNow + std::chrono::milliseconds(i), "key " + std::to_string(i), "", value);
    }
    return builder;
}

/// As it is stored when it is the first of its partition.
std::string stored_block(const RecordBlockBuilder& builder) {
    PackedBlock block = pack_block(builder);
    seal_block(block, Offset(0), chain_begin({"person", Partition(0)}), true);
    return block.stored;
}

TEST(RecordBlock, ComesBackFromItsStoredForm) {
    RecordBlockBuilder builder;
    std::string headers;
    Headers::append(headers, header::kRoot, "abc");
    builder.add(LogTime(-1'500), "", "", "before the epoch, without a key");
    builder.add(kNow, "key", headers, std::string("\0zero", 5));
    builder.add(kNow, "empty", "", "");
    EXPECT_EQ(builder.first_timestamp(), LogTime(-1'500));
    EXPECT_EQ(builder.last_timestamp(), kNow);

    const auto block = decode_block(Offset(100), stored_block(builder));
    ASSERT_TRUE(block.has_value());
    EXPECT_EQ(block->count, 3u);
    EXPECT_EQ(block->end(), Offset(103));
    EXPECT_EQ(block->last_timestamp, kNow);
    EXPECT_EQ(block->records(), builder.raw());

    RecordBatch batch;
    ASSERT_TRUE(append_views(*block, Offset(100), 10, batch).has_value());
    ASSERT_EQ(batch.records.size(), 3u);
    EXPECT_EQ(batch.records[0].timestamp, LogTime::from_millis(-2))
        << "times are kept in milliseconds, rounded down";
    EXPECT_EQ(batch.records[1].offset, Offset(101));
    EXPECT_EQ(batch.records[1].headers.find(header::kRoot), "abc");
    EXPECT_EQ(batch.records[1].value, std::string_view("\0zero", 5));
    EXPECT_EQ(batch.records[2].key, "empty");
    EXPECT_EQ(batch.records[2].value, "");
    EXPECT_EQ(batch.next, Offset(103));
}

TEST(RecordBlock, IsTheSameInMemoryAsFromDisk) {
    const RecordBlockBuilder builder = numbered(50);
    const RecordBlock memory = block_in_memory(Offset(7), builder);
    const auto disk = decode_block(Offset(7), stored_block(builder));
    ASSERT_TRUE(disk.has_value());
    EXPECT_EQ(memory.raw, disk->raw);
    EXPECT_EQ(memory.count, disk->count);
    EXPECT_EQ(memory.last_timestamp, disk->last_timestamp);
}

TEST(RecordBlock, IsCompressedOnlyWhenThatHelps) {
    const RecordBlockBuilder repetitive = numbered(1000, 100);
    EXPECT_LT(stored_block(repetitive).size(), repetitive.bytes() / 3);
    RecordBlockBuilder tiny;
    tiny.add(kNow, "k", "", "v");
    EXPECT_LE(stored_block(tiny).size(), tiny.bytes() + 108);
}

TEST(RecordBlock, HasReadableBytesBehindItsLastRecord) {
    const auto block = decode_block(Offset(0), stored_block(numbered(3)));
    ASSERT_TRUE(block.has_value());
    RecordBatch batch;
    ASSERT_TRUE(append_views(*block, Offset(0), 10, batch).has_value());
    const std::string_view last = batch.records.back().value;
    EXPECT_GE(block->raw.data() + block->raw.size(), last.data() + last.size() + 64);
}

TEST(RecordBlock, GivesRecordsFromAnOffsetOn) {
    const RecordBlock block = block_in_memory(Offset(100), numbered(10));
    const auto take = [&](std::int64_t from, std::size_t max) {
        RecordBatch batch;
        EXPECT_TRUE(append_views(block, Offset(from), max, batch).has_value());
        std::vector<std::int64_t> offsets;
        for (const auto& record : batch.records) offsets.push_back(record.offset.value());
        return offsets;
    };
    EXPECT_EQ(take(107, 10), (std::vector<std::int64_t>{107, 108, 109}));
    EXPECT_EQ(take(103, 2), (std::vector<std::int64_t>{103, 104}));
    EXPECT_EQ(take(50, 1), (std::vector<std::int64_t>{100}));
    EXPECT_TRUE(take(110, 10).empty());
}

TEST(RecordBlock, FindsEveryChangedByte) {
    for (const RecordBlockBuilder& builder : {numbered(1), numbered(40, 60)}) {
        const std::string stored = stored_block(builder);
        for (std::size_t i = 0; i < stored.size(); ++i) {
            std::string changed = stored;
            changed[i] = static_cast<char>(changed[i] ^ 0x20);
            const auto block = decode_block(Offset(0), changed);
            ASSERT_FALSE(block.has_value()) << "byte " << i;
            EXPECT_EQ(block.error().code(), Errc::Damaged);
        }
    }
}

TEST(RecordBlock, FindsEveryTear) {
    const std::string stored = stored_block(numbered(40));
    for (std::size_t size = 0; size < stored.size(); ++size)
        EXPECT_FALSE(decode_block(Offset(0), std::string_view(stored).substr(0, size)).has_value())
            << size;
    EXPECT_FALSE(decode_block(Offset(0), stored + "x").has_value());
}

TEST(RecordBlock, RefusesRecordsThatDoNotFollowTheirGrammar) {
    RecordBlock block = block_in_memory(Offset(5), numbered(3));
    RecordBatch batch;
    block.count = 4;  // one more than there is
    EXPECT_EQ(append_views(block, Offset(5), 10, batch).error().code(), Errc::Damaged);
    block.count = 2;  // bytes left over
    EXPECT_EQ(append_views(block, Offset(5), 10, batch).error().code(), Errc::Damaged);

    block.count = 1;
    std::string endless(20, '\xff');  // a length that never ends
    block.raw = endless + std::string(kBlockPadding, '\0');
    EXPECT_EQ(append_views(block, Offset(5), 10, batch).error().code(), Errc::Damaged);

    std::string huge;
    BinaryWriter writer(huge);
    writer.signed_varint(1);
    writer.varint(std::numeric_limits<std::uint64_t>::max());
    block.raw = huge + std::string(kBlockPadding, '\0');
    EXPECT_EQ(append_views(block, Offset(5), 10, batch).error().code(), Errc::Damaged);
}

TEST(RecordBlock, TellsItsHeaderWithoutBeingDecoded) {
    const RecordBlockBuilder builder = numbered(12);
    const auto header = peek_block(stored_block(builder));
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->count, 12u);
    EXPECT_EQ(header->last_timestamp, kNow + std::chrono::milliseconds(11));
    EXPECT_EQ(header->raw_size, builder.bytes());
    EXPECT_FALSE(peek_block("VLB2 and so on").has_value());
}

TEST(RecordBlockBuilder, StartsAnewAfterClear) {
    RecordBlockBuilder builder = numbered(5);
    builder.clear();
    EXPECT_TRUE(builder.empty());
    EXPECT_EQ(builder.bytes(), 0u);
    builder.add(kNow, "k", "", "v");
    EXPECT_EQ(builder.count(), 1u);
    EXPECT_EQ(builder.first_timestamp(), kNow);
}

TEST(BatchFill, TakesWholeBlocksUntilItsBytesAreReached) {
    const auto first =
        std::make_shared<const RecordBlock>(block_in_memory(Offset(0), numbered(10, 100)));
    const auto second =
        std::make_shared<const RecordBlock>(block_in_memory(Offset(20), numbered(100, 100)));
    RecordBatch batch;
    BatchFill fill(Offset(4), 2000, batch);
    ASSERT_TRUE(fill.add(first).has_value());
    EXPECT_FALSE(fill.full());
    EXPECT_EQ(batch.records.size(), 6u);
    EXPECT_EQ(fill.next(), Offset(10));
    ASSERT_TRUE(fill.add(second).has_value());
    EXPECT_TRUE(fill.full());
    EXPECT_EQ(batch.records[6].offset, Offset(20)) << "offsets may have gaps";
    EXPECT_LT(batch.records.size(), 24u);
    EXPECT_EQ(batch.owners.size(), 2u);
}

TEST(BatchFill, TakesOneRecordHoweverLargeItIs) {
    const auto block =
        std::make_shared<const RecordBlock>(block_in_memory(Offset(0), numbered(3, 10'000)));
    RecordBatch batch;
    BatchFill fill(Offset(1), 1, batch);
    ASSERT_TRUE(fill.add(block).has_value());
    EXPECT_EQ(batch.records.size(), 1u);
    EXPECT_EQ(batch.next, Offset(2));
}

}  // namespace
}  // namespace vitalog::topology
