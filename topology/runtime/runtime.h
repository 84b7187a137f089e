#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "topology/runtime/shard.h"

namespace vitalog::topology {

/// Makes the processor of one shard.
using ProcessorFactory = std::function<std::unique_ptr<processors::Processor>()>;

/// Where a shard stands, for lag and for whoever waits. Written by its worker, read by anybody.
struct ShardStatus {
    ShardSpec spec;
    TopicPartition input;
    std::atomic<std::int64_t> committed{0};
    std::atomic<std::int64_t> next_due_micros{INT64_MAX};
    std::atomic<bool> recovered{false};
    std::atomic<bool> ours{false};               ///< this process runs it; else `committed` may be a second old
    std::atomic<std::uint64_t> entity_bytes{0};  ///< of the entities kept decoded
};

/// Owns the shards that are this process's, and the worker threads that step them. A shard belongs to one worker; workers share nothing but
/// the log. Without start(), a caller steps everything in its own thread: tests and simulation.
class Runtime {
  public:
    Runtime(ShardPorts ports, ShardOptions options) : ports_(ports), options_(options) {}
    ~Runtime();

    /// Before start(): a shard and how to make its processor.
    Result<void> add(ShardSpec spec, ProcessorFactory make_processor);
    /// Divides the shards among `workers` threads. `on_failure` is called once, from a worker, with what ended it,
    /// or once the log takes no more work.
    void start(std::size_t workers, std::function<void(Error)> on_failure);
    /// Ends the threads; with `flush`, every shard commits and flushes everything.
    Result<void> stop(bool flush);

    /// One step of every shard in the caller's thread. True when something was done. A shard that gets Busy from
    /// the log is opened anew a second later; other errors end the run.
    Result<bool> step_all();

    const std::vector<std::unique_ptr<ShardStatus>>& status() const { return status_; }
    /// The stage's shards that have not committed everything before `ends[partition]`.
    bool passed(std::string_view stage, const std::vector<Offset>& ends) const;

  private:
    struct Slot {
        ShardSpec spec;
        ProcessorFactory make_processor;
        std::unique_ptr<Shard> shard;
        ShardStatus* status = nullptr;
        std::chrono::steady_clock::time_point look_again;
    };

    Result<bool> open(Slot& slot);
    Result<bool> settle_ownership(Slot& slot);
    Result<bool> step(Slot& slot);
    void work(std::vector<Slot*> slots);
    void fail_once(const Error& error);

    ShardPorts ports_;
    ShardOptions options_;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<std::unique_ptr<ShardStatus>> status_;
    std::vector<std::thread> threads_;
    std::atomic<bool> stopping_{false};
    std::once_flag failed_;
    std::function<void(Error)> on_failure_;
};

}  // namespace vitalog::topology
