#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/real_log.h"
#include "tests/simulation/sim_base.h"
#include "topology/log/log.h"

namespace vitalog::simulation {

using topology::Commit;
using topology::CommitOutcome;
using topology::Ownership;
using topology::RecordBlock;
using topology::ShardLog;
using topology::ShardPosition;
using topology::TopicConfig;

using Entries = std::map<std::string, std::string, std::less<>>;

/// How often what goes wrong goes wrong, in per mille of the occasions.
struct LogFaults {
    unsigned abort = 0;         ///< a commit is refused: nothing of it stands
    unsigned unknown = 0;       ///< the answer to a commit does not come
    unsigned applied = 500;     ///< of those: it stands all the same, at once or later
    unsigned linger = 0;        ///< a step of a transaction waits for a coordinator
    unsigned leader_moves = 0;  ///< a leader goes with what it alone has; 0: it has nothing alone
    bool late_sync = false;     ///< on a disk: what is urgent is synced a while after its commit
};

/// One change of a stored entity, as a commit carried it.
struct StateWrite {
    std::string key;
    std::optional<std::string> value;
};

/// What outlives processes: the disk of one machine, or a cluster.
///
/// As a disk: a commit stands at once, and a crash loses what was not synced, the newest first. A
/// reader's position is on disk when it is stored, and nothing else is by that. As RocksDB: the
/// same, with the product's own log beneath, which reads and writes; after a crash it must hold
/// what was synced and of the rest a beginning. As a cluster: commits of a process's shards go in
/// transactions. Their records take offsets when they are sent and can be read once a marker (an
/// offset of its own) was written into each partition, in any order, and has come to the followers
/// of its leader; what is aborted stays in its place unseen. A shard belongs to one process and has
/// an epoch that counts its moves: positions of another epoch are refused. A process that dies
/// leaves its transactions open; what it had asked to commit may still be committed, late. A shard
/// can't be opened while a transaction that holds it is undecided.
///
/// One thread. Steps that a cluster takes by itself are taken by advance().
class SimLog {
  public:
    enum class Kind : std::uint8_t { Disk, RocksDb, Cluster };
    enum class Stored : std::uint8_t { State, Records };
    struct Shard {
        std::string stage;
        TopicPartition input;
        ShardPosition position;
        Entries entries;
        int owner = -1;
        std::uint64_t epoch = 1;
        int number = 0;
        int undecided = 0;                ///< transactions that hold it
        bool held = false;                ///< disk: one holder at a time
        std::vector<StateWrite> written;  ///< every entity's stored form that a commit carried
    };
    /// Records that stand together, or a marker.
    struct Span {
        Offset base;
        std::int64_t count = 0;
        std::shared_ptr<const RecordBlock> block;  ///< shared with readers' batches; null: a marker
        int txn = 0;                               ///< 0: none
        int writer = 0;                            ///< Shard::number; 0: the door
        bool open = false;
        bool aborted = false;
        Offset end() const { return Offset(base.value() + count); }
    };
    class Handle;

    SimLog(Kind kind, std::vector<TopicConfig> topics, std::uint64_t seed, Trace& trace);
    ~SimLog();

    Kind kind() const { return kind_; }
    bool one_machine() const { return kind_ != Kind::Cluster; }
    const std::vector<TopicConfig>& topics() const { return topics_; }
    void set_faults(const LogFaults& faults) { faults_ = faults; }

    // Shards
    Shard& shard(std::string_view stage, const TopicPartition& input);
    const std::map<std::string, std::unique_ptr<Shard>>& shards() const { return shards_; }
    void give(Shard& shard, int process);
    /// Null while a transaction of it is undecided.
    Result<std::unique_ptr<ShardLog>> open(Shard& shard, int process,
                                           std::function<void(std::string_view)> at);

    // Records
    Result<AppendReceipt> append(const FeedRecord& record);
    Result<Offset> begin(const TopicPartition& tp) const;
    /// Where readable records end.
    Result<Offset> end(const TopicPartition& tp) const;
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const;
    /// Also what retention dropped, for those who check.
    Result<void> read_all(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                          RecordBatch& out) const;
    const std::vector<Span>& spans(const TopicPartition& tp) const;
    Result<void> sync();
    /// Whether no crash can take back the record of the topic whose value has `part` in it.
    bool on_disk(std::string_view topic, std::string_view part) const;
    std::uint64_t activity() const { return activity_; }
    using Positions = std::map<std::pair<std::string, TopicPartition>, Offset>;
    const Positions& positions() const { return positions_; }
    Result<void> store_position(const std::string& reader, const TopicPartition& tp, Offset next);

    // What happens by itself
    /// One step of one transaction; false: nothing is under way.
    bool advance();
    bool at_rest() const {
        return txns_.empty() && markers_.empty() && tails_.empty() && waiting_.empty() &&
               !sync_due_;
    }
    /// What a process that is gone had under way.
    void forsake(int process);
    /// One machine: its process is gone; with the power, what was not synced goes too, or a part of
    /// it. The Error says what can't come of that.
    Result<void> crash(bool power);
    /// Nothing is read from there for so many calls.
    void stall(const TopicPartition& tp, int calls) { stalled_[tp] = calls; }
    void end_stalls() { stalled_.clear(); }
    /// Retention: records before `keep` can't be read any more.
    void trim(const TopicPartition& tp, Offset keep);
    std::uint64_t trims() const { return trims_; }

    // RocksDB
    /// What the product's own retention drops.
    Result<void> enforce_retention(LogTime now);
    /// A clean stop and start of the log, which no shard holds. Everything must be there.
    Result<void> restart();
    void arm(RealLog::Fault fault, std::uint64_t after);
    /// The next block of a file with such contents that is read has a byte that was not written.
    void flip_next(Stored what);
    void heal();
    /// The disk did something wrong since the start: what fails then may fail.
    bool struck() const { return real_ && real_->struck(); }
    bool flipped() const { return real_ && real_->flipped(); }

  private:
    struct Records {
        std::vector<Span> spans;
        Offset begin;
        Offset end;
        int open = 0;              // spans of undecided or unmarked transactions
        std::size_t unsynced = 0;  // spans at the end that a crash of the one machine may take back
    };
    struct Member {
        Handle* handle = nullptr;  // null: nobody waits for the outcome any more
        Shard* shard = nullptr;
        std::uint64_t epoch = 0;
        Commit commit;
    };
    enum class Phase : std::uint8_t { Positions, Records, End, Limbo, Tell };
    struct Txn {
        int id = 0;
        int process = 0;
        Phase phase = Phase::Positions;
        std::vector<Member> members;
        std::set<TopicPartition> wrote;
        bool commits = false;  // Limbo: what becomes of it; Tell: what became of it
    };
    struct Marker {
        TopicPartition tp;
        int txn;
        bool commits;
    };
    /// What a leader has alone, to the end of its partition.
    struct Tail {
        TopicPartition tp;
        Offset base;
        std::optional<Marker> marker;
    };

    const Records& partition(const TopicPartition& tp) const { return partitions_.at(tp); }
    Offset readable_end(const Records& p) const;
    Result<void> read_from(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                           RecordBatch& out) const;
    void add_span(const TopicPartition& tp, const topology::RecordBlockBuilder& builder, int writer,
                  int txn);
    AppendReceipt place(const FeedRecord& record, const TopicConfig& topic);
    void apply(Shard& shard, const Commit& commit);
    void apply_undoably(Shard& shard, const Commit& commit);
    void undo_last();
    void all_synced();
    std::size_t lose_unsynced();
    Result<AppendReceipt> append_to_real(const FeedRecord& record, const TopicConfig& topic);
    CommitOutcome commit_to_real(Handle& handle, const Commit& commit, std::optional<Error>& error);
    Result<void> find_prefix();
    struct Stand;
    Result<Stand> real_stand();
    std::string difference(const Stand& stand) const;
    Result<void> compare_records(const TopicPartition& tp) const;
    Result<void> compare_batch(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                               const RecordBatch& found) const;
    Result<void> read_real(Stored what, const std::function<Result<void>()>& read) const;
    CommitOutcome commit_to_disk(Handle& handle, const Commit& commit, std::optional<Error>& error);
    void submit(Handle& handle, const Commit& commit);
    void withdraw(Handle& handle);
    void begin_transaction(int process);
    void step(Txn& txn);
    void send_positions(Txn& txn);
    void send_records(Txn& txn);
    void end_transaction(Txn& txn);
    void decide(Txn& txn, bool commits);
    void tell(Txn& txn, CommitOutcome outcome, const std::string& why);
    void write_marker(std::size_t index);
    void show(const Tail& tail);
    void follow(TopicPartition tp);
    void replicate(const TopicPartition& tp);
    void move_leader(const TopicPartition& tp);
    void leave_to_leader(const TopicPartition& tp);
    void changed() { ++activity_; }

    const Kind kind_;
    const std::vector<TopicConfig> topics_;
    Random random_;
    Trace& trace_;
    LogFaults faults_;
    std::map<TopicPartition, Records> partitions_;
    std::map<std::string, std::unique_ptr<Shard>> shards_;
    Positions positions_;
    std::map<std::string, std::pair<std::uint64_t, std::string>> ledger_;
    using Undo = std::vector<std::function<void()>>;  // of one change, to be done last first
    std::vector<Undo> undo_;  // disk: takes back, last first, what is not synced
    bool sync_due_ = false;   // disk: of what is urgent
    std::uint64_t activity_ = 1;
    std::uint64_t crashes_ = 0;
    std::uint64_t trims_ = 0;
    std::unique_ptr<RealLog> real_;        // RocksDB
    bool refuses_ = false;                 // RocksDB: a write or an fsync has failed
    mutable std::optional<Stored> flips_;  // RocksDB: what flip_next() waits for
    int last_txn_ = 0;
    std::map<int, std::vector<Member>> waiting_;  // by process
    std::vector<std::unique_ptr<Txn>> txns_;
    std::vector<Marker> markers_;
    std::vector<Tail> tails_;  // by rising base
    mutable std::map<TopicPartition, int> stalled_;
};

}  // namespace vitalog::simulation
