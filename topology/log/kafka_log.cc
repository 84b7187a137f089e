#include "topology/log/kafka_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "topology/log/kafka/committer.h"
#include "topology/log/kafka/elsewhere.h"
#include "topology/log/kafka/feed_door.h"
#include "topology/log/kafka/layout.h"
#include "topology/log/kafka/positions.h"
#include "topology/log/kafka/standby.h"
#include "topology/log/stored_position.h"
#include "topology/log/topic_config.h"

namespace vitalog::topology {
namespace {

using namespace kafka;

constexpr std::string_view kDuty = "duty";  // the group of whoever sends and raises alarms
constexpr std::uint64_t kWalBytesMax = std::uint64_t{512} << 20;
constexpr int kBackgroundJobs = 2;
// As Kafka's own delivery.timeout.ms: a record that is given up and sent again may come twice, as no
// producer without transactions fences the one before it.
constexpr std::chrono::minutes kDeliveryMax{2};

/// What the cluster does not answer now it may answer later.
template <class T>
Result<T> later(Result<T> result) {
    if (result || result.error().code() != Errc::Io) return result;
    return fail(Errc::Busy, result.error().message());
}

}  // namespace

class KafkaLog::Impl {
  public:
    explicit Impl(Options given) : options(std::move(given)) {}

    Result<void> open();
    const Stage* stage_of(std::string_view name, const TopicPartition& input) const;
    Result<std::unique_ptr<ShardLog>> open_shard(std::string_view stage,
                                                 const TopicPartition& input);

    /// Of what the data directory knows of a reader: a cluster forgets the offsets of groups
    /// without members some days after they were stored, however alive the reader is.
    std::string reader_key(std::string_view reader, const TopicPartition& tp) const {
        return reader_group(options, reader) + '\0' + to_string(tp);
    }

    const Options options;
    Activity activity;
    Asker asker{asking(options)};
    std::unique_ptr<LocalState> local;
    std::unique_ptr<Reader> reader;
    std::map<std::string, std::unique_ptr<Membership>, std::less<>> members;  // by stage
    std::unique_ptr<Membership> duty;
    std::unique_ptr<Elsewhere> elsewhere;
    std::unique_ptr<Committer> committer;
    std::unique_ptr<FeedDoor> door;
    std::unique_ptr<Copies> copies;
    std::unique_ptr<Standby> standby;

  private:
    Result<void> begin_work();
    Result<void> prepare_topics();
    Result<void> open_local();
    Result<void> join_groups();
    Committer::Options committing(const std::string& instance) const;
    void keep_copies();
    Result<std::unique_ptr<Membership>> join(std::string_view name,
                                             std::vector<std::string> topics);
};

namespace {

class KafkaShard final : public ShardLog {
  public:
    KafkaShard(Committer& committer, Copies& copies, std::unique_ptr<RocksBackend> backend,
               Ticket ticket, ShardPosition position)
        : committer_(committer),
          copies_(copies),
          backend_(std::move(backend)),
          ticket_(std::move(ticket)),
          position_(std::move(position)) {}
    ~KafkaShard() override {
        committer_.withdraw(ticket_);
        copies_.release(ticket_.shard);
    }

    const ShardPosition& position() const override { return position_; }
    const state::Backend& state() const override { return *backend_; }

    CommitOutcome commit(const Commit& commit, std::optional<Error>& error) override {
        if (ticket_.commit == nullptr) {
            ticket_.commit = &commit;
            committer_.submit(ticket_);
            return CommitOutcome::Pending;
        }
        VITALOG_ASSERT(ticket_.commit == &commit, "a commit stays while it is pending");
        const CommitOutcome outcome = committer_.outcome(ticket_, error);
        if (outcome == CommitOutcome::Pending) return outcome;
        ticket_.commit = nullptr;
        if (outcome == CommitOutcome::Committed)
            position_ = {
                position_.generation, commit.committed, commit.checkpoint, commit.logic, {}};
        return outcome;
    }

  private:
    Committer& committer_;
    Copies& copies_;
    const std::unique_ptr<RocksBackend> backend_;
    Ticket ticket_;
    ShardPosition position_;
};

}  // namespace

Result<void> KafkaLog::Impl::open() {
    VITALOG_CHECK(check_topics(options.topics));
    VITALOG_ASSERT(options.clock != nullptr || options.reads_only, "a log that works has a clock");
    log_library_version();
    if (!options.reads_only) VITALOG_CHECK(prepare_topics());
    if (!options.path.empty()) VITALOG_CHECK(open_local());
    reader = std::make_unique<Reader>(Reader::Options{connection(options), options.window_bytes},
                                      activity);
    add_topics(*reader, options);
    return options.reads_only ? Result<void>() : begin_work();
}

/// The transactions of a process of this site.
Committer::Options KafkaLog::Impl::committing(const std::string& instance) const {
    return {.producer = producer_options(options, stage_group(options, instance)),
            .metrics = options.metrics};
}

Result<void> KafkaLog::Impl::begin_work() {
    VITALOG_TRY(committer, Committer::start(committing(options.instance),
                                            {*reader, *local, activity, *options.clock}));
    FeedDoor::Options feeds;
    feeds.producer = producer_options(options, "");
    feeds.producer.timeout = kDeliveryMax;
    feeds.queue.queue_records = options.append_queue_records;
    feeds.queue.queue_bytes = options.append_queue_bytes;
    feeds.ledger = options.ledger;
    feeds.topics = options.topics;
    feeds.clock = options.clock;
    VITALOG_TRY(door, FeedDoor::open(std::move(feeds), *reader, *local));
    return join_groups();
}

Result<void> KafkaLog::Impl::prepare_topics() {
    VITALOG_TRY(const auto admin, asker.client());
    VITALOG_TRY(const bool moving, has_topic(admin.get(), move_mark(options)));
    if (moving)
        return fail(Errc::Conflict,
                    fmt::format("a site is being moved into these topics and is not whole yet: run "
                                "`vitalog migrate` to its end, or delete topic {} and all topics "
                                "of the site to begin with an empty one",
                                move_mark(options)));
    return ensure_topics(admin.get(), cluster_topics(options), cluster_settings(options));
}

Result<void> KafkaLog::Impl::open_local() {
    VITALOG_TRY(const auto admin, asker.client());
    VITALOG_TRY(const std::string cluster, cluster_id(admin.get()));
    VITALOG_TRY(local, LocalState::open(options.path, cluster,
                                        {.block_cache_bytes = options.block_cache_bytes,
                                         .write_buffer_bytes = options.write_buffer_bytes,
                                         .wal_bytes_max = kWalBytesMax,
                                         .background_jobs = kBackgroundJobs}));
    return {};
}

Result<std::unique_ptr<Membership>> KafkaLog::Impl::join(std::string_view name,
                                                         std::vector<std::string> topics) {
    Membership::Options joining;
    joining.properties = connection(options);
    joining.group = stage_group(options, name);
    joining.instance = options.instance;
    joining.topics = std::move(topics);
    joining.session = options.session;
    joining.leased = name == kDuty;
    return Membership::join(std::move(joining), activity);
}

Result<void> KafkaLog::Impl::join_groups() {
    std::vector<Elsewhere::Group> groups;
    for (const Stage& stage : options.stages) {
        Elsewhere::Group& group =
            groups.emplace_back(Elsewhere::Group{stage_group(options, stage.name), {}, nullptr});
        for (const TopicConfig& topic : options.topics)
            for (std::uint32_t p = 0; p < topic.partitions; ++p)
                if (std::ranges::find(stage.inputs, topic.name) != stage.inputs.end())
                    group.partitions.push_back({topic.name, Partition(p)});
        if (std::ranges::find(options.runs, stage.name) == options.runs.end()) continue;
        VITALOG_TRY(auto member, join(stage.name, stage.inputs));
        group.member = member.get();
        members[stage.name] = std::move(member);
    }
    if (!options.duty_topic.empty()) {
        VITALOG_TRY(duty, join(kDuty, {options.duty_topic}));
    }
    elsewhere = std::make_unique<Elsewhere>(asker, std::move(groups), activity);
    keep_copies();
    return {};
}

void KafkaLog::Impl::keep_copies() {
    std::vector<ShardPlace> places;
    Standby::Options standing;
    standing.instance = options.instance;
    standing.standbys = options.standbys;
    standing.metrics = options.metrics;
    standing.clear_up = [this](const std::string& instance) {
        return Committer::end_transactions(committing(instance));
    };
    for (const Stage& stage : options.stages) {
        const auto member = members.find(stage.name);
        if (member == members.end()) continue;
        std::vector<std::string> shards;
        for (const std::string& topic : stage.inputs)
            for (std::uint32_t p = 0; p < kafka::partitions(options, topic); ++p) {
                const TopicPartition input{topic, Partition(p)};
                shards.push_back(shard_position_key(stage.name, input));
                places.push_back({shards.back(), input,
                                  snapshots_of(options, stage.name, input.partition),
                                  stage.stateful, member->second.get()});
            }
        if (stage.stateful)
            standing.stages.push_back({stage_group(options, stage.name), std::move(shards)});
    }
    copies = std::make_unique<Copies>(
        places, CopyPorts{*reader, asker, *local, *options.clock, options.metrics}, activity);
    standby = std::make_unique<Standby>(std::move(standing), asker, *copies);
}

const KafkaLog::Stage* KafkaLog::Impl::stage_of(std::string_view name,
                                                const TopicPartition& input) const {
    const auto stage = std::ranges::find(options.stages, name, &Stage::name);
    if (stage == options.stages.end() || !reader->knows(input)) return nullptr;
    return std::ranges::find(stage->inputs, input.topic) == stage->inputs.end() ? nullptr : &*stage;
}

Result<std::unique_ptr<ShardLog>> KafkaLog::Impl::open_shard(std::string_view name,
                                                             const TopicPartition& input) {
    const Stage* stage = stage_of(name, input);
    const auto member = members.find(name);
    if (!stage || member == members.end())
        return fail(Errc::NotFound,
                    fmt::format("this process has no stage {} of {}", name, to_string(input)));
    Ticket ticket;
    ticket.input = input;
    ticket.snapshots = snapshots_of(options, name, input.partition);
    ticket.shard = shard_position_key(name, input);
    ticket.member = member->second.get();
    ticket.holding = ticket.member->holding(input);
    if (ticket.holding == 0)
        return fail(Errc::Busy,
                    fmt::format("{} of {} is not this process's", name, to_string(input)));
    VITALOG_TRY(auto resumed, later(copies->open(ticket.shard, ticket.holding)));
    if (!resumed) return nullptr;
    ticket.written = resumed->snapshots;
    auto backend = local->backend(ticket.shard);
    return std::make_unique<KafkaShard>(*committer, *copies, std::move(backend), std::move(ticket),
                                        std::move(resumed->position));
}

KafkaLog::KafkaLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaLog::~KafkaLog() = default;

Result<std::unique_ptr<KafkaLog>> KafkaLog::open(Options options) {
    auto impl = std::make_unique<Impl>(std::move(options));
    VITALOG_CHECK(impl->open());
    return std::unique_ptr<KafkaLog>(new KafkaLog(std::move(impl)));
}

KafkaLog::Stats KafkaLog::stats() const {
    const Rocks::Memory memory = impl_->local->memory();
    return {impl_->reader->memory_bytes(), memory.write_buffers, memory.block_cache,
            memory.table_readers};
}

std::vector<TopicConfig> KafkaLog::topics() const {
    return impl_->options.topics;
}

Ownership KafkaLog::ownership(std::string_view stage, const TopicPartition& input) const {
    const auto member = impl_->members.find(stage);
    return member == impl_->members.end() ? Ownership::Others : member->second->ownership(input);
}

Result<Offset> KafkaLog::committed(std::string_view stage, const TopicPartition& input) const {
    if (!impl_->elsewhere) {  // a log that was opened to read asks by itself
        VITALOG_TRY(const auto stored,
                    committed_offsets(impl_->asker, stage_group(impl_->options, stage), {input}));
        if (const auto found = stored.find(input); found != stored.end()) return found->second.next;
    } else if (const auto committed =
            impl_->elsewhere->committed(stage_group(impl_->options, stage), input))
        return *committed;
    return fail(Errc::NotFound, fmt::format("nobody runs {} of {} yet", stage, to_string(input)));
}

Duty KafkaLog::duty() const {
    if (!impl_->duty) return {};
    return impl_->duty->duty({impl_->options.duty_topic, Partition(0)});
}

Result<std::unique_ptr<ShardLog>> KafkaLog::open_shard(std::string_view stage,
                                                       const TopicPartition& input) {
    return impl_->open_shard(stage, input);
}

Generation KafkaLog::generation() const {
    return Generation(1);
}

Generation KafkaLog::generation_at(const TopicPartition& /*tp*/, Offset /*offset*/) const {
    return generation();
}

void KafkaLog::append(FeedRecord record, AppendDone done) {
    VITALOG_ASSERT(impl_->door != nullptr, "a log that was opened to read takes nothing");
    impl_->door->append(std::move(record), std::move(done));
}

std::uint32_t KafkaLog::partitions(std::string_view topic) const {
    const auto& topics = impl_->options.topics;
    const auto found = std::ranges::find(topics, topic, &TopicConfig::name);
    return found == topics.end() ? 0 : found->partitions;
}

Result<Offset> KafkaLog::begin_offset(const TopicPartition& tp) const {
    return later(impl_->reader->begin(tp));
}

Result<Offset> KafkaLog::end_offset(const TopicPartition& tp) const {
    return later(impl_->reader->end(tp));
}

Result<void> KafkaLog::read(const TopicPartition& tp, Offset from, std::size_t max_bytes,
                            RecordBatch& out) const {
    return later(impl_->reader->read(tp, from, max_bytes, out));
}

/// What can be read is committed, and so replicated.
Result<void> KafkaLog::sync() {
    return {};
}

std::uint64_t KafkaLog::activity() const {
    return impl_->activity.count();
}

void KafkaLog::wait(std::uint64_t seen, std::chrono::milliseconds timeout) const {
    impl_->activity.wait(seen, timeout);
}

Result<std::optional<Offset>> KafkaLog::load_position(std::string_view reader,
                                                      const TopicPartition& tp) const {
    if (!impl_->reader->knows(tp)) return unknown_partition(tp);
    VITALOG_TRY(const auto committed,
                committed_offsets(impl_->asker, reader_group(impl_->options, reader), {tp}));
    const auto found = committed.find(tp);
    if (found != committed.end()) return found->second.next;
    if (!impl_->local) return std::nullopt;
    VITALOG_TRY(const auto known, impl_->local->stand(impl_->reader_key(reader, tp)));
    if (!known) return std::nullopt;
    log_line("warn", "reader-position-forgotten",
             {{"group", reader_group(impl_->options, reader)},
              {"partition", to_string(tp)},
              {"offset", std::to_string(known->committed.value())},
              {"why", "the cluster dropped it (offsets.retention.minutes), this process knew it"}});
    return known->committed;
}

Result<void> KafkaLog::store_position(std::string_view reader, const TopicPartition& tp,
                                      Offset next) {
    if (!impl_->reader->knows(tp)) return unknown_partition(tp);
    VITALOG_CHECK(store_offset(impl_->asker, reader_group(impl_->options, reader), tp, next));
    if (!impl_->local) return {};
    const std::string key = impl_->reader_key(reader, tp);
    return impl_->local->apply({}, impl_->options.clock->now(), {{&key, next, {}}});
}

}  // namespace vitalog::topology
