// A data directory of the first version becomes one of this version, its blocks as they lie.

#include "topology/log/first_version.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "log_test_support.h"
#include "schemas/base/binary.h"
#include "topology/log/block_chain.h"
#include "topology/log/data_directory.h"
#include "topology/log/embedded_keys.h"
#include "topology/log/partition_log.h"
#include "topology/log/stopped_log.h"

namespace vitalog::topology {
namespace {

constexpr RocksSettings kSettings{.block_cache_bytes = 1 << 20,
                                  .write_buffer_bytes = 1 << 20,
                                  .wal_bytes_max = 1 << 20,
                                  .background_jobs = 1};

/// A placed block as the first version stored it: the body, named VLB1.
std::string unplaced(std::string_view placed) {
    std::string body(open_seal(placed)->body);
    body.replace(0, kUnplacedMagic.size(), kUnplacedMagic);
    BinaryReader reader(std::string_view(body).substr(kUnplacedMagic.size()));
    (void)reader.u8();
    (void)reader.varint();
    (void)reader.signed_varint();
    (void)reader.varint();
    const std::size_t header = body.size() - reader.rest().size();
    const std::uint64_t checksum = hash64(body.substr(0, header) + body.substr(header + 8));
    std::string bytes;
    BinaryWriter(bytes).fixed64(checksum);
    return body.replace(header, bytes.size(), bytes);
}

struct FirstVersion : testing::Test {
    TemporaryFolder folder;
    EmbeddedLog::Options options = small_embedded_options(folder.path());
    const TopicPartition person = tp_of("person", 0);

    std::unique_ptr<EmbeddedLog> open() {
        auto opened = EmbeddedLog::open(options);
        EXPECT_TRUE(opened.has_value()) << opened.error().to_string();
        return opened ? std::move(*opened) : nullptr;
    }
    void commit(EmbeddedLog& log, std::int64_t from, std::int64_t to, std::int64_t behind = 0) {
        const auto shard = std::move(*log.open_shard("identity", tp_of("subject", 0)));
        for (std::int64_t i = from; i < to; ++i) {
            Commit commit;
            commit.outputs.push_back(output_of(person, {"value " + std::to_string(i)}));
            commit.committed = Offset(i + 1);
            commit.checkpoint = Offset(i + 1 - behind);
            commit.logic = from == 0 ? 1 : 2;
            std::optional<Error> error;
            ASSERT_EQ(shard->commit(commit, error), CommitOutcome::Committed);
        }
    }
    /// Makes of the directory what the first version would have left.
    void make_old() {
        {
            const auto rocks = std::move(*Rocks::open(folder.path() / "db", kSettings));
            rocksdb::WriteBatch batch;
            for (const auto& [name, family] : rocks->logs()) {
                batch.Delete(rocks->meta(), chain_key(parse_segment_name(name)->tp));
                const std::unique_ptr<rocksdb::Iterator> at(
                    rocks->db().NewIterator({}, family->get()));
                for (at->SeekToFirst(); at->Valid(); at->Next())
                    batch.Put(family->get(), at->key(), unplaced(to_view(at->value())));
            }
            ASSERT_TRUE(rocks->db().Write({}, &batch).ok());
        }
        std::ofstream(folder.path() / "format") << "VLOG 1\n";
    }
    std::string format() const {
        std::ifstream file(folder.path() / "format");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    /// Writes a stored block anew, as somebody would who knows the form.
    void change_block(Offset base) {
        const auto rocks = std::move(*Rocks::open(folder.path() / "db", kSettings));
        const auto family = rocks->logs().at(segment_name(person, Offset(0)));
        RecordBlockBuilder builder;
        builder.add(kNow, "k", "", "another");
        const std::string stored = unplaced([&] {
            PackedBlock block = pack_block(builder);
            seal_block(block, base, chain_begin(person), false);
            return block.stored;
        }());
        ASSERT_TRUE(rocks->db().Put({}, family->get(), block_key(base), stored).ok());
    }
    /// What is found wrong with the chain of `person`, and its blocks.
    std::string fault(std::size_t& blocks) const {
        const auto log = StoppedLog::open(folder.path());
        EXPECT_TRUE(log.has_value()) << log.error().to_string();
        BlockChain chain(person, (*log)->extent(person).begin);
        blocks = 0;
        const auto followed =
            (*log)->visit_blocks(person, [&](Offset base, std::string_view stored) {
                ++blocks;
                return chain.add(base, stored);
            });
        return followed ? "" : followed.error().message();
    }
};

TEST_F(FirstVersion, ItsBlocksStayAndThoseToComeFollowThem) {
    commit(*open(), 0, 4);
    const auto before = read_all(*open(), person);
    ASSERT_EQ(before.size(), 4u);
    make_old();
    {
        const auto rocks = std::move(*Rocks::open(folder.path() / "db", kSettings));
        ASSERT_TRUE(complete_first_version(*rocks, false).has_value()) << "and was killed then";
    }
    std::size_t blocks = 0;
    EXPECT_EQ(read_all(*open(), person), before);
    EXPECT_EQ(format(), "VLOG 3\n");
    EXPECT_EQ(fault(blocks), "") << "nothing was written behind them yet";
    EXPECT_EQ(read_all(*open(), person), before) << "and once more";
    commit(*open(), 4, 6);
    commit(*open(), 6, 8);
    const auto after = read_all(*open(), person);
    ASSERT_EQ(after.size(), 8u);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
    EXPECT_EQ(fault(blocks), "");
    EXPECT_EQ(blocks, 8u);
    change_block(Offset(1));
    EXPECT_NE(fault(blocks), "");
    EXPECT_EQ(blocks, 5u) << "found where the first block of this version says what it follows";
}

TEST_F(FirstVersion, FrontsThatRetentionDroppedDoNotBreakTheChain) {
    const auto topic = std::ranges::find(options.topics, "person", &TopicConfig::name);
    topic->retention = std::chrono::hours(1);
    options.segment_age = std::chrono::microseconds(0);  // a segment for each block
    commit(*open(), 0, 4);
    make_old();
    commit(*open(), 4, 6);
    std::size_t blocks = 0;
    EXPECT_EQ(fault(blocks), "");
    {
        const auto log = open();
        ASSERT_TRUE(log->enforce_retention(kNow + std::chrono::hours(2)).has_value());
        EXPECT_GE(*log->begin_offset(person), Offset(4));
    }
    commit(*open(), 6, 7);
    EXPECT_EQ(fault(blocks), "");
}

TEST_F(FirstVersion, WhatOneSenderTookIsNotSentAgainByTwo) {
    const TopicPartition sends = tp_of("audit", 0);
    {
        const auto log = open();
        commit(*log, 0, 4);
        for (const auto& [reader, at] :
             {std::pair{"effects.sms", 3}, {"effects.sms.settled", 2}, {"views", 1}})
            ASSERT_TRUE(log->store_position(reader, sends, Offset(at)).has_value());
    }
    make_old();
    const auto log = open();
    EXPECT_EQ(*log->load_position("effects.sms.high", sends), Offset(3));
    EXPECT_EQ(*log->load_position("effects.sms.high.settled", sends), Offset(2));
    EXPECT_EQ(*log->load_position("effects.sms", sends), Offset(3));
    EXPECT_EQ(*log->load_position("views.high", sends), std::nullopt);
}

TEST_F(FirstVersion, IsToBeStoppedInOrderFirst) {
    commit(*open(), 0, 4, 1);
    make_old();
    const auto refused = EmbeddedLog::open(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Errc::Conflict);
    EXPECT_NE(refused.error().message().find("identity"), std::string::npos);
    EXPECT_EQ(format(), "VLOG 1\n") << "the version before can still be run";
    options.older = EmbeddedLog::Options::Older::RaiseAnyhow;
    open();
    EXPECT_EQ(format(), "VLOG 3\n");
}

TEST_F(FirstVersion, IsRefusedToReadersAndDamaged) {
    commit(*open(), 0, 4);
    make_old();
    EXPECT_EQ(StoppedLog::open(folder.path()).error().code(), Errc::Conflict);
    options.older = EmbeddedLog::Options::Older::Refuse;
    EXPECT_EQ(EmbeddedLog::open(options).error().code(), Errc::Conflict);
    options.older = EmbeddedLog::Options::Older::Raise;
    {
        const auto rocks = std::move(*Rocks::open(folder.path() / "db", kSettings));
        const auto family = rocks->logs().at(segment_name(person, Offset(0)));
        std::string stored;
        ASSERT_TRUE(rocks->db().Get({}, family->get(), block_key(Offset(1)), &stored).ok());
        stored.back() = static_cast<char>(stored.back() ^ 1);
        ASSERT_TRUE(rocks->db().Put({}, family->get(), block_key(Offset(1)), stored).ok());
    }
    const auto damaged = EmbeddedLog::open(options);
    ASSERT_FALSE(damaged.has_value());
    EXPECT_EQ(damaged.error().code(), Errc::Damaged);
    EXPECT_NE(damaged.error().message().find("person/0/1"), std::string::npos)
        << damaged.error().message();
    EXPECT_EQ(format(), "VLOG 1\n");
}

TEST_F(FirstVersion, IsNotTakenForOneBetween) {
    TopicConfig later;
    later.name = "send.wecom";
    options.topics.push_back(later);
    commit(*open(), 0, 4);
    make_old();
    const auto refused = EmbeddedLog::open(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Errc::Conflict);
    EXPECT_EQ(format(), "VLOG 1\n");
}

TEST_F(FirstVersion, ANoteSaysWhichLogicDecidedUpToWhere) {
    commit(*open(), 0, 4);
    make_old();
    commit(*open(), 4, 6);
    const auto log = std::move(*StoppedLog::open(folder.path()));
    ASSERT_EQ(log->shards().size(), 1u);
    const StoppedLog::Shard& shard = log->shards()[0];
    EXPECT_EQ(shard.position.logic, 2u);
    ASSERT_EQ(shard.earlier.size(), 1u);
    EXPECT_EQ(shard.earlier[0].until, Offset(4));
    EXPECT_EQ(shard.earlier[0].logic, 1u);
}

TEST(BlockChain, TakesUnplacedBlocksOnlyBeforeAllOthers) {
    const TopicPartition tp{"person", Partition(0)};
    const auto block = [&](std::int64_t base, const Digest& before) {
        RecordBlockBuilder builder;
        builder.add(kNow, "k", "", std::to_string(base));
        PackedBlock packed = pack_block(builder);
        const Digest link = seal_block(packed, Offset(base), before, base == 0);
        return std::pair{packed.stored, link};
    };
    const auto [first, link] = block(0, chain_begin(tp));
    const auto [second, ignored] = block(1, link);
    BlockChain chain(tp, Offset(0));
    ASSERT_TRUE(chain.add(Offset(0), first).has_value());
    EXPECT_FALSE(chain.add(Offset(1), unplaced(second)).has_value());
    BlockChain twice(tp, Offset(0));
    ASSERT_TRUE(twice.add(Offset(0), unplaced(first)).has_value());
    EXPECT_FALSE(twice.add(Offset(0), unplaced(first)).has_value());
    EXPECT_FALSE(twice.add(Offset(1), second).has_value()) << "does not say what it follows";
}

}  // namespace
}  // namespace vitalog::topology
