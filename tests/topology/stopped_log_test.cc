// What a stopped site's log holds, read without changing it.

#include "topology/log/stopped_log.h"

#include <fstream>
#include <iterator>
#include <map>

#include "log_test_support.h"

namespace vitalog::topology {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<EmbeddedLog> open_embedded(EmbeddedLog::Options options) {
    auto log = EmbeddedLog::open(std::move(options));
    EXPECT_TRUE(log.has_value()) << log.error().to_string();
    return std::move(*log);
}

/// Every file's bytes by name, but for the lock.
std::map<std::string, std::string> bytes_of(const fs::path& folder) {
    std::map<std::string, std::string> bytes;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        bytes[fs::relative(entry.path(), folder).string()] = {std::istreambuf_iterator<char>(file),
                                                              {}};
    }
    return bytes;
}

TEST(StoppedLog, GivesWhatTheLogHeldAndChangesNothing) {
    const TemporaryFolder folder;
    const fs::path data = folder.path() / "data";
    {
        const auto log = open_embedded(small_embedded_options(data));
        ASSERT_TRUE(append_now(*log, feed_record_once("k", "m1", 1)).has_value());
        auto shard = log->open_shard("care", tp_of("person", 1));
        ASSERT_TRUE(shard.has_value());
        EXPECT_EQ(commit_to(**shard, tp_of("audit", 0), {"a", "b"}, 0, {{"entity", "state"}}),
                  CommitOutcome::Committed);
        ASSERT_TRUE(log->store_position("views", tp_of("audit", 0), Offset(2)).has_value());
    }
    const auto before = bytes_of(data);
    {
        const auto log = StoppedLog::open(data);
        ASSERT_TRUE(log.has_value()) << log.error().to_string();
        const StoppedLog& stopped = **log;
        EXPECT_EQ(stopped.topics().size(), test_topics().size());
        EXPECT_EQ(stopped.generation(), Generation(1));
        EXPECT_EQ(stopped.extent(tp_of("audit", 0)).end, Offset(2));
        EXPECT_EQ(stopped.extent(tp_of("audit", 7)).end, Offset(0));
        RecordBatch batch;
        ASSERT_TRUE(stopped.read(tp_of("audit", 0), Offset(1), 1 << 20, batch).has_value());
        ASSERT_EQ(batch.records.size(), 1u);
        EXPECT_EQ(batch.records[0].value, "b");
        EXPECT_EQ(stopped.read(tp_of("audit", 7), Offset(), 1, batch).error().code(),
                  Errc::NotFound);
        ASSERT_EQ(stopped.shards().size(), 1u);
        EXPECT_EQ(stopped.shards()[0].stage, "care");
        EXPECT_EQ(stopped.shards()[0].input, tp_of("person", 1));
        EXPECT_EQ(stopped.shards()[0].position.logic, 1u);
        std::map<std::string, std::string> state;
        const auto keep = [&](auto key, auto value) -> Result<void> {
            state[std::string(key)] = value;
            return {};
        };
        ASSERT_TRUE(stopped.scan_state(stopped.shards()[0], keep).has_value());
        EXPECT_EQ(state, (std::map<std::string, std::string>{{"entity", "state"}}));
        ASSERT_EQ(stopped.readers().size(), 1u);
        EXPECT_EQ(stopped.readers()[0].next, Offset(2));
        state.clear();
        ASSERT_TRUE(stopped.scan_ledger(keep).has_value());
        EXPECT_EQ(state.size(), 3u) << "the message, its number, the range";
        EXPECT_EQ(EmbeddedLog::open(small_embedded_options(data)).error().code(), Errc::Conflict);
    }
    EXPECT_EQ(bytes_of(data), before);
}

TEST(StoppedLog, RefusesWhatIsNoneAndMakesNothing) {
    const TemporaryFolder folder;
    EXPECT_EQ(StoppedLog::open(folder.path()).error().code(), Errc::NotFound);
    EXPECT_EQ(StoppedLog::open(folder.path() / "none").error().code(), Errc::NotFound);
    EXPECT_TRUE(fs::is_empty(folder.path()));
    const auto running = open_embedded(small_embedded_options(folder.path() / "data"));
    EXPECT_EQ(StoppedLog::open(folder.path() / "data").error().code(), Errc::Conflict);
}

}  // namespace
}  // namespace vitalog::topology
