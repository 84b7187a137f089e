#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "processors/processor.h"
#include "state/entity_store.h"
#include "topology/log/log.h"
#include "topology/runtime/controls.h"
#include "topology/runtime/drift.h"
#include "topology/runtime/outbox.h"
#include "schemas/topic_names.h"

namespace vitalog::topology {

/// Which shard: one partition of one stage's input.
struct ShardSpec {
    std::string stage;
    schemas::Topic input = schemas::Topic::Subject;
    Partition partition;
    bool stateful = true;  ///< intake has several inputs and therefore no state
};

struct ShardOptions {
    std::size_t read_bytes = std::size_t{1} << 20;    ///< per read of the log
    std::size_t commit_records = 20'000;              ///< a commit holds no more input records,
    std::size_t commit_bytes = std::size_t{4} << 20;  ///< nor more output bytes,
    std::chrono::microseconds commit_delay{2'000};    ///< nor waits longer, once something was read,
    /// except behind more input than a step takes: then for this long, as larger commits cost less per record.
    /// Without effect when commit_delay is 0.
    std::chrono::microseconds commit_delay_behind{20'000};
    int commit_retries_max = 5;                       ///< of an aborted commit, before the shard is reopened
    state::EntityStore::Options store;
    bool accept_drift = false;  ///< recover with another logic number, comparing and reporting (law 7)
};

/// What a shard needs of its surroundings; all outlive it.
struct ShardPorts {
    Log& log;
    const schemas::TopicNames& topics;
    const Clock& clock;
    Metrics& metrics;
};

/// Runs one processor over one partition: reads in batches, brings the entities in, applies, and commits outputs,
/// position and flushed state as one atom (laws 3 to 9). Stepped by one thread at a time; never blocks but on the disk.
class Shard {
  public:
    enum class Step : std::uint8_t {
        Idle,    ///< nothing to do before next_wake() or new records
        Worked,  ///< call again
        Reopen   ///< a commit's outcome is unknown: destroy this shard and open it anew
    };

    /// Goes on where the log's handle of the shard stands: restores positions, controls and timers. Conflict: another
    /// logic number left trailing state; the message names the two ways out.
    static Result<std::unique_ptr<Shard>> open(ShardSpec spec, std::unique_ptr<ShardLog> shard_log,
                                               std::unique_ptr<processors::Processor> processor, ShardPorts ports,
                                               ShardOptions options);
    ~Shard();

    /// Reads and applies at most one batch, and commits when it is time.
    Result<Step> step();
    /// Commits what is in hand and flushes everything: the next start has nothing to recover. Waits for the log.
    Result<void> close();

    /// Everything before this is applied and committed; what lies between it and the last commit is no record.
    Offset committed() const { return committed_; }
    /// Memory of the entities kept decoded.
    std::size_t entity_bytes() const { return store_ ? store_->memory_bytes() : 0; }
    /// True once everything that was committed before the start has been applied again.
    bool recovered() const { return position_ >= recovery_end_; }
    /// When a timer or a waiting commit wants a step; nullopt: only when records come.
    std::optional<LogTime> next_wake() const;
    /// When the next timer of this shard is due.
    std::optional<ReceivedTime> next_due() const;
    const ShardSpec& spec() const { return spec_; }
    const TopicPartition& input() const { return input_; }
    const std::optional<DriftReport>& drift() const { return drift_report_; }
    const state::EntityStore* store() const { return store_.get(); }

  private:
    class Factory;
    class RecordContext;

    Shard(ShardSpec spec, std::unique_ptr<processors::Processor> processor, ShardPorts ports,
          ShardOptions options);

    Result<void> restore();
    Result<void> check_logic() const;
    Result<void> follow_control();
    Result<bool> read_and_apply();
    Result<void> note_lag(Offset from);
    Result<void> apply_chunk(std::size_t begin, std::size_t end);
    Result<void> fetch_chunk(std::size_t begin, std::size_t end);
    Result<void> apply(const RecordView& record, state::Held* held);
    Result<void> apply_to_entity(const RecordView& record, const processors::Input& input, state::Held* held);
    void apply_control(const RecordView& record, const processors::Input& input);
    Result<void> apply_tick(const RecordView& record, const processors::Input& input);
    void fire(state::Held& held, ReceivedTime due, Offset offset);
    /// `whole`: with the record's bytes; else with their number alone.
    void dead_letter(const processors::Input& input, const Error& error, std::string_view at, std::int64_t n,
                     bool whole = true);
    processors::Input input_of(const RecordView& record, std::string& source) const;
    void finish_outputs();
    bool muted() const;

    void pass_gap();
    std::chrono::microseconds gap_delay() const;
    std::chrono::microseconds commit_delay() const;
    bool urgent_gathered() const;
    bool has_waited(LogTime since, std::chrono::microseconds delay) const;
    bool commit_is_due(bool drained) const;
    Result<Step> commit(bool flush_everything);
    Result<Step> try_commit();
    Result<void> await_commit();
    Result<Step> tick_if_due();
    void finish_recovery();

    ShardSpec spec_;
    ShardPorts ports_;
    ShardOptions options_;
    TopicPartition input_;
    std::unique_ptr<processors::Processor> processor_;
    std::unique_ptr<Factory> factory_;
    std::unique_ptr<ShardLog> shard_log_;
    std::unique_ptr<state::EntityStore> store_;
    Controls controls_;
    Outbox outbox_;
    schemas::Decoder decoder_;

    Offset position_;      // next record to apply
    Offset committed_;     // next record after the last commit
    Offset recovery_end_;  // outputs of records before it are muted: they are in the log already
    Offset current_;       // the record in hand
    Offset control_position_;  // stateless stages follow feed.control by themselves

    RecordBatch batch_;
    std::vector<std::string_view> keys_;  // of the chunk in hand: its keys, their hashes and entities
    std::vector<std::uint64_t> hashes_;
    std::vector<state::Held*> found_;
    std::vector<state::Held*> held_;  // by record of the chunk; null for one without key
    std::string source_;

    std::size_t uncommitted_records_ = 0;
    LogTime uncommitted_since_;
    LogTime commit_began_;
    std::chrono::microseconds commit_took_{0};  // the last one
    std::optional<LogTime> gap_since_;  // offsets without records were passed that no commit covers
    bool behind_ = false;  // more waits in the input than the last step took
    std::optional<LogTime> oldest_received_;
    std::optional<Commit> pending_;  // a commit that the log is at, or an aborted one, to be tried again
    int commit_retries_ = 0;
    bool tick_outstanding_ = false;
    std::map<std::pair<std::string, Metrics::Labels>, double> counts_;  // shown once committed

    std::optional<DriftCheck> drift_check_;
    std::optional<DriftReport> drift_report_;
};

}  // namespace vitalog::topology
