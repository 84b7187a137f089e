#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/topic_names.h"
#include "topology/log/log.h"
#include "topology/runtime/runtime.h"

namespace vitalog::topology {

/// A log that is read and not changed: of a stopped site, or of a cluster. What it names outlives whoever uses it.
struct AuditSource {
    const RecordSource& records;
    std::function<Generation(const TopicPartition&, Offset)> generation_at;
    std::vector<TopicConfig> topics;
};

/// A database of its own in a new folder, for the state of shards that are recomputed: what does not fit in memory. Gone
/// with this.
class FoldScratch {
  public:
    /// `under`: where to make the folder; empty: the machine's folder for temporary files. Io.
    static Result<std::unique_ptr<FoldScratch>> open(const std::filesystem::path& under,
                                                     std::vector<TopicConfig> inputs);
    ~FoldScratch();

    Log& log() { return *log_; }

  private:
    FoldScratch() = default;
    std::filesystem::path folder_;
    std::unique_ptr<Log> log_;
};

/// What is recomputed.
struct FoldSpec {
    ShardSpec shard;
    ProcessorFactory make_processor;  ///< of the stage as it is, or of a draft that is tried
    std::string entity = {};  ///< only the records of this key; empty: all. Control records and ticks always count
    Offset end = Offset(INT64_MAX);  ///< input from here on is left out: what the shard had not committed
    bool controls_first = false;  ///< of a stage without state: all of feed.control is in force from the beginning
    bool input_grows = false;  ///< more may come behind what is there when it is opened: step() says so again
    /// The stretch: outputs of input that the log took before `from` are made, and marked as lying before it; input from
    /// `to` on is left out.
    std::optional<LogTime> from = std::nullopt;
    std::optional<LogTime> to = std::nullopt;
    std::size_t memory_bytes = std::size_t{256} << 20;  ///< of entities kept decoded
};

/// Recomputes one shard from its logged input: the shard that runs in a site, its state built from nothing, its outputs
/// handed to whoever asked and written nowhere. There is no way from here to a provider, a view or a socket. One thread;
/// source, names and scratch outlive it.
///
///     while (true) {
///         VITALOG_TRY(const bool more, fold->step([](const Fold::Output& output) { ... }));
///         if (!more) break;
///     }
///
/// A stage without state (intake) follows feed.control as of the log's times: a control record is in force for what
/// the log took after it.
class Fold {
  public:
    struct Output {
        const TopicPartition& tp;
        const RecordView& record;  ///< its offset says nothing
        bool in_stretch;
    };
    using Visit = std::function<Result<void>(const Output& output)>;

    /// `scratch` may be null for a stage without state.
    static Result<std::unique_ptr<Fold>> open(FoldSpec spec, const AuditSource& source,
                                              const schemas::TopicNames& names, FoldScratch* scratch);
    ~Fold();

    /// Applies up to about 1 MiB of input and hands out what it makes, by partition in its order. False once nothing
    /// is left. The visitor's error ends it.
    Result<bool> step(const Visit& visit);

    /// When the log took what the next step begins with; nullopt at the end.
    Result<std::optional<LogTime>> next_time();
    /// Input records applied, those of them in the stretch, and whether one was of the spec's entity.
    std::uint64_t applied() const;
    std::uint64_t applied_in_stretch() const;
    bool met_entity() const;
    const TopicPartition& input() const;
    /// The first input offset that is kept, and the one behind the last that was applied.
    Offset begin() const;
    Offset end() const;

  private:
    class Impl;
    explicit Fold(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace vitalog::topology
