#include "topology/log/kafka/committer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace vitalog::topology::kafka {
namespace {

constexpr std::chrono::milliseconds kOpenAgain{500};
constexpr std::chrono::milliseconds kRetryAfter{20};
constexpr std::string_view kMetadata =
    "vitalog/1 generation={} checkpoint={} logic={} snapshots={}";
constexpr char kKept = 'v';

/// The member is no longer who the group thinks it is: its partitions went to others.
bool lost_membership(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

bool still_held(const Ticket* ticket) {
    return ticket->member->holding(ticket->input) == ticket->holding;
}

std::string_view name_of(CommitOutcome outcome) {
    switch (outcome) {
        case CommitOutcome::Committed:
            return "committed";
        case CommitOutcome::Pending:
            return "pending";
        case CommitOutcome::Aborted:
            return "aborted";
        case CommitOutcome::Unknown:
            return "unknown";
    }
    return "";
}

/// The text beside a shard's offset. It goes before the snapshots of its transaction, which take at
/// least one offset each.
std::string metadata_of(const Ticket& ticket) {
    const Commit& commit = *ticket.commit;
    const Offset written(ticket.written.value() + static_cast<std::int64_t>(commit.state.size()));
    return encode_metadata(
        {{Generation(1), commit.committed, commit.checkpoint, commit.logic, {}}, written});
}

/// The number behind `name=` in the text.
template <class Number>
bool read_number(std::string_view text, std::string_view name, Number& number) {
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return false;
    const char* begin = text.data() + at + name.size();
    return std::from_chars(begin, text.data() + text.size(), number).ec == std::errc();
}

}  // namespace

std::optional<std::string> snapshot_value(const state::Write& write) {
    if (!write.value) return std::nullopt;
    return kKept + *write.value;
}

state::Write snapshot_of(const RecordView& record) {
    state::Write write{std::string(record.key), std::nullopt};
    if (!record.value.empty()) write.value = record.value.substr(1);
    return write;
}

std::string encode_metadata(const GroupPosition& group) {
    const ShardPosition& position = group.position;
    return fmt::format(kMetadata, position.generation.value(), position.checkpoint.value(),
                       position.logic, group.snapshots.value());
}

Result<GroupPosition> decode_metadata(Offset committed, std::string_view text) {
    GroupPosition group;
    std::uint32_t generation = 0;
    std::int64_t checkpoint = 0;
    std::int64_t snapshots = 0;
    if (!text.starts_with("vitalog/1 ") || !read_number(text, "generation=", generation) ||
        !read_number(text, "checkpoint=", checkpoint) ||
        !read_number(text, "logic=", group.position.logic) ||
        !read_number(text, "snapshots=", snapshots))
        return fail(Errc::Damaged,
                    fmt::format("the metadata of a committed offset is not ours: '{}'", text));
    group.position.generation = Generation(generation);
    group.position.committed = committed;
    group.position.checkpoint = Offset(checkpoint);
    group.snapshots = Offset(snapshots);
    return group;
}

Result<std::unique_ptr<Committer>> Committer::start(Options options, Ports ports) {
    VITALOG_ASSERT(options.threads <= options.producers,
                   "a thread of the committer has no producer");
    std::unique_ptr<Committer> committer(new Committer(std::move(options), ports));
    // All at the start, so that what an earlier run left open is ended before anything is restored.
    for (std::size_t i = 0; i < committer->options_.producers; ++i) {
        auto session = std::make_unique<Session>();
        session->index = i;
        VITALOG_CHECK(committer->open(*session));
        committer->rested_.push_back(std::move(session));
    }
    for (std::size_t i = 0; i < committer->options_.threads; ++i)
        committer->threads_.emplace_back([self = committer.get()] { self->run(); });
    return committer;
}

Committer::~Committer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wanted_.notify_all();
    for (auto& thread : threads_) thread.join();
}

Producer::Options Committer::named(const Options& options, std::size_t index) {
    Producer::Options producer = options.producer;
    producer.transactional_id += "." + std::to_string(index);
    return producer;
}

Result<void> Committer::end_transactions(const Options& theirs) {
    for (std::size_t i = 0; i < theirs.producers; ++i)
        VITALOG_CHECK(Producer::open(named(theirs, i)));
    return {};
}

Result<void> Committer::open(Session& session) {
    VITALOG_TRY(session.producer, Producer::open(named(options_, session.index)));
    session.delivered = {};
    if (options_.metrics) options_.metrics->count("vitalog_producers_opened_total", {});
    return {};
}

/// Until the cluster lets it; false when we stop before that.
bool Committer::open_again(Session& session) {
    while (true) {
        const auto opened = open(session);
        if (opened) return true;
        log_line("warn", "kafka-producer", {{"error", opened.error().to_string()}});
        std::unique_lock lock(mutex_);
        if (wanted_.wait_for(lock, kOpenAgain, [&] { return stopping_; })) return false;
    }
}

void Committer::submit(Ticket& ticket) {
    {
        const std::lock_guard lock(mutex_);
        ticket.state = Ticket::State::Waiting;
        waiting_.push_back(&ticket);
    }
    wanted_.notify_one();
}

CommitOutcome Committer::outcome(Ticket& ticket, std::optional<Error>& error) {
    const std::lock_guard lock(mutex_);
    if (ticket.state != Ticket::State::Done) return CommitOutcome::Pending;
    ticket.state = Ticket::State::Idle;
    error = std::move(ticket.error);
    return ticket.outcome;
}

void Committer::withdraw(Ticket& ticket) {
    std::unique_lock lock(mutex_);
    std::erase(waiting_, &ticket);
    if (ticket.state == Ticket::State::Waiting) ticket.state = Ticket::State::Idle;
    done_.wait(lock, [&] { return ticket.state != Ticket::State::Running; });
}

void Committer::run() {
    while (true) {
        std::unique_ptr<Session> session;
        Tickets tickets;
        {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
            if (stopping_) return;
            session = std::move(rested_.front());
            rested_.pop_front();
            tickets.assign(waiting_.begin(), waiting_.end());
            waiting_.clear();
            for (Ticket* ticket : tickets) ticket->state = Ticket::State::Running;
        }
        carry(*session, tickets);
        if (!session->producer && !open_again(*session)) return;
        const std::lock_guard lock(mutex_);
        rested_.push_back(std::move(session));
    }
}

/// A shard that moved to another process since it was opened commits nothing more.
void Committer::drop_moved(Tickets& tickets) {
    const auto moved = std::stable_partition(tickets.begin(), tickets.end(), still_held);
    const Tickets gone(moved, tickets.end());
    tickets.erase(moved, tickets.end());
    if (!gone.empty())
        finish(gone, CommitOutcome::Unknown,
               Error(Errc::Conflict, "the shard has gone to another process"));
}

void Committer::carry(Session& session, Tickets& tickets) {
    drop_moved(tickets);
    if (tickets.empty()) return;
    const auto began = std::chrono::steady_clock::now();
    std::optional<Error> error;
    const CommitOutcome outcome = attempt(session, tickets, error);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    count(outcome, took.count());
    if (error)
        log_line("warn", "kafka-transaction",
                 {{"outcome", std::string(name_of(outcome))},
                  {"shards", std::to_string(tickets.size())},
                  {"error", error->to_string()}});
    if (outcome == CommitOutcome::Aborted && session.lost != nullptr) {
        const auto others =
            std::stable_partition(tickets.begin(), tickets.end(),
                                  [&](const Ticket* t) { return t->member == session.lost; });
        finish({tickets.begin(), others}, CommitOutcome::Unknown, error);
        finish({others, tickets.end()}, outcome,
               Error(Errc::Busy, "another stage's shards have moved"));
        return;
    }
    finish(tickets, outcome, error);
}

template <class Step>
auto Committer::timed(std::string_view name, Step step) const {
    const auto began = std::chrono::steady_clock::now();
    auto result = step();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (options_.metrics)
        options_.metrics->observe("vitalog_transaction_step_seconds", {{"step", std::string(name)}},
                                  took.count());
    return result;
}

CommitOutcome Committer::attempt(Session& session, const Tickets& tickets,
                                 std::optional<Error>& error) {
    session.lost = nullptr;
    if (const auto filled = fill(session, tickets); !filled) {
        error = filled.error();
        abort(session);
        return CommitOutcome::Aborted;
    }
    const CommitOutcome outcome = timed("end", [&] { return end(session, error); });
    if (outcome != CommitOutcome::Committed) return outcome;
    const auto kept = timed("keep", [&] { return keep(session, tickets); });
    if (kept) return outcome;
    error = kept.error();  // it stands in the cluster, and our copy lacks it
    return CommitOutcome::Unknown;
}

/// Positions first and by themselves: the cluster refuses to take in a group while it takes in
/// partitions, and the client asks again only 20 ms later.
Result<void> Committer::fill(Session& session, const Tickets& tickets) {
    session.delivered = {};
    VITALOG_CHECK(check(rd_kafka_begin_transaction(session.producer->client()),
                        "cannot begin a transaction"));
    VITALOG_CHECK(timed("positions", [&] { return send_offsets(session, tickets); }));
    return timed("records", [&] { return send_records(session, tickets); });
}

Result<void> Committer::send_records(Session& session, const Tickets& tickets) {
    for (const Ticket* ticket : tickets) {
        VITALOG_CHECK(send_outputs(session, *ticket->commit));
        for (const state::Write& write : ticket->commit->state) {
            const auto value = snapshot_value(write);
            VITALOG_CHECK(session.producer->send(
                ticket->snapshots, {clock_.now(), write.key, "", value}, session.delivered));
        }
    }
    return session.producer->settle(session.delivered);
}

Result<void> Committer::send_outputs(Session& session, const Commit& commit) {
    RecordBatch records;
    for (const PartitionOutput& output : commit.outputs) {
        if (output.block.empty()) continue;
        if (!reader_.knows(output.tp)) return unknown_partition(output.tp);
        const RecordBlock block = block_in_memory(Offset(), output.block);
        records.clear();
        VITALOG_CHECK(append_views(block, Offset(), block.count, records));
        for (const RecordView& record : records.records)
            VITALOG_CHECK(session.producer->send(
                output.tp, {record.timestamp, record.key, record.headers.encoded(), record.value},
                session.delivered));
    }
    return {};
}

Result<void> Committer::send_offsets(Session& session, const Tickets& tickets) {
    std::map<const Membership*, Tickets> by_group;
    for (Ticket* ticket : tickets) by_group[ticket->member].push_back(ticket);
    for (const auto& [member, theirs] : by_group)
        VITALOG_CHECK(send_offsets_of(session, *member, theirs));
    return {};
}

Result<void> Committer::send_offsets_of(Session& session, const Membership& member,
                                        const Tickets& tickets) {
    const Partitions offsets(rd_kafka_topic_partition_list_new(static_cast<int>(tickets.size())));
    for (Ticket* ticket : tickets) {
        auto* entry = add_partition(*offsets, ticket->input);
        entry->offset = ticket->commit->committed.value();
        ticket->metadata = metadata_of(*ticket);
        entry->metadata = ::strdup(ticket->metadata.c_str());  // the list frees it
        entry->metadata_size = ticket->metadata.size();
    }
    // In this order: what is still held now was held in that generation, and one that is over by
    // now the group refuses.
    const auto metadata = member.metadata();
    if (!metadata || !std::ranges::all_of(tickets, still_held)) {
        session.lost = &member;
        return fail(Errc::Busy, "this process does not have these shards of " + member.group());
    }
    const auto deadline = std::chrono::steady_clock::now() + session.producer->timeout();
    while (true) {
        const Failure failure(rd_kafka_send_offsets_to_transaction(
            session.producer->client(), offsets.get(), metadata.get(),
            static_cast<int>(kCallLimit.count())));
        if (!failure) return {};
        const auto code = rd_kafka_error_code(failure.get());
        const std::string what = "cannot commit positions of group " + member.group();
        if (lost_membership(code)) session.lost = &member;
        if (session.lost || !rd_kafka_error_is_retriable(failure.get()) ||
            std::chrono::steady_clock::now() >= deadline)
            return tl::unexpected(to_error(code, what));
        rest(kRetryAfter);
    }
}

CommitOutcome Committer::end(Session& session, std::optional<Error>& error) {
    const auto deadline = std::chrono::steady_clock::now() + session.producer->timeout();
    while (true) {
        const Failure failure(rd_kafka_commit_transaction(session.producer->client(),
                                                          static_cast<int>(kCallLimit.count())));
        if (!failure) return CommitOutcome::Committed;
        error = to_error(rd_kafka_error_code(failure.get()), "cannot commit a transaction");
        if (rd_kafka_error_txn_requires_abort(failure.get())) {
            abort(session);
            return CommitOutcome::Aborted;
        }
        if (rd_kafka_error_is_retriable(failure.get()) &&
            std::chrono::steady_clock::now() < deadline)
            continue;
        session.producer.reset();
        return CommitOutcome::Unknown;
    }
}

/// Nothing of the transaction will ever be seen. A producer that can't say so is dropped: who takes
/// its name next ends what it left.
void Committer::abort(Session& session) {
    if (!session.producer) return;
    const Failure failure(rd_kafka_abort_transaction(session.producer->client(),
                                                     static_cast<int>(kCallLimit.count())));
    if (!failure && session.delivered.missing == 0) return;
    if (options_.metrics) options_.metrics->count("vitalog_producers_fenced_total", {});
    session.producer.reset();
}

/// State follows the commit that covers it (law 7).
Result<void> Committer::keep(const Session& session, const Tickets& tickets) {
    const auto& ends = session.delivered.ends;
    std::vector<LocalState::Change> changes;
    std::vector<LocalState::Stand> stands;
    for (Ticket* ticket : tickets) {
        stands.push_back({&ticket->shard, ticket->commit->committed, std::move(ticket->metadata)});
        const auto end = ends.find(ticket->snapshots);
        if (end == ends.end()) continue;
        changes.push_back({&ticket->shard, &ticket->commit->state, end->second});
        ticket->written = end->second;
    }
    VITALOG_CHECK(local_.apply(changes, clock_.now(), stands));
    for (const auto& [tp, end] : ends) reader_.promised(tp, end);
    return {};
}

void Committer::finish(const Tickets& tickets, CommitOutcome outcome,
                       const std::optional<Error>& error) {
    {
        const std::lock_guard lock(mutex_);
        for (Ticket* ticket : tickets) {
            ticket->state = Ticket::State::Done;
            ticket->outcome = outcome;
            ticket->error = error;
        }
    }
    done_.notify_all();
    activity_.bump();
}

void Committer::count(CommitOutcome outcome, double seconds) const {
    if (!options_.metrics) return;
    options_.metrics->count("vitalog_transactions_total",
                            {{"outcome", std::string(name_of(outcome))}});
    options_.metrics->observe("vitalog_transaction_seconds", {}, seconds);
}

}  // namespace vitalog::topology::kafka
