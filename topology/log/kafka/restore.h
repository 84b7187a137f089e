#pragma once

#include <memory>
#include <optional>

#include "topology/log/kafka/asker.h"
#include "topology/log/kafka/committer.h"

namespace vitalog::topology::kafka {

/// A shard, and what the cluster has of it.
struct ShardPlace {
    std::string shard;  ///< key of its local state
    TopicPartition input;
    TopicPartition snapshots;
    bool stateful = true;                ///< else it has a position only
    const Membership* member = nullptr;  ///< of this process in its stage's group
};

struct CopyPorts {
    Reader& reader;
    Asker& asker;
    LocalState& local;
    const Clock& clock;  ///< of the wall
    Metrics* metrics = nullptr;
};

/// What a step of some work came to.
enum class CopyStep : std::uint8_t {
    More,  ///< there is more to do at once
    Wait,  ///< nothing to do at the moment
    Done
};

/// Some work on the copy of one shard, in steps that take a read of a few MB or a question to the
/// cluster, and wait for nobody else's transactions. Used by one thread at a time.
class CopyWork {
  public:
    virtual ~CopyWork() = default;
    virtual Result<CopyStep> step() = 0;
};

/// Brings the copy of a shard that this process is to run up to what is committed: reads what the
/// snapshots have beyond it, up to where they end once every transaction that was open at the begin
/// has ended. What is kept longer than compaction keeps tombstones is thrown away first, as it may
/// hold what is gone. Damaged where the cluster lost what the shard needs (group_position), or the
/// snapshots do not go as far as they were written; Io.
class Restore final : public CopyWork {
  public:
    Restore(const CopyPorts& ports, const ShardPlace& place);
    ~Restore() override;
    Result<CopyStep> step() override;
    /// Where the shard goes on; once a step was Done.
    const GroupPosition& position() const { return *position_; }

  private:
    class Progress;
    Result<CopyStep> find_position();
    Result<void> check_end() const;
    Result<CopyStep> await_end();
    Result<CopyStep> begin();
    Result<CopyStep> read();
    Result<CopyStep> finish();

    const CopyPorts& ports_;
    const ShardPlace& place_;
    const std::chrono::steady_clock::time_point began_;
    std::optional<std::optional<GroupPosition>> committed_;  // inner: by the group's word, if any
    std::optional<Offset> written_;  // where the snapshots ended, open transactions included
    std::optional<Offset> end_;
    Offset next_;
    std::unique_ptr<Progress> progress_;
    RecordBatch batch_;
    std::optional<GroupPosition> position_;
};

/// Where readable records end: asked until that is not before `known`, for a moment. A leader that
/// was just elected may not know yet what the one before it gave out.
Result<Offset> end_at_least(Reader& reader, const TopicPartition& tp, Offset known);

/// Follows the snapshots of a shard that another process runs, so that a restore finds almost
/// everything in the copy. Never done.
class Follow final : public CopyWork {
  public:
    Follow(const CopyPorts& ports, const ShardPlace& place) : ports_(ports), place_(place) {}
    ~Follow() override;
    Result<CopyStep> step() override;

  private:
    void show(std::int64_t lag) const;

    const CopyPorts& ports_;
    const ShardPlace& place_;
    std::optional<Offset> next_;
    RecordBatch batch_;
};

}  // namespace vitalog::topology::kafka
