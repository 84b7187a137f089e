#include "tests/simulation/sim_process.h"

#include <algorithm>

#include "topology/stages/stage.h"

namespace vitalog::simulation {
namespace {

using schemas::Topic;
using topology::Stage;

/// Feeds that no course of the simulation uses have no shards.
bool is_used(Topic input) {
    return input != Topic::FeedLis && input != Topic::FeedPacs && input != Topic::FeedOperation;
}

/// The provider as one process reaches it: each call is a place where the process may end.
class Called final : public sinks::Provider {
  public:
    Called(SimProvider& provider, CallHook hook, int process)
        : provider_(provider), hook_(std::move(hook)), process_(process) {}
    std::string_view name() const override { return provider_.name(); }
    sinks::SendOutcome send(const sinks::Attempt& attempt) override {
        auto outcome = provider_.send(attempt);
        hook_(process_, "sent");
        return outcome;
    }
    sinks::QueryOutcome query(const sinks::Attempt& attempt, LogTime taken) override {
        hook_(process_, "ask a provider");
        return provider_.query(attempt, taken);
    }
    bool can_query() const override { return provider_.can_query(); }
    void abort() override {}

  private:
    SimProvider& provider_;
    const CallHook hook_;
    const int process_;
};

}  // namespace

Ownership SimClient::ownership(std::string_view stage, const TopicPartition& input) const {
    if (moving_) return Ownership::Undecided;
    const auto found = view_.owner.find(std::string(stage) + " of " + to_string(input));
    if (found == view_.owner.end() || found->second < 0) return Ownership::Undecided;
    return found->second == process_ ? Ownership::Ours : Ownership::Others;
}

Result<std::unique_ptr<ShardLog>> SimClient::open_shard(std::string_view stage,
                                                        const TopicPartition& input) {
    hook_(process_, "open a shard");
    const CallHook hook = hook_;
    const int process = process_;
    return log_.open(log_.shard(stage, input), process,
                     [hook, process](std::string_view call) { hook(process, call); });
}

void SimClient::append(FeedRecord record, AppendDone done) {
    hook_(process_, "append");
    auto receipt = log_.append(record);
    // Whoever sends waits for a log that takes its report: one that takes nothing more ends the
    // process.
    if (!receipt && log_.struck()) throw Died();
    hook_(process_, "appended");
    done(std::move(receipt));
}

std::uint32_t SimClient::partitions(std::string_view topic) const {
    for (const auto& config : log_.topics())
        if (config.name == topic) return config.partitions;
    return 0;
}

Result<void> SimClient::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                             RecordBatch& out) const {
    hook_(process_, "read");
    return log_.read(tp, from, max_bytes, out);
}

Result<void> SimClient::sync() {
    hook_(process_, "sync");
    return log_.sync();
}

Result<std::optional<Offset>> SimClient::load_position(std::string_view reader,
                                                       const TopicPartition& tp) const {
    const auto found = log_.positions().find({std::string(reader), tp});
    if (found == log_.positions().end()) return std::nullopt;
    return found->second;
}

Result<void> SimClient::store_position(std::string_view reader, const TopicPartition& tp,
                                       Offset next) {
    hook_(process_, "store a position");
    VITALOG_CHECK(log_.store_position(std::string(reader), tp, next));
    hook_(process_, "stored a position");
    return {};
}

SimProcess::SimProcess(World world, int number, topology::ShardOptions options,
                       sinks::EffectWorkerOptions effects, SimClock& clock)
    : world_(std::move(world)),
      number_(number),
      options_(options),
      effects_(std::move(effects)),
      clock_(clock),
      client_(world_.log, number, world_.hook) {}

SimProcess::~SimProcess() = default;

Result<void> SimProcess::start() {
    runtime_ = std::make_unique<topology::Runtime>(
        topology::ShardPorts{client_, world_.parts.names, clock_, metrics_}, options_);
    for (const Stage& stage : topology::all_stages()) {
        if (!stage.make_processor) continue;
        for (const Topic input : stage.reads)
            for (std::uint32_t p = 0; is_used(input) && p < world_.parts.names.partitions(input);
                 ++p)
                VITALOG_CHECK(
                    runtime_->add({std::string(stage.name), input, Partition(p), stage.stateful},
                                  stage.make_processor));
    }
    return {};
}

Result<bool> SimProcess::step() {
    return runtime_->step_all();
}

void SimProcess::make_senders() {
    const auto& parts = world_.parts;
    for (std::size_t i = 0; i < parts.channels.size(); ++i) {
        Channel channel;
        channel.provider = std::make_unique<Called>(*world_.providers[i], world_.hook, number_);
        channel.gate = std::make_unique<sinks::SendGate>(sinks::SendGate::Options{
            .rate_per_second = 100, .reserve = 0.2, .one_at_a_time = i > 0});
        for (const sinks::Lane lane : {sinks::Lane::High, sinks::Lane::Other}) {
            auto options = effects_;
            options.channel = parts.channels[i];
            options.lane = lane;
            options.topic = "send." + parts.channels[i];
            channel.lanes.push_back(std::make_unique<sinks::EffectWorker>(
                options, sinks::EffectWorker::Ports{
                             client_, client_, *channel.provider, world_.site, clock_, nullptr,
                             channel.gate.get(), [this] { return client_.duty(); }}));
        }
        channels_.push_back(std::move(channel));
    }
}

Result<void> SimProcess::step_senders() {
    const bool withdrawn = std::ranges::any_of(channels_, [](const Channel& channel) {
        return std::ranges::any_of(channel.lanes,
                                   [](const auto& lane) { return lane->withdrawn(); });
    });
    const Duty duty = client_.duty();
    if (duty.turn != turn_ || withdrawn) channels_.clear();
    if (duty.turn == 0) return {};
    turn_ = duty.turn;
    if (channels_.empty() && duty.sure) make_senders();
    for (auto& channel : channels_)
        for (auto& lane : channel.lanes) {
            auto stepped = lane->step();
            // As its thread does: tried again a little later.
            if (!stepped && stepped.error().code() != Errc::Busy) return stepped;
        }
    return {};
}

Result<void> SimProcess::stop() {
    channels_.clear();
    return runtime_->stop(true);
}

std::int64_t SimProcess::sends_waiting() const {
    if (channels_.empty()) return 1;
    std::int64_t total = 0;
    for (const auto& channel : channels_)
        for (const auto& lane : channel.lanes) total += lane->lag();
    return total;
}

std::size_t SimProcess::sends_in_doubt() const {
    std::size_t total = 0;
    for (const auto& channel : channels_)
        for (const auto& lane : channel.lanes) total += lane->unsettled();
    return total;
}

std::optional<ReceivedTime> SimProcess::next_due() const {
    std::int64_t first = INT64_MAX;
    for (const auto& status : runtime_->status())
        if (status->ours) first = std::min(first, status->next_due_micros.load());
    if (first == INT64_MAX) return std::nullopt;
    return ReceivedTime(first);
}

std::size_t SimProcess::largest_store() const {
    std::size_t most = 0;
    for (const auto& status : runtime_->status())
        if (status->ours) most = std::max<std::size_t>(most, status->entity_bytes.load());
    return most;
}

}  // namespace vitalog::simulation
