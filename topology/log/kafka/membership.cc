#include "topology/log/kafka/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

constexpr int kPollMs = 100;

Properties joining(const Membership::Options& options) {
    Properties properties = options.properties;
    properties["group.id"] = options.group;
    properties["group.instance.id"] = options.instance;
    properties["session.timeout.ms"] = std::to_string(options.session.count());
    properties["heartbeat.interval.ms"] =
        std::to_string(std::max<std::int64_t>(options.session.count() / 5, 200));
    // Eager: moving partitions one by one loses assignments when commits meet it, up to
    // librdkafka 2.10.0.
    properties["partition.assignment.strategy"] = "range";
    properties["isolation.level"] = "read_committed";
    properties["enable.auto.commit"] = "false";
    properties["enable.auto.offset.store"] = "false";
    return properties;
}

}  // namespace

Result<std::unique_ptr<Membership>> Membership::join(Options options, Activity& activity) {
    std::unique_ptr<Membership> member(new Membership(std::move(options), activity));
    VITALOG_CHECK(member->enter());
    member->thread_ = std::thread([self = member.get()] { self->poll(); });
    return member;
}

Membership::~Membership() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    // A static member that closes leaves its partitions to itself until the session's time-out.
    if (consumer_) rd_kafka_consumer_close(consumer_.get());
}

Result<void> Membership::enter() {
    VITALOG_TRY(auto consumer, make_client(RD_KAFKA_CONSUMER, joining(options_),
                                           {.rebalanced = on_rebalance, .opaque = this}));
    rd_kafka_poll_set_consumer(consumer.get());
    const Partitions topics(
        rd_kafka_topic_partition_list_new(static_cast<int>(options_.topics.size())));
    for (const std::string& topic : options_.topics)
        rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (const auto code = rd_kafka_subscribe(consumer.get(), topics.get());
        code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tl::unexpected(to_error(code, "cannot join group " + options_.group));
    const std::lock_guard lock(consumer_mutex_);
    consumer_ = std::move(consumer);
    return {};
}

void Membership::poll() {
    while (!stopping_) {
        polled_ns_ = std::chrono::steady_clock::now().time_since_epoch().count();
        rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_.get(), kPollMs);
        if (message == nullptr) continue;
        const auto code = message->err;
        rd_kafka_message_destroy(message);
        if (code != RD_KAFKA_RESP_ERR__FATAL) continue;
        fenced();
        enter_again();
    }
}

/// Another member came under our name. It may be ourselves: a coordinator that answers late lets
/// the same process join twice.
void Membership::fenced() {
    std::array<char, 256> text{};
    const auto cause = rd_kafka_fatal_error(consumer_.get(), text.data(), text.size());
    {
        const std::lock_guard lock(mutex_);
        held_.clear();
        before_.clear();
        moving_ = false;
    }
    log_line("error", "kafka-fenced",
             {{"group", options_.group},
              {"instance", options_.instance},
              {"error", rd_kafka_err2name(cause)},
              {"why", std::string(text.data()) + ": give each process a log.instance of its own"}});
    activity_.bump();
}

/// After a session's time, so that two processes of one name do not drive one another out all the
/// time.
void Membership::enter_again() {
    while (!stopping_) {
        const auto until = std::chrono::steady_clock::now() + options_.session;
        while (!stopping_ && std::chrono::steady_clock::now() < until)
            rest(std::chrono::milliseconds(kPollMs));
        if (stopping_) return;
        const auto entered = enter();
        if (entered) return;
        log_line("warn", "kafka-not-joined", {{"error", entered.error().to_string()}});
    }
}

/// Does nothing slow: shards look at holding() before each step and each commit.
void Membership::on_rebalance(rd_kafka_t* consumer, rd_kafka_resp_err_t code,
                              rd_kafka_topic_partition_list_t* list, void* self) {
    auto& member = *static_cast<Membership*>(self);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = RD_KAFKA_OFFSET_END;
        rd_kafka_assign(consumer, list);
        rd_kafka_pause_partitions(consumer, list);
        std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                        DestroyedBy<rd_kafka_consumer_group_metadata_destroy>>
            metadata(rd_kafka_consumer_group_metadata(consumer));
        member.assigned(*list, std::move(metadata));
        return;
    }
    member.revoked(rd_kafka_assignment_lost(consumer) != 0);
    rd_kafka_assign(consumer, nullptr);
}

/// What we held until the revocation just before is held on: nobody else can have had it in
/// between.
void Membership::assigned(const rd_kafka_topic_partition_list_t& list, Metadata metadata) {
    {
        const std::lock_guard lock(mutex_);
        ++number_;
        metadata_ = std::move(metadata);
        for (int i = 0; i < list.cnt; ++i) {
            const TopicPartition tp = partition_in(list.elems[i]);
            const auto kept = before_.find(tp);
            held_[tp] = kept == before_.end() ? number_ : kept->second;
        }
        before_.clear();
        moving_ = false;
    }
    log_line("info", "kafka-assigned",
             {{"group", options_.group}, {"partitions", std::to_string(list.cnt)}});
    activity_.bump();
}

void Membership::revoked(bool lost) {
    {
        const std::lock_guard lock(mutex_);
        before_ = lost ? decltype(before_)() : held_;
        held_.clear();
        moving_ = true;
    }
    log_line("info", "kafka-revoked", {{"group", options_.group}, {"lost", lost ? "yes" : "no"}});
    activity_.bump();
}

Ownership Membership::ownership(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    if (held_.contains(tp)) return Ownership::Ours;
    return moving_ ? Ownership::Undecided : Ownership::Others;
}

std::uint64_t Membership::holding(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    for (const auto* holding : {&held_, &before_})
        if (const auto found = holding->find(tp); found != holding->end()) return found->second;
    return 0;
}

bool Membership::awake() const {
    const std::chrono::nanoseconds since(
        std::chrono::steady_clock::now().time_since_epoch().count() - polled_ns_);
    return since < options_.session / 2;
}

}  // namespace vitalog::topology::kafka
