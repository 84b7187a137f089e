#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "schemas/base/ports.h"
#include "topology/log/kafka/local_state.h"
#include "topology/log/kafka/membership.h"
#include "topology/log/kafka/producer.h"
#include "topology/log/kafka/reader.h"

namespace vitalog::topology::kafka {

/// Where a shard stands, by its group's word.
struct GroupPosition {
    ShardPosition position;
    Offset snapshots;  ///< its snapshots go at least so far: state is missing where they end before
};

/// What the offset commit of a shard carries besides the offset.
///   text := "vitalog/1 generation=N checkpoint=N logic=N snapshots=N"
std::string encode_metadata(const GroupPosition& group);
/// Damaged when it is no such text.
Result<GroupPosition> decode_metadata(Offset committed, std::string_view text);

/// A change of state as a record of the snapshots: the bytes behind a mark, so that what is empty
/// is told from what is gone; and back.
std::optional<std::string> snapshot_value(const state::Write& write);
state::Write snapshot_of(const RecordView& record);

/// A shard's commits on their way, one at a time. Its fields belong to the shard's thread, `state`
/// and the outcome to the committer while it waits.
struct Ticket {
    TopicPartition input;
    TopicPartition snapshots;
    std::string shard;  ///< key of its local state
    const Membership* member = nullptr;
    std::uint64_t holding = 0;  ///< Membership::holding when the shard was opened
    Offset written;             ///< how far the snapshots go that this shard wrote
    std::string metadata;       ///< beside the position of the commit on its way

    enum class State : std::uint8_t { Idle, Waiting, Running, Done };
    State state = State::Idle;
    const Commit* commit = nullptr;
    CommitOutcome outcome = CommitOutcome::Committed;
    std::optional<Error> error;
};

/// Takes all commits that wait and carries them in one transaction: outputs, snapshots and
/// positions of several shards become visible together, and the next transaction gathers while one
/// is on its way. Its threads share producers, the one that rested longest goes first: the cluster
/// refuses a producer until the marks of its last transaction are written, and the client asks
/// again only 20 ms later. After a fenced or an indefinite result a producer is dropped and made
/// anew; the shards go back to what is committed. Thread-safe.
class Committer {
  public:
    struct Options {
        Producer::Options producer;  ///< its transactional id is the prefix of all of theirs
        std::size_t producers = 6;
        std::size_t threads = 2;  ///< transactions at a time, each with a producer
        Metrics* metrics = nullptr;
    };
    struct Ports {
        Reader& reader;
        LocalState& local;
        Activity& activity;
        const Clock& clock;  ///< of the wall
    };
    static Result<std::unique_ptr<Committer>> start(Options options, Ports ports);
    /// Ends what the producers of another process left open, by taking their names; `theirs` is as
    /// that process has it. Should it live after all, it makes its producers anew.
    static Result<void> end_transactions(const Options& theirs);
    ~Committer();

    /// The ticket's commit joins the next transaction. The ticket and its commit stay until it is
    /// done.
    void submit(Ticket& ticket);
    /// Gives the outcome once it is there, and makes the ticket idle; Pending before.
    CommitOutcome outcome(Ticket& ticket, std::optional<Error>& error);
    /// Takes the ticket back; waits while it is in a transaction.
    void withdraw(Ticket& ticket);

  private:
    /// A producer, and what it has in flight.
    struct Session {
        std::size_t index = 0;
        Delivered delivered;  // before the producer, which writes to it until it is gone
        std::unique_ptr<Producer> producer;
        const Membership* lost = nullptr;  // whose positions the group refused
    };
    using Tickets = std::vector<Ticket*>;

    Committer(Options options, Ports ports)
        : options_(std::move(options)),
          reader_(ports.reader),
          local_(ports.local),
          activity_(ports.activity),
          clock_(ports.clock) {}
    static Producer::Options named(const Options& options, std::size_t index);
    Result<void> open(Session& session);
    bool open_again(Session& session);
    void run();
    void carry(Session& session, Tickets& tickets);
    CommitOutcome attempt(Session& session, const Tickets& tickets, std::optional<Error>& error);
    Result<void> fill(Session& session, const Tickets& tickets);
    Result<void> send_records(Session& session, const Tickets& tickets);
    Result<void> send_outputs(Session& session, const Commit& commit);
    Result<void> send_offsets(Session& session, const Tickets& tickets);
    Result<void> send_offsets_of(Session& session, const Membership& member,
                                 const Tickets& tickets);
    CommitOutcome end(Session& session, std::optional<Error>& error);
    void abort(Session& session);
    Result<void> keep(const Session& session, const Tickets& tickets);
    void drop_moved(Tickets& tickets);
    void finish(const Tickets& tickets, CommitOutcome outcome, const std::optional<Error>& error);
    void count(CommitOutcome outcome, double seconds) const;
    /// Runs a step of a transaction, and counts how long it took.
    template <class Step>
    auto timed(std::string_view name, Step step) const;

    const Options options_;
    Reader& reader_;
    LocalState& local_;
    Activity& activity_;
    const Clock& clock_;

    std::mutex mutex_;  // guards what follows, and the tickets that wait
    std::condition_variable wanted_;
    std::condition_variable done_;
    std::deque<Ticket*> waiting_;
    std::deque<std::unique_ptr<Session>> rested_;  // the longest rested first
    bool stopping_ = false;

    std::vector<std::thread> threads_;
};

}  // namespace vitalog::topology::kafka
