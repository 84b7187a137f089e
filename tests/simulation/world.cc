#include "tests/simulation/world.h"

#include <algorithm>

#include "ingest/hl7/ack.h"
#include "schemas/events/message.h"
#include "schemas/events/task.h"
#include "schemas/json_decode.h"
#include "topology/stages/stage.h"
#include "topology/topics.h"

namespace vitalog::simulation {
namespace {

using schemas::Topic;
using std::chrono::microseconds;

constexpr int kSettleSweepsMax = 3000;  // a settled site needs some dozens
constexpr microseconds kSweep{1'000};
constexpr int kCommitSweeps =
    60;  // longer than any commit_delay: what was applied again is committed too
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr microseconds kRetention = std::chrono::minutes(5);
constexpr std::uint64_t kRetentionBytes = 1;  // what is not written to any more

Result<topology::Config> config_of(std::uint32_t partitions) {
    topology::Config::Sources sources;
    sources.flags = {{"log.partitions", std::to_string(partitions)},
                     {"topics.feed.directory.partitions", "1"},
                     {"topics.feed.decision.partitions", "1"},
                     {"topics.feed.receipt.partitions", "1"},
                     {"topics.feed.wearable.partitions", "1"},
                     {"topics.send.wechat.partitions", "1"},
                     {"site.authorities", "HIS,CARD"},
                     {"notify.mode", "live"},
                     {"notify.aliyun.url", "http://127.0.0.1:1"},
                     {"notify.wechat.url", "http://127.0.0.1:1"}};
    return topology::Config::load(sources);
}

/// Every seed has one of a few layouts.
const schemas::TopicNames& names_of(std::uint32_t partitions) {
    static std::map<std::uint32_t, schemas::TopicNames> known;
    const auto found = known.find(partitions);
    if (found != known.end()) return found->second;
    const auto config = config_of(partitions);
    VITALOG_ASSERT(config.has_value(), "the simulation's configuration is refused");
    return known[partitions] = topology::configured_names(*config);
}

/// RocksDB's retention is the product's; elsewhere the world drops what is old.
std::vector<topology::TopicConfig> topics_of(const schemas::TopicNames& names,
                                             const SeedOptions& options) {
    std::vector<topology::TopicConfig> topics;
    for (const auto& topic : schemas::kTopics) {
        const bool kept =
            options.kind != SimLog::Kind::RocksDb || !is_dropped(names.name(topic.topic));
        const bool by_size = !kept && options.drops_by_size;
        topics.push_back({names.name(topic.topic), names.partitions(topic.topic),
                          kept || by_size ? microseconds(0) : kRetention,
                          by_size ? kRetentionBytes : 0, topic.feed});
    }
    return topics;
}

bool is_used(Topic input) {
    return input != Topic::FeedLis && input != Topic::FeedPacs && input != Topic::FeedOperation;
}

}  // namespace

Result<SiteData> SiteData::load() {
    VITALOG_TRY(const auto config, config_of(2));
    VITALOG_TRY(auto zone, ingest::hl7::SiteZone::named(config.text("site.zone")));
    SiteData data{{}, {}, std::move(zone), {}};
    data.settings_body = config.processor_settings().to_body();
    VITALOG_TRY(data.publications, site_pack(data.settings_body));
    data.endpoint.feed = schemas::name_of(Topic::FeedHis);
    data.endpoint.dead_letter = schemas::name_of(Topic::DeadLetter);
    data.endpoint.authorities = config.list("site.authorities");
    return data;
}

World::World(const SeedOptions& options, SiteData& data, Trace& trace)
    : options_(options),
      data_(data),
      trace_(trace),
      random_(options.seed * 4 + 1),
      more_(options.seed * 4 + 1 + kMoreSeeds),
      latest_(options.seed * 4 + 1 + kLatestSeeds),
      now_(course_start()),
      parts_{names_of(options.partitions), {"sms", "wechat"}, true},
      log_(options.kind, topics_of(parts_.names, options), options.seed * 4 + 2, trace),
      site_clock_(now_),
      disasters_left_(options.disasters) {
    add_provider("aliyun", Topic::SendSms, options.seed * 4 + 3);
    add_provider("wechat", Topic::SendWechat, options.seed * 4 + 4);
    log_.set_faults(options.log);
}

World::~World() = default;

void World::add_provider(std::string name, Topic attempts, std::uint64_t seed) {
    auto on_disk = [this, topic = parts_.names.name(attempts)](std::string_view attempt) {
        return log_.on_disk(topic, attempt);
    };
    providers_.push_back(
        std::make_unique<SimProvider>(std::move(name), seed, trace_, std::move(on_disk)));
    providers_.back()->set_faults(options_.provider);
}

// ---- the course ----

Result<void> World::run() {
    auto done = run_course();
    if (done || !refused_) return done;
    trace_.say("  refused: {}", done.error().message());
    return {};
}

Result<void> World::run_course() {
    VITALOG_CHECK(begin());
    for (const Event& event : make_course(options_.seed, options_.course)) {
        VITALOG_CHECK(move_to(event.at));
        VITALOG_CHECK(happen(event));
        if (options_.one_by_one) {
            VITALOG_CHECK(settle(event.what));
            continue;
        }
        for (auto n = random_.pick(30); n > 0; --n) VITALOG_CHECK(turn());
    }
    calm();
    VITALOG_CHECK(settle("after the last disaster"));
    // What is in doubt is asked about, what waits is tried again, deadlines pass.
    for (const int minutes : {1, 2, 5, 10, 20, 40, 80, 24 * 60}) {
        now_ = now_ + microseconds(std::chrono::minutes(minutes));
        VITALOG_CHECK(settle("in the end"));
    }
    for (int n = 0; n < kCommitSweeps; ++n) VITALOG_CHECK(sweep());
    VITALOG_CHECK(settle("before memory is looked at"));
    VITALOG_CHECK(check_memory());
    VITALOG_CHECK(stop_all());
    return restart_log();
}

/// A shard that went away and came back unnoticed learns it at its last commit: the next start
/// recovers.
Result<void> World::stop_all() {
    Result<void> stopped;
    for (int tries = 0; tries < 4; ++tries) {
        stopped = {};
        for (auto& slot : slots_) {
            auto done = slot.process->stop();
            if (!done) stopped = std::move(done);
        }
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            slots_[i].process.reset();
            log_.forsake(static_cast<int>(i));
        }
        if (stopped) return {};
        for (int i = 0; i < options_.processes; ++i) VITALOG_CHECK(restart(i));
        VITALOG_CHECK(settle("a start after an unclean stop"));
    }
    return stopped;
}

Result<void> World::begin() {
    VITALOG_CHECK(publish_pack());
    for (int i = 0; i < options_.processes; ++i) {
        slots_.emplace_back();
        slots_.back().clock = std::make_unique<SimClock>(now_);
    }
    assignment_.give_duty(static_cast<int>(random_.pick(slots_.size())));
    for (SimLog::Shard* shard : all_shards()) {
        log_.give(*shard, static_cast<int>(random_.pick(slots_.size())));
        assignment_.owner[shard->stage + " of " + to_string(shard->input)] = shard->owner;
    }
    for (int i = 0; i < options_.processes; ++i) VITALOG_CHECK(restart(i));
    return settle("the start");
}

Result<void> World::publish_pack() {
    for (const auto& publication : data_.publications) {
        FeedRecord record;
        record.topic = parts_.names.name(Topic::FeedControl);
        record.key = publication.kind + "/" + publication.name;
        record.value = schemas::encode(schemas::Control{publication.kind, publication.name,
                                                        publication.version, publication.body});
        Headers::append(record.headers, header::kFormat, "json");
        record.received = now_;
        VITALOG_CHECK(log_.append(std::move(record)));
    }
    return {};
}

Result<void> World::move_to(LogTime at) {
    if (!options_.one_by_one) {
        now_ = std::max(now_, at);
        return {};
    }
    // By way of every timer that is due until then, so that what fires does not depend on who was
    // up when; and nothing is done again after time went on, when such a timer would be first.
    for (auto due = next_due(); due && due->as<LogTime>() <= at; due = next_due()) {
        VITALOG_CHECK(sync());
        now_ = std::max(now_, due->as<LogTime>());
        VITALOG_CHECK(settle("a timer"));
    }
    VITALOG_CHECK(sync());
    now_ = std::max(now_, at);
    return {};
}

Result<void> World::happen(const Event& event) {
    trace_.say("{} {}", to_rfc3339(now_), event.what);
    VITALOG_CHECK(door_clock_.set(std::max(event.at, door_clock_.now())));
    if (random_.chance(300)) VITALOG_CHECK(report());
    switch (event.kind) {
        case Event::Kind::Message:
            return receive(event);
        case Event::Kind::Record:
            return append(event);
        case Event::Kind::Decision:
            return decide(event);
        case Event::Kind::Setting: {
            schemas::Decoder decoder;
            VITALOG_TRY(auto settings, schemas::Settings::parse(data_.settings_body, decoder));
            settings.set(event.key, event.value);
            const std::string body = settings.to_body();
            const std::string version = fmt::format("{:016x}", hash64(body));
            Event control = event;
            control.topic = Topic::FeedControl;
            control.key = "settings/site";
            control.value = schemas::encode(schemas::Control{"settings", "site", version, body});
            control.format = "json";
            return append(control);
        }
        case Event::Kind::Wait:
            return {};
    }
    return {};
}

/// Appends by way of a process, again where no answer came. What has an answer is not lost.
Result<void> World::acknowledge(FeedRecord record, int through) {
    for (int tries = 0; tries < 50; ++tries) {
        std::optional<Result<AppendReceipt>> answer;
        const auto done = [&](Result<AppendReceipt> receipt) { answer = std::move(receipt); };
        if (through < 0 || !slots_[static_cast<std::size_t>(through)].process) {
            answer = log_.append(record);
        } else {
            VITALOG_CHECK(guard(through, [&]() -> Result<void> {
                slots_[static_cast<std::size_t>(through)].process->client().append(record, done);
                return {};
            }));
        }
        if (!answer) continue;
        if (!*answer) {
            if (!excused(answer->error())) return tl::unexpected(answer->error());
            VITALOG_CHECK(kill(0));
            continue;
        }
        const AppendReceipt& receipt = **answer;
        if (receipt.outcome == Appended::New || receipt.outcome == Appended::Reused)
            acknowledged_.push_back({receipt.tp, receipt.offset, record.value});
        return {};
    }
    return fail(Errc::Busy, "a sender gets no answer");
}

Result<void> World::receive(const Event& event) {
    using namespace ingest::mllp;
    Admission admission(data_.endpoint, data_.zone, ids_, door_clock_);
    Judgement judged = admission.judge({Frame::Kind::Message, event.value, event.value.size()});
    if (!judged.record) return {};
    return acknowledge(*std::move(judged.record), any_up());
}

Result<void> World::append(const Event& event) {
    FeedRecord record;
    record.topic = parts_.names.name(event.topic);
    record.key = event.key;
    record.value = event.value;
    Headers::append(record.headers, header::kFormat, event.format);
    Headers::append(record.headers, header::kEndpoint, "simulation");
    record.received = event.at;
    // Without a ledger a record sent again is there twice: no undisturbed run has it so.
    return acknowledge(std::move(record), options_.one_by_one ? -1 : any_up());
}

/// The draw-th of the tasks that can be read, open ones first.
std::optional<std::string> World::find_task(std::uint64_t draw) {
    std::map<std::string, bool> open;
    schemas::Decoder decoder;
    for (std::uint32_t p = 0; p < parts_.names.partitions(Topic::TaskBoard); ++p) {
        RecordBatch batch;
        const TopicPartition tp{parts_.names.name(Topic::TaskBoard), Partition(p)};
        for (Offset at(0);; at = batch.next) {
            if (!log_.read_all(tp, at, kReadBytes, batch) || batch.records.empty()) break;
            for (const auto& record : batch.records)
                if (const auto task = schemas::decode<schemas::TaskState>(record.value, decoder))
                    open[std::string(task->task)] =
                        task->status == schemas::TaskStatus::Requested ||
                        task->status == schemas::TaskStatus::Accepted;
        }
    }
    std::vector<std::string> wanted;
    for (const auto& [task, is_open] : open)
        if (is_open) wanted.push_back(task);
    if (wanted.empty())
        for (const auto& [task, is_open] : open) wanted.push_back(task);
    if (wanted.empty()) return std::nullopt;
    return wanted[draw % wanted.size()];
}

Result<void> World::decide(const Event& event) {
    using schemas::DecisionAction;
    const auto task = find_task(event.draw >> 8);
    if (!task) return {};
    constexpr std::array<DecisionAction, 6> kActions{
        DecisionAction::Accept, DecisionAction::Confirm, DecisionAction::Confirm,
        DecisionAction::Modify, DecisionAction::Reject,  DecisionAction::HandOver};
    const auto action = kActions[event.draw % kActions.size()];
    const std::string user = (event.draw >> 4) % 2 == 0 ? "dr.li" : "dr.wang";
    const std::string request = fmt::format("request-{:x}", event.draw);
    const std::string text = "Please see a doctor";
    const std::string to = "dr.zhao";
    Event record = event;
    record.topic = Topic::FeedDecision;
    record.key = *task;
    record.value = schemas::encode(
        schemas::Decision{*task, action, user, text, "the simulation wants it", to, request});
    record.format = "json";
    return append(record);
}

/// A provider says what became of a message: by the attempt, or by its own id alone; perhaps twice.
Result<void> World::report() {
    auto& provider = *random_.of(providers_);
    if (provider.sent().empty()) return {};
    auto& sent = provider.sent()[random_.pick(provider.sent().size())];
    if (sent.reported >= 2) return {};
    ++sent.reported;
    schemas::Receipt receipt;
    receipt.state =
        random_.chance(850) ? schemas::ReceiptState::Delivered : schemas::ReceiptState::Failed;
    receipt.provider = provider.name();
    receipt.provider_id = sent.id;
    receipt.at = now_.as<ReceivedTime>();
    FeedRecord record;
    record.topic = parts_.names.name(Topic::FeedReceipt);
    record.key = "provider|" + std::string(provider.name()) + "|" + sent.id;
    if (random_.chance(500)) {
        receipt.recipient = sent.recipient;
        receipt.intent = sent.intent;
        receipt.attempt = sent.attempt;
        record.key = sent.recipient;
    }
    record.value = schemas::encode(receipt);
    Headers::append(record.headers, header::kFormat, "json");
    Headers::append(record.headers, header::kEndpoint, "receipts");
    record.received = now_;
    return acknowledge(std::move(record), options_.one_by_one ? -1 : any_up());
}

// ---- how it goes on ----

std::vector<SimLog::Shard*> World::all_shards() {
    std::vector<SimLog::Shard*> shards;
    for (const auto& stage : topology::all_stages()) {
        if (!stage.make_processor) continue;
        for (const Topic input : stage.reads)
            for (std::uint32_t p = 0; is_used(input) && p < parts_.names.partitions(input); ++p)
                shards.push_back(&log_.shard(stage.name, {parts_.names.name(input), Partition(p)}));
    }
    return shards;
}

int World::any_up() {
    std::vector<int> up;
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (slots_[i].process && !slots_[i].asleep && !slots_[i].in_step)
            up.push_back(static_cast<int>(i));
    return up.empty() ? -1 : random_.of(up);
}

/// Runs what a process does; what ends it ends it alone.
Result<void> World::guard(int number, const std::function<Result<void>()>& work) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    slot.in_step = true;
    Result<void> result;
    bool died = false;
    try {
        result = work();
    } catch (const Died&) {
        died = true;
    }
    slot.in_step = false;
    if (died) return kill(number);
    if (result) return {};
    const bool stands_behind = slot.slept && result.error().code() == Errc::OutOfRange;
    refused_ |= lost_unread_ && result.error().code() == Errc::OutOfRange;
    if (refused_ || (!stands_behind && !excused(result.error())))
        return fail(result.error().code(),
                    fmt::format("p{} ended: {}", number, result.error().to_string()));
    trace_.say("  p{} ends: {}", number, result.error().message());
    return kill(number);
}

Result<void> World::step_process(int number, bool learns, bool senders) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    if (!slot.process || slot.asleep || slot.in_step) return {};
    SimClient& client = slot.process->client();
    if (learns && (client.view().version != assignment_.version || slot.slept)) {
        client.learn(assignment_);
        client.set_awake(true);
        client.set_moving(false);
    }
    VITALOG_CHECK(guard(number, [&]() -> Result<void> {
        if (senders) return slot.process->step_senders();
        VITALOG_CHECK(slot.process->step());
        return {};
    }));
    if (broken_) return tl::unexpected(*broken_);
    return {};
}

Result<void> World::turn() {
    ++turns_;
    now_ = now_ + microseconds(random_.pick(200));
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        Slot& slot = slots_[i];
        if (slot.process || slot.in_step) continue;
        if (--slot.down_for <= 0) VITALOG_CHECK(restart(static_cast<int>(i)));
    }
    const int number = static_cast<int>(random_.pick(slots_.size()));
    const std::uint64_t what = random_.pick(100);
    if (disasters_left_ > 0 && random_.chance(options_.trouble)) return disaster();
    if (what < 55) return step_process(number, random_.chance(800), false);
    if (what < 70) return step_process(number, random_.chance(800), true);
    for (auto n = 1 + random_.pick(4); n > 0; --n) log_.advance();
    return {};
}

Result<void> World::sweep() {
    now_ = now_ + kSweep;
    for (int i = 0; i < options_.processes; ++i) {
        VITALOG_CHECK(step_process(i, true, false));
        VITALOG_CHECK(step_process(i, true, true));
        for (int n = 0; n < 6; ++n) log_.advance();
    }
    return {};
}

Result<void> World::settle(std::string_view why) {
    for (int n = 0; n < kSettleSweepsMax; ++n) {
        for (int t = 0; t < 4 && disasters_left_ > 0; ++t) VITALOG_CHECK(turn());
        if (disasters_left_ == 0)
            for (std::size_t i = 0; i < slots_.size(); ++i)
                if (!slots_[i].process) VITALOG_CHECK(restart(static_cast<int>(i)));
        VITALOG_CHECK(sweep());
        if (quiet()) return {};
    }
    return fail(Errc::Busy, fmt::format("the site does not come to rest ({}): {}", why, unquiet()));
}

bool World::quiet() {
    return unquiet().empty();
}

/// What there is still to do; empty: nothing.
std::string World::unquiet() {
    if (!log_.at_rest()) return "transactions are under way";
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Slot& slot = slots_[i];
        if (!slot.process) return fmt::format("p{} is down", i);
        if (slot.process->client().view().version != assignment_.version) return "a view is old";
        for (const auto& status : slot.process->runtime().status()) {
            const auto& shard = log_.shard(status->spec.stage, status->input);
            if (shard.owner == static_cast<int>(i) && (!status->ours || !status->recovered))
                return fmt::format("{} of {} is not open, or recovers", shard.stage,
                                   to_string(shard.input));
        }
        if (const auto due = slot.process->next_due();
            due && due->as<LogTime>() <= slot.clock->now())
            return fmt::format("a timer of p{} is due since {}", i, to_rfc3339(*due));
    }
    for (const auto& [name, shard] : log_.shards())
        if (const auto end = log_.end(shard->input); shard->position.committed < *end)
            return fmt::format("{} has come to {} of {}", name, shard->position.committed.value(),
                               end->value());
    const auto& sender = slots_[static_cast<std::size_t>(assignment_.duty)].process;
    if (const auto waiting = sender->sends_waiting(); waiting != 0)
        return fmt::format("{} attempts wait", waiting);
    return {};
}

std::optional<ReceivedTime> World::next_due() const {
    std::optional<ReceivedTime> first;
    for (const Slot& slot : slots_) {
        if (!slot.process) continue;
        const auto due = slot.process->next_due();
        if (due && (!first || *due < *first)) first = due;
    }
    return first;
}

Result<void> World::check_memory() {
    for (const Slot& slot : slots_) {
        const std::size_t most = slot.process->largest_store();
        if (most > options_.shard.store.memory_budget)
            return fail(Errc::TooLarge,
                        fmt::format("a shard keeps {} bytes of entities, its budget is {}", most,
                                    options_.shard.store.memory_budget));
    }
    return {};
}

}  // namespace vitalog::simulation
