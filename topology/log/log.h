#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/base/duty.h"
#include "schemas/base/ports.h"
#include "state/backend.h"
#include "topology/log/record_block.h"

namespace vitalog::topology {

/// A topic as the site's configuration has it.
struct TopicConfig {
    std::string name;
    std::uint32_t partitions = 1;
    std::chrono::microseconds retention{0};  ///< 0: for ever
    std::uint64_t retention_bytes = 0;       ///< per partition; 0: no limit
    bool feed = false;                       ///< refused when the disk reserve is reached
};

/// Where a shard stands. All zero for one that never committed.
struct ShardPosition {
    Generation generation{1};
    Offset committed;          ///< next input offset; outputs of everything before it are visible
    Offset checkpoint;         ///< recovery reads from here; at or before committed
    std::uint32_t logic = 0;   ///< logic number that wrote outputs and state; 0: nothing yet
    std::string digest;        ///< running digest of outputs; room kept for the audit, empty today
};

/// Outputs for one partition.
struct PartitionOutput {
    TopicPartition tp;
    RecordBlockBuilder block;
};

/// One atom (law 6): visible together or not at all.
struct Commit {
    std::vector<PartitionOutput> outputs;
    Offset committed;
    Offset checkpoint;
    std::uint32_t logic = 0;
    std::vector<state::Write> state;
    bool urgent = false;  ///< make it durable soon: somebody waits for what is in it
};

enum class CommitOutcome : std::uint8_t {
    Committed,
    Pending,  ///< the log is at it: call again with the same commit once activity() has changed
    Aborted,  ///< nothing of it is visible; the same commit may be tried again
    Unknown   ///< the shard must be dropped and opened anew
};

/// Whose a shard is, where several processes share the work.
enum class Ownership : std::uint8_t {
    Ours,
    Undecided,  ///< shards are being moved: wait, and keep what is open
    Others
};

/// The owner's handle of one shard: one partition of one stage's input. Used by one thread. Destroying it gives
/// the shard up.
class ShardLog {
  public:
    virtual ~ShardLog() = default;
    virtual const ShardPosition& position() const = 0;
    virtual const state::Backend& state() const = 0;
    /// `error` says why when the outcome is Aborted or Unknown. While it is Pending, the commit stays as it is.
    virtual CommitOutcome commit(const Commit& commit, std::optional<Error>& error) = 0;
};

/// The log: append durably, read a partition from an offset, commit outputs, position and state as one atom.
/// Thread-safe, apart from the shard handles. Implementations: embedded (RocksDB), Kafka, in memory (tests).
class Log : public FeedAppender, public RecordSource {
  public:
    virtual std::vector<TopicConfig> topics() const = 0;
    /// Whether this process is to run the shard. One process alone runs all.
    virtual Ownership ownership(std::string_view stage, const TopicPartition& input) const {
        (void)stage;
        (void)input;
        return Ownership::Ours;
    }
    /// Where a shard stands that another process runs.
    virtual Result<Offset> committed(std::string_view stage, const TopicPartition& input) const {
        return fail(Errc::NotFound, "no other process runs " + std::string(stage) + " of " + to_string(input));
    }
    /// An error once the log takes no more work, whoever's write it was that failed: the process is to end.
    virtual Result<void> usable() const { return {}; }
    /// On one machine always this process's.
    virtual Duty duty() const { return {1, true}; }
    /// Null while the log brings the shard's state from elsewhere: ask again once activity() has changed. Conflict
    /// when somebody holds the shard already; Busy when it can't be had now: try again.
    virtual Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage,
                                                         const TopicPartition& input) = 0;
    virtual Generation generation() const = 0;
    /// The generation that the record there was appended in: part of a feed record's id (law 3).
    virtual Generation generation_at(const TopicPartition& tp, Offset offset) const = 0;
};

/// What every log says of a partition that it does not have.
inline tl::unexpected<Error> unknown_partition(const TopicPartition& tp) {
    return fail(Errc::NotFound, "the log has no partition " + to_string(tp));
}

}  // namespace vitalog::topology
