// What a process of a cluster keeps of its shards' state, after the power went: nothing of it is
// synced, so it may be older than what was written, but never holds an offset whose changes it
// lacks. What it lacks comes from the snapshots, and then it is what was written.

#include "topology/log/kafka/local_state.h"

#include <array>
#include <map>
#include <random>

#include "fault_disk.h"
#include "log_test_support.h"

namespace vitalog::topology::kafka {
namespace {

constexpr std::uint64_t kSeeds = 12;
constexpr int kRounds = 4;
constexpr int kKeys = 40;
const std::array<std::string, 3> kShards{"care/person/0", "care/person/1", "desk/task/0"};

using Entities = std::map<std::string, std::string>;

/// The snapshots that the cluster has of one shard: one write an offset.
class Snapshots {
  public:
    const state::Write& add(std::mt19937_64& chance) {
        const std::string key = "E" + std::to_string(chance() % kKeys);
        if (chance() % 5 == 0)
            writes_.push_back({key, std::nullopt});
        else
            writes_.push_back(
                {key, std::to_string(writes_.size()) + std::string(500 + chance() % 2000, 'x')});
        return writes_.back();
    }
    Offset end() const { return Offset(static_cast<std::int64_t>(writes_.size())); }
    /// Everything from an offset on, as a start of the shard takes it.
    std::vector<state::Write> from(Offset next) const {
        return {writes_.begin() + next.value(), writes_.end()};
    }
    /// The fold of all of them.
    Entities entities() const {
        Entities all;
        for (const auto& write : writes_)
            if (write.value)
                all[write.key] = *write.value;
            else
                all.erase(write.key);
        return all;
    }

  private:
    std::vector<state::Write> writes_;
};

class Machine {
  public:
    explicit Machine(std::uint64_t seed) : chance_(seed), disk_(seed) {}

    void run() {
        for (int round = 0; round < kRounds; ++round) {
            SCOPED_TRACE("round " + std::to_string(round));
            auto local = LocalState::open(
                folder_.path(), "cluster",
                {.block_cache_bytes = 1 << 20,
                 .write_buffer_bytes = 128 << 10,  // so that tables are written on the way
                 .wal_bytes_max = 1 << 20,
                 .background_jobs = 2,
                 .disk = disk_.disk()});
            ASSERT_TRUE(local) << local.error().to_string();
            for (const auto& shard : kShards) restore(**local, shard);
            if (testing::Test::HasFatalFailure()) return;
            const int commits = 20 + static_cast<int>(chance_() % 200);
            for (int i = 0; i < commits; ++i) commit(**local);
            local->reset();
            disk_.lose_power();
        }
        EXPECT_GT(behind_, 0) << "the power took nothing away: this proves nothing";
    }

  private:
    /// What the cluster has committed is written here, some shards at once.
    void commit(LocalState& local) {
        std::array<std::vector<state::Write>, kShards.size()> writes;
        std::vector<LocalState::Change> changes;
        for (std::size_t i = 0; i < kShards.size(); ++i) {
            if (chance_() % 2 == 0) continue;
            Snapshots& snapshots = snapshots_[kShards[i]];
            for (auto n = 1 + chance_() % 4; n > 0; --n)
                writes[i].push_back(snapshots.add(chance_));
            changes.push_back({&kShards[i], &writes[i], snapshots.end()});
        }
        ASSERT_TRUE(local.apply(changes, kNow));
    }

    void restore(LocalState& local, const std::string& shard) {
        Snapshots& snapshots = snapshots_[shard];
        const auto restored = local.restored(shard);
        ASSERT_TRUE(restored) << restored.error().to_string();
        if (!*restored) {
            ASSERT_TRUE(local.wipe(shard));
        }
        const Offset next = *restored ? (*restored)->next : Offset();
        ASSERT_LE(next, snapshots.end());
        if (next < snapshots.end()) ++behind_;
        const auto missing = snapshots.from(next);
        ASSERT_TRUE(local.apply({{&shard, &missing, snapshots.end()}}, kNow));
        Entities found;
        const auto backend = local.backend(shard);
        ASSERT_TRUE(backend->scan("E", [&](auto key, auto value) -> Result<void> {
            found.emplace(key, value);
            return {};
        }));
        EXPECT_EQ(found, snapshots.entities()) << shard << " from " << next.value() << " on";
    }

    TemporaryFolder folder_;
    std::mt19937_64 chance_;
    FaultDisk disk_;
    std::map<std::string, Snapshots> snapshots_;
    int behind_ = 0;  // starts that lacked something
};

TEST(LocalState, IsTheFoldOfTheSnapshotsAfterEachLossOfPower) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine(seed).run();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace vitalog::topology::kafka
