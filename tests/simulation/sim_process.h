#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schemas/topic_names.h"
#include "sinks/effects/effect_worker.h"
#include "tests/simulation/sim_log.h"
#include "tests/simulation/sim_provider.h"
#include "tests/support/no_metrics.h"
#include "topology/runtime/runtime.h"

namespace vitalog::simulation {

/// Whose the shards are by the word of the group, and who sends.
struct Assignment {
    std::uint64_t version = 1;
    std::map<std::string, int> owner;  ///< by "stage of topic/partition"
    int duty = -1;
    std::uint64_t turn = 1;  ///< of the duty: counts up when it goes to another

    void give_duty(int process) {
        if (duty != process) ++turn;
        duty = process;
    }
};

/// Told at every call that a process makes to what lies outside of it; may throw Died, and may let
/// the rest of the world go on for a while.
using CallHook = std::function<void(int process, std::string_view call)>;

/// What one process sees of the log: its own, perhaps outdated, view of whose the shards are.
class SimClient final : public topology::Log {
  public:
    SimClient(SimLog& log, int process, CallHook hook)
        : log_(log), process_(process), hook_(std::move(hook)) {}

    void learn(const Assignment& assignment) { view_ = assignment; }
    void set_moving(bool moving) { moving_ = moving; }
    const Assignment& view() const { return view_; }
    void set_awake(bool awake) { awake_ = awake; }

    std::vector<topology::TopicConfig> topics() const override { return log_.topics(); }
    Ownership ownership(std::string_view stage, const TopicPartition& input) const override;
    Result<Offset> committed(std::string_view stage, const TopicPartition& input) const override {
        return log_.shard(stage, input).position.committed;
    }
    Duty duty() const override { return {view_.duty == process_ ? view_.turn : 0, awake_}; }
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage,
                                                 const TopicPartition& input) override;
    Generation generation() const override { return Generation(1); }
    Generation generation_at(const TopicPartition&, Offset) const override { return generation(); }
    void append(FeedRecord record, AppendDone done) override;
    std::uint32_t partitions(std::string_view topic) const override;
    Result<Offset> begin_offset(const TopicPartition& tp) const override { return log_.begin(tp); }
    Result<Offset> end_offset(const TopicPartition& tp) const override { return log_.end(tp); }
    Result<void> read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                      RecordBatch& out) const override;
    Result<void> sync() override;
    std::uint64_t activity() const override { return log_.activity(); }
    /// Somebody waits for a commit: the cluster goes on.
    void wait(std::uint64_t, std::chrono::milliseconds) const override { log_.advance(); }
    Result<std::optional<Offset>> load_position(std::string_view reader,
                                                const TopicPartition& tp) const override;
    Result<void> store_position(std::string_view reader, const TopicPartition& tp,
                                Offset next) override;

  private:
    SimLog& log_;
    const int process_;
    const CallHook hook_;
    Assignment view_;
    bool moving_ = false;
    bool awake_ = true;
};

/// What a run of the site needs, the same for every seed.
struct SiteParts {
    schemas::TopicNames names;
    std::vector<std::string> channels;  ///< that we send by ourselves: "sms", "wechat"
    bool duplex = true;                 ///< a lane for high priority beside the other
};

/// One process of the site: the runtime with its shards, and the senders while it is on duty.
class SimProcess {
  public:
    struct World {
        SimLog& log;
        const SiteParts& parts;
        const SimClock& site;                                  ///< the time that attempts expire by
        std::vector<std::unique_ptr<SimProvider>>& providers;  ///< as parts.channels
        CallHook hook;
    };
    SimProcess(World world, int number, topology::ShardOptions options,
               sinks::EffectWorkerOptions effects, SimClock& clock);
    ~SimProcess();

    /// Every stage's shards; those that are ours are opened.
    Result<void> start();
    Result<bool> step();
    Result<void> step_senders();
    /// A clean stop: everything committed and flushed.
    Result<void> stop();

    SimClient& client() { return client_; }
    const topology::Runtime& runtime() const { return *runtime_; }
    std::int64_t sends_waiting() const;
    std::size_t sends_in_doubt() const;
    /// The first timer due of the shards that it runs.
    std::optional<ReceivedTime> next_due() const;
    std::size_t largest_store() const;

  private:
    void make_senders();

    World world_;
    const int number_;
    const topology::ShardOptions options_;
    const sinks::EffectWorkerOptions effects_;
    SimClock& clock_;
    tests::NoMetrics metrics_;
    SimClient client_;
    std::unique_ptr<topology::Runtime> runtime_;
    struct Channel {
        std::unique_ptr<sinks::Provider> provider;
        std::unique_ptr<sinks::SendGate> gate;
        std::vector<std::unique_ptr<sinks::EffectWorker>> lanes;
    };
    std::vector<Channel> channels_;
    std::uint64_t turn_ = 0;  ///< that the channels were made in
};

}  // namespace vitalog::simulation
