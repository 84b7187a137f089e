#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "topology/log/kafka_log.h"
#include "topology/log/stopped_log.h"

namespace vitalog::topology {

/// How far a part of a move has come, in records.
struct MoveProgress {
    std::string_view part;  ///< "records", "state", "reading back"
    std::uint64_t done = 0;
    std::uint64_t all = 0;
};

struct MoveCounts {
    std::uint64_t partitions = 0;
    std::uint64_t records = 0;   ///< in the cluster now
    std::uint64_t found = 0;     ///< offsets that an earlier attempt had written
    std::uint64_t filled = 0;    ///< offsets that retention had dropped: written empty and dropped
    std::uint64_t entities = 0;  ///< stored keys of the stages' state
    std::uint64_t ledger = 0;    ///< stored keys of the ledger of repeats
    std::uint64_t positions = 0;
};

/// Carries the log of a stopped site into a cluster so that every record keeps its offset: ids,
/// stored positions, entities and views, which name offsets, stay true. Records are written by an
/// idempotent producer without transactions, whose marks would take offsets; where retention had
/// dropped the first ones, empty records take their place and are dropped again. State goes to the
/// snapshot topics; positions come last, all in one transaction.
///
/// From begin() to finish() the cluster has a topic `GROUP.move`, and KafkaLog::open refuses to
/// work: whoever is killed in between runs the same again, and it goes on where the topics end.
/// Used by one thread.
class MoveIn {
  public:
    using Progress = std::function<void(const MoveProgress&)>;
    /// Changes nothing yet. `from` outlives it. Configuration where the log does not fit the
    /// configuration or can't be moved, Conflict where the cluster holds something else, Io.
    static Result<std::unique_ptr<MoveIn>> open(KafkaLog::Options to, const StoppedLog& from,
                                                Progress progress);
    ~MoveIn();

    /// An earlier attempt began and did not finish.
    bool resumes() const;
    /// Makes the topics, and the mark that they are not whole.
    Result<void> begin();
    /// Records and state, compared with the log by reading them back.
    Result<void> carry();
    /// Makes what a process keeps of a cluster, with the ledger of repeats, on disk when it
    /// returns.
    Result<void> make_local(const std::filesystem::path& folder);
    /// Whether make_local() made that folder of this log. Errors: those of opening it.
    Result<bool> made(const std::filesystem::path& folder) const;
    Result<void> store_positions();
    /// Takes the mark away: the site is the cluster's.
    Result<void> finish();

    const MoveCounts& counts() const;

  private:
    class Impl;  // hides librdkafka
    explicit MoveIn(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::topology
