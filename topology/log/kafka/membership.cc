#include "topology/log/kafka/membership.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "schemas/base/ports.h"

namespace vitalog::topology::kafka {
namespace {

constexpr int kPollMs = 100;
constexpr int kFencedAgain = 6;  // sessions

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

Lease::Time since_boot() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::string written(const rd_kafka_consumer_group_metadata_t& metadata) {
    void* bytes = nullptr;
    std::size_t size = 0;
    const Failure failure(rd_kafka_consumer_group_metadata_write(&metadata, &bytes, &size));
    if (failure) return {};
    std::string text(static_cast<const char*>(bytes), size);
    rd_kafka_mem_free(nullptr, bytes);
    return text;
}

}  // namespace

std::optional<std::int32_t> generation_in(const rd_kafka_consumer_group_metadata_t& metadata,
                                          const std::string& group, const std::string& member,
                                          const std::string& instance) {
    const std::string text = written(metadata);
    const std::size_t mark = text.find(':');
    std::int32_t generation = -1;
    if (mark == std::string::npos || text.size() < mark + 1 + sizeof generation)
        return std::nullopt;
    std::memcpy(&generation, text.data() + mark + 1, sizeof generation);
    const std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                          DestroyedBy<rd_kafka_consumer_group_metadata_destroy>>
        same(rd_kafka_consumer_group_metadata_new_with_genid(group.c_str(), generation,
                                                             member.c_str(), instance.c_str()));
    if (generation < 0 || written(*same) != text) return std::nullopt;
    return generation;
}

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
                                           {.rebalanced = on_rebalance,
                                            .committed = options_.leased ? on_answer : nullptr,
                                            .opaque = this}));
    rd_kafka_poll_set_consumer(consumer.get());
    const Partitions topics(
        rd_kafka_topic_partition_list_new(static_cast<int>(options_.topics.size())));
    for (const std::string& topic : options_.topics)
        rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    if (const auto code = rd_kafka_subscribe(consumer.get(), topics.get());
        code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return tl::unexpected(to_error(code, "cannot join group " + options_.group));
    consumer_ = std::move(consumer);
    return {};
}

void Membership::poll() {
    while (!stopping_) {
        if (options_.leased) renew();
        rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_.get(), kPollMs);
        if (message == nullptr) continue;
        const auto code = message->err;
        rd_kafka_message_destroy(message);
        if (code != RD_KAFKA_RESP_ERR__FATAL) continue;
        enter_again(fenced());
    }
}

/// The question of the lease: to store an offset, which a group takes from its members alone.
/// Nobody reads from there.
void Membership::renew() {
    std::vector<TopicPartition> held;
    {
        const std::lock_guard lock(mutex_);
        held = holdings_.held();
        if (held.empty() || !lease_.begin(since_boot())) return;
    }
    const Partitions offsets(rd_kafka_topic_partition_list_new(static_cast<int>(held.size())));
    for (const TopicPartition& tp : held) add_partition(*offsets, tp)->offset = 0;
    if (rd_kafka_commit(consumer_.get(), offsets.get(), 1) == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const std::lock_guard lock(mutex_);
    lease_.answered(false);
}

void Membership::on_answer(rd_kafka_t* /*consumer*/, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t* /*list*/, void* self) {
    auto& member = *static_cast<Membership*>(self);
    {
        const std::lock_guard lock(member.mutex_);
        member.lease_.answered(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    member.activity_.bump();
}

/// Another member came under our name. It may be ourselves: a coordinator that answers late lets
/// the same process join twice, and one that has just come up may get a question of ours from
/// before it knew us. True when it comes again and again.
bool Membership::fenced() {
    std::array<char, 256> text{};
    const auto cause = rd_kafka_fatal_error(consumer_.get(), text.data(), text.size());
    const auto now = std::chrono::steady_clock::now();
    const bool again = fenced_ && now - *fenced_ < kFencedAgain * options_.session;
    fenced_ = now;
    {
        const std::lock_guard lock(mutex_);
        holdings_.clear();
        lease_.forget();
    }
    log_line(
        again ? "error" : "warn", "kafka-fenced",
        {{"group", options_.group},
         {"instance", options_.instance},
         {"error", rd_kafka_err2name(cause)},
         {"why", std::string(text.data()) + (again ? ": give each process a log.instance of its own"
                                                   : ": enters again")}});
    activity_.bump();
    return again;
}

/// `later`: after a session's time, so that two processes of one name do not drive one another out
/// all the time.
void Membership::enter_again(bool later) {
    for (; !stopping_; later = true) {
        const auto until = std::chrono::steady_clock::now() +
                           (later ? options_.session : std::chrono::milliseconds(0));
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
        member.assigned(consumer, *list);
        return;
    }
    member.revoked(rd_kafka_assignment_lost(consumer) != 0);
    rd_kafka_assign(consumer, nullptr);
}

void Membership::assigned(rd_kafka_t* consumer, const rd_kafka_topic_partition_list_t& list) {
    const std::shared_ptr<char> id(rd_kafka_memberid(consumer),
                                   [](char* text) { rd_kafka_mem_free(nullptr, text); });
    Metadata metadata(rd_kafka_consumer_group_metadata(consumer),
                      rd_kafka_consumer_group_metadata_destroy);
    if (!metadata) return;  // the consumer is being closed
    const auto generation =
        generation_in(*metadata, options_.group, id ? id.get() : "", options_.instance);
    std::vector<TopicPartition> partitions;
    for (int i = 0; i < list.cnt; ++i) partitions.push_back(partition_in(list.elems[i]));
    {
        const std::lock_guard lock(mutex_);
        holdings_.assigned(generation, partitions);
        metadata_ = std::move(metadata);
    }
    log_line("info", "kafka-assigned",
             {{"group", options_.group},
              {"generation", generation ? std::to_string(*generation) : "unknown"},
              {"partitions", std::to_string(list.cnt)}});
    activity_.bump();
}

void Membership::revoked(bool lost) {
    {
        const std::lock_guard lock(mutex_);
        holdings_.revoked(lost);
    }
    log_line("info", "kafka-revoked", {{"group", options_.group}, {"lost", lost ? "yes" : "no"}});
    activity_.bump();
}

Ownership Membership::ownership(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    return holdings_.ownership(tp);
}

std::uint64_t Membership::holding(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    return holdings_.holding(tp);
}

Duty Membership::duty(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    return {holdings_.holding(tp),
            holdings_.ownership(tp) == Ownership::Ours && lease_.holds(since_boot())};
}

}  // namespace vitalog::topology::kafka
