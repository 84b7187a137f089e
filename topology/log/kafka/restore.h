#pragma once

#include "topology/log/kafka/local_state.h"
#include "topology/log/kafka/reader.h"

namespace vitalog::topology::kafka {

struct RestorePorts {
    Reader& reader;
    rd_kafka_t* uncommitted;  ///< a client that sees where open transactions are
    LocalState& local;
    const Clock& clock;  ///< of the wall
    Metrics* metrics = nullptr;
};

/// Brings the kept copy of a shard's state up to what is committed: reads what its snapshots have
/// beyond the copy. What is kept longer than compaction keeps tombstones is thrown away first, as
/// it may hold what is gone. Damaged where the snapshots do not go up to `written`, or not as far
/// as the copy.
Result<void> restore_shard(const RestorePorts& ports, const std::string& shard,
                           const TopicPartition& snapshots, Offset written);

/// Where readable records end: asked until that is not before `known`, for a moment. A leader that
/// was just elected may not know yet what the one before it gave out.
Result<Offset> end_at_least(Reader& reader, const TopicPartition& tp, Offset known);

}  // namespace vitalog::topology::kafka
