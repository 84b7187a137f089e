#include "sinks/effects/effect_worker.h"

#include <future>

#include "schemas/base/planted.h"
#include "schemas/base/thread_name.h"
#include "schemas/json_decode.h"

namespace vitalog::sinks {
namespace {

using schemas::ReceiptState;

constexpr std::size_t kReadBytes = 256U << 10;
constexpr std::chrono::milliseconds kIdleWait{100};
constexpr std::chrono::milliseconds kBusyWait{10};
constexpr std::chrono::milliseconds kRetryFirst{50};
constexpr std::chrono::milliseconds kRetryLongest{2'000};
constexpr std::chrono::milliseconds kStorePositionsEvery{1'000};
constexpr std::chrono::seconds kReportGrace{2};  // at stop: for the log to take a last report
constexpr int kTroublesToPause = 5;
constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{60};
constexpr int kMostDoublings = 16;
constexpr std::string_view kExpired = "expired";

std::string_view lane_name(Lane lane) {
    return lane == Lane::High ? "high" : lane == Lane::Other ? "other" : "all";
}

/// `first` doubled `times` times, up to `longest`.
std::chrono::microseconds backed_off(std::chrono::microseconds first, int times,
                                     std::chrono::microseconds longest) {
    return std::min(longest, first * (std::int64_t{1} << std::min(times, kMostDoublings)));
}

}  // namespace

EffectWorker::EffectWorker(EffectWorkerOptions options, Ports ports)
    : options_(std::move(options)),
      ports_(ports),
      own_gate_({.rate_per_second = options_.rate_per_second}),
      gate_(ports.gate != nullptr ? *ports.gate : own_gate_) {}

EffectWorker::~EffectWorker() {
    stop();
}

std::string EffectWorker::reader_name(std::string_view suffix) const {
    return "effects." + options_.channel + (options_.lane == Lane::High ? ".high" : "") +
           std::string(suffix);
}

void EffectWorker::start() {
    VITALOG_ASSERT(!reader_.joinable(), "an effect worker is started once");
    senders_running_ = options_.senders;
    for (unsigned i = 0; i < options_.senders; ++i) senders_.emplace_back([this] { run_sender(); });
    reader_ = std::thread([this] { run_reader(); });
}

void EffectWorker::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
        give_up_at_ = std::chrono::steady_clock::now() + options_.stop_grace + kReportGrace;
    }
    changed_.notify_all();
    if (!reader_.joinable()) return;
    reader_.join();
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, options_.stop_grace, [this] { return senders_running_ == 0; });
    }
    ports_.provider.abort();
    for (auto& sender : senders_) sender.join();
    if (!recovered_) return;
    if (const auto stored = store_positions(); !stored)
        log_line("warn", "effects_positions_not_stored", {{"error", stored.error().to_string()}});
}

Result<void> EffectWorker::step() {
    if (!recovered_) VITALOG_CHECK(recover());
    VITALOG_TRY([[maybe_unused]] const bool moved, pass());
    while (run_one()) {
    }
    return store_positions();
}

std::int64_t EffectWorker::lag() const {
    std::vector<std::pair<TopicPartition, Offset>> standing;
    std::int64_t total = 0;
    {
        const std::lock_guard lock(mutex_);
        total = static_cast<std::int64_t>(in_hand_);
        for (const Book& book : books_) standing.emplace_back(book.tp, book.next);
        // Not recovered yet: what was taken and not reported is unknown until then.
        if (books_.empty() && ports_.source.partitions(options_.topic) > 0) return 1;
    }
    for (const auto& [tp, next] : standing) {
        const auto end = ports_.source.end_offset(tp);
        total += end ? std::max<std::int64_t>(0, end->value() - next.value()) : 1;
    }
    return total;
}

std::size_t EffectWorker::unsettled() const {
    const std::lock_guard lock(mutex_);
    return doubts_;
}

bool EffectWorker::withdrawn() const {
    const std::lock_guard lock(mutex_);
    return withdrawn_;
}

EffectWorker::Standing EffectWorker::standing() {
    if (!ports_.duty || planted("send-off-duty")) return Standing::OnDuty;
    const Duty duty = ports_.duty();
    const std::lock_guard lock(mutex_);
    withdrawn_ = withdrawn_ || turn_ == 0 || duty.turn != turn_;
    if (withdrawn_) return Standing::Over;
    return duty.sure ? Standing::OnDuty : Standing::NotSure;
}

void EffectWorker::run_reader() {
    name_thread("effects");
    std::chrono::milliseconds pause = kRetryFirst;
    while (true) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
        }
        const std::uint64_t seen = ports_.source.activity();
        Result<bool> moved = false;
        if (!recovered_) {
            if (auto done = recover(); !done) moved = tl::unexpected(done.error());
        } else {
            moved = pass();
        }
        if (moved) {
            pause = kRetryFirst;
            if (*moved) continue;
            ports_.source.wait(seen, lag() > 0 ? kBusyWait : kIdleWait);
            continue;
        }
        log_line("error", "effects_reader_failed",
                 {{"channel", options_.channel}, {"error", moved.error().to_string()}});
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, pause, [this] { return stopping_; });
        pause = std::min(kRetryLongest, pause * 2);
    }
}

/// Takes what may be taken, asks what is due. True when there may be more at once. What can't be
/// taken from one partition keeps nothing else waiting.
Result<bool> EffectWorker::pass() {
    bool moved = false;
    std::optional<Error> failed;
    for (Book& book : books_) {
        const auto taken = take(book);
        if (!taken) failed = taken.error();
        moved = moved || (taken && *taken > 0);
    }
    ask_due();
    if (ports_.wall.now() - positions_stored_ >= kStorePositionsEvery)
        VITALOG_CHECK(store_positions());
    if (failed) return tl::unexpected(*failed);
    return moved;
}

std::size_t EffectWorker::allowance() {
    const LogTime now = ports_.wall.now();
    std::size_t wanted = 0;
    {
        const std::lock_guard lock(mutex_);
        if (in_hand_ >= options_.window || doubts_ >= options_.max_unsettled || now < paused_until_)
            return 0;
        wanted = options_.window - in_hand_;
        if (troubles_ >= kTroublesToPause) wanted = in_hand_ == 0 ? 1 : 0;
    }
    return gate_.take(wanted, options_.lane == Lane::High, now);
}

Result<std::size_t> EffectWorker::take(Book& book) {
    VITALOG_TRY(const Offset end, ports_.source.end_offset(book.tp));
    if (book.next >= end || standing() != Standing::OnDuty) return 0;
    const std::size_t allowed = allowance();
    if (allowed == 0) return 0;
    RecordBatch batch;
    auto read = ports_.source.read(book.tp, book.next, kReadBytes, batch);
    std::vector<ItemRef> items;
    Offset next = batch.next;
    if (read) {
        for (const RecordView& record : batch.records) {
            if (items.size() == allowed) {
                next = record.offset;
                break;
            }
            if (auto item =
                    read_item(book, static_cast<std::size_t>(&book - books_.data()), record))
                items.push_back(std::move(item));
        }
        if (!items.empty()) {
            VITALOG_TRY(const auto receipts_from, receipt_ends());
            for (const ItemRef& item : items) item->receipts_from = receipts_from;
        }
        if (!planted("send-before-sync"))
            read =
                ports_.source.sync();  // law 5: nothing leaves that rests on a record not on disk
    }
    if (read && standing() != Standing::OnDuty) {
        gate_.give_back(allowed);
        return 0;
    }
    if (read && !planted("send-before-position"))
        read = ports_.source.store_position(reader_name(""), book.tp, next);
    if (!read) {
        gate_.give_back(allowed);
        return tl::unexpected(read.error());
    }
    gate_.give_back(allowed - items.size());
    const std::lock_guard lock(mutex_);
    book.next = next;
    for (ItemRef& item : items) {
        for (auto& [offset, older] : book.open)
            if (older->phase != Phase::InHand && older->attempt.attempt == item->attempt.attempt)
                older->superseded = true;
        book.open.emplace(item->offset, item);
        queue_.push_back(item);
        ++in_hand_;
    }
    changed_.notify_all();
    return items.size();
}

EffectWorker::ItemRef EffectWorker::read_item(const Book& book, std::size_t index,
                                              const RecordView& record) {
    schemas::Decoder decoder;
    const auto send = schemas::decode<schemas::Send>(record.value, decoder);
    if (!send) {
        log_line(
            "error", "effects_unreadable_attempt",
            {{"record", to_string(book.tp, record.offset)}, {"error", send.error().to_string()}});
        if (ports_.metrics != nullptr)
            ports_.metrics->count("vitalog_provider_answers_total",
                                  {{"channel", options_.channel}, {"state", "unreadable"}});
        return nullptr;
    }
    const bool high = send->priority == schemas::Priority::High;
    if (options_.lane != Lane::All && high != (options_.lane == Lane::High)) return nullptr;
    auto item = std::make_shared<Item>();
    item->partition = index;
    item->offset = record.offset;
    item->taken = record.timestamp;
    Attempt& attempt = item->attempt;
    attempt.recipient = send->recipient;
    attempt.intent = send->intent;
    attempt.attempt = send->attempt;
    attempt.to = send->to;
    attempt.template_code = send->template_name;
    attempt.sign = send->sign;
    attempt.text = send->text;
    attempt.url = send->url;
    attempt.not_after = send->not_after;
    attempt.resend = send->resend;
    for (const auto& [name, value] : send->params.items) attempt.params.emplace_back(name, value);
    return item;
}

Result<std::shared_ptr<const std::vector<Offset>>> EffectWorker::receipt_ends() const {
    auto ends = std::make_shared<std::vector<Offset>>();
    const std::uint32_t count = ports_.source.partitions(options_.receipt_topic);
    for (std::uint32_t i = 0; i < count; ++i) {
        VITALOG_TRY(const Offset end,
                    ports_.source.end_offset({options_.receipt_topic, Partition(i)}));
        ends->push_back(end);
    }
    return ends;
}

void EffectWorker::ask_due() {
    const LogTime now = ports_.wall.now();
    const std::lock_guard lock(mutex_);
    for (Book& book : books_) {
        for (auto& [offset, item] : book.open) {
            if (item->phase != Phase::Doubtful || now < item->next_query) continue;
            item->phase = Phase::Asking;
            queue_.push_back(item);
        }
    }
    if (!queue_.empty()) changed_.notify_all();
}

/// Settled before receipts: a receipt must never lie before the stored place from which recovery
/// looks for it.
Result<void> EffectWorker::store_positions() {
    if (standing() != Standing::OnDuty) return {};
    VITALOG_TRY(const auto ends, receipt_ends());
    std::vector<Offset> receipts = *ends;
    std::vector<std::pair<Book*, Offset>> settled;
    std::vector<const Book*> in_doubt;
    {
        const std::lock_guard lock(mutex_);
        for (Book& book : books_) {
            if (!book.open.empty()) in_doubt.push_back(&book);
            const Offset upto = book.open.empty() ? book.next : book.open.begin()->first;
            if (upto != book.stored_settled) settled.emplace_back(&book, upto);
            for (const auto& [offset, item] : book.open)
                for (std::size_t i = 0; i < receipts.size() && i < item->receipts_from->size(); ++i)
                    receipts[i] = std::min(receipts[i], (*item->receipts_from)[i]);
        }
    }
    for (const Book* book : in_doubt) VITALOG_CHECK(store_taken_again(*book));
    for (const auto& [book, upto] : settled) {
        VITALOG_CHECK(ports_.source.store_position(reader_name(".settled"), book->tp, upto));
        book->stored_settled = upto;
    }
    stored_receipts_.resize(receipts.size());
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        if (receipts[i] == stored_receipts_[i]) continue;
        const TopicPartition tp{options_.receipt_topic, Partition(static_cast<std::uint32_t>(i))};
        VITALOG_CHECK(ports_.source.store_position(reader_name(".receipts"), tp, receipts[i]));
        stored_receipts_[i] = receipts[i];
    }
    positions_stored_ = ports_.wall.now();
    if (ports_.metrics != nullptr)
        ports_.metrics->gauge("vitalog_sends_unsettled", {{"channel", options_.channel}},
                              static_cast<double>(unsettled()));
    return {};
}

/// A place that a worker gave up storing, this one or one that was on duty before, may be stored
/// late, over a later place: who started there would send again what is not settled.
Result<void> EffectWorker::store_taken_again(const Book& book) {
    VITALOG_TRY(const auto stored, ports_.source.load_position(reader_name(""), book.tp));
    if (stored && *stored >= book.next) return {};
    return ports_.source.store_position(reader_name(""), book.tp, book.next);
}

void EffectWorker::run_sender() {
    name_thread("send");
    while (true) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (stopping_ && queue_.empty()) {
                --senders_running_;
                break;
            }
        }
        if (run_one()) continue;
        std::unique_lock lock(mutex_);  // a send to the same address is under way
        changed_.wait_for(lock, kBusyWait);
    }
    changed_.notify_all();
}

/// The first in the queue that no other send stands in the way of; null: there is none now.
EffectWorker::ItemRef EffectWorker::next_item() {
    const std::lock_guard lock(mutex_);
    for (auto item = queue_.begin(); item != queue_.end(); ++item) {
        const bool sends = (*item)->phase == Phase::InHand;
        if (sends && !gate_.enter((*item)->attempt.to)) continue;
        ItemRef found = std::move(*item);
        queue_.erase(item);
        return found;
    }
    return nullptr;
}

bool EffectWorker::run_one() {
    const ItemRef item = next_item();
    if (!item) return false;
    bool stopping = false;
    Phase phase;
    {
        const std::lock_guard lock(mutex_);
        stopping = stopping_;
        phase = item->phase;
    }
    if (phase == Phase::InHand) return send(item);
    if (!stopping) ask(item);
    return true;
}

SendOutcome EffectWorker::call(const Item& item) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_)
            return {.state = ReceiptState::NotSent, .code = "stopped", .retryable = true};
    }
    if (ports_.site.now().as<ReceivedTime>() > item.attempt.not_after)
        return {.state = ReceiptState::Failed, .code = std::string(kExpired)};
    SendOutcome outcome = ports_.provider.send(item.attempt);
    note_trouble(outcome);
    notice(item, outcome);
    return outcome;
}

/// False when it is put back, as it is not sure now whose duty it is.
bool EffectWorker::send(const ItemRef& item) {
    Standing standing = this->standing();
    if (standing == Standing::OnDuty && !item->outcome) {
        item->outcome = call(*item);
        standing = this->standing();
    }
    gate_.leave(item->attempt.to);
    // What was told late to be not sent, the one on duty may have sent meanwhile.
    const bool left = item->outcome && item->outcome->state != ReceiptState::NotSent &&
                      item->outcome->code != kExpired;
    if (!left && standing == Standing::NotSure) return !put_back(item);
    if (!left && standing == Standing::Over) return true;
    const SendOutcome outcome = *std::exchange(item->outcome, std::nullopt);
    if (!report(*item, outcome))
        return true;  // stopping: without a receipt it is in doubt at the next start
    if (outcome.state == ReceiptState::Unknown && ports_.provider.can_query())
        doubt(item);
    else
        settle(item);
    return true;
}

/// False when it stops: then it is in doubt at the next start.
bool EffectWorker::put_back(const ItemRef& item) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queue_.push_front(item);
    return true;
}

void EffectWorker::ask(const ItemRef& item) {
    const QueryOutcome answer = ports_.provider.query(item->attempt, item->taken);
    const Standing standing = this->standing();
    if (standing == Standing::Over) return;
    if (standing == Standing::NotSure) {
        const std::lock_guard lock(mutex_);
        item->phase = Phase::Doubtful;
        item->next_query = ports_.wall.now() + options_.query_after;
        return;
    }
    int denials = 0;
    bool superseded = false;
    {
        const std::lock_guard lock(mutex_);
        superseded = item->superseded;
        ++item->queries;
        item->denials = answer.found == QueryOutcome::Found::No ? item->denials + 1 : 0;
        denials = item->denials;
    }
    if (superseded) return settle(item);
    SendOutcome outcome{.state = answer.state, .code = answer.code};
    bool known = answer.found == QueryOutcome::Found::Yes;
    if (denials >= (planted("believe-first-denial") ? 1 : options_.empty_answers)) {
        outcome = {.state = ReceiptState::NotSent, .code = "never-received", .retryable = true};
        known = true;
    }
    if (known && report(*item, outcome)) return settle(item);
    const LogTime now = ports_.wall.now();
    if (now - item->doubt_since > options_.query_limit) {
        log_line("warn", "effects_attempt_stays_unknown", {{"attempt", item->attempt.attempt}});
        return settle(item);
    }
    const std::lock_guard lock(mutex_);
    item->phase = Phase::Doubtful;
    item->next_query =
        now + backed_off(options_.query_after, item->queries, options_.query_longest);
}

void EffectWorker::settle(const ItemRef& item) {
    const std::lock_guard lock(mutex_);
    if (item->phase == Phase::InHand)
        --in_hand_;
    else
        --doubts_;
    books_[item->partition].open.erase(item->offset);
    changed_.notify_all();
}

void EffectWorker::doubt(const ItemRef& item) {
    const LogTime now = ports_.wall.now();
    const std::lock_guard lock(mutex_);
    --in_hand_;
    ++doubts_;
    item->phase = Phase::Doubtful;
    item->doubt_since = now;
    item->next_query = now + options_.query_after;
    changed_.notify_all();
}

void EffectWorker::note_trouble(const SendOutcome& outcome) {
    const bool trouble = outcome.state == ReceiptState::Unknown || outcome.code == "unreachable";
    const LogTime now = ports_.wall.now();
    const std::lock_guard lock(mutex_);
    troubles_ = trouble ? troubles_ + 1 : 0;
    if (ports_.metrics != nullptr)
        ports_.metrics->gauge(
            "vitalog_sends_held",
            {{"channel", options_.channel}, {"lane", std::string(lane_name(options_.lane))}},
            troubles_ < kTroublesToPause ? 0 : 1);
    if (troubles_ < kTroublesToPause) return;
    paused_until_ = now + backed_off(kFirstPause, troubles_ - kTroublesToPause, kLongestPause);
    log_line("warn", "effects_paused",
             {{"channel", options_.channel}, {"until", to_rfc3339(paused_until_)}});
}

/// Configuration faults are for the people who run the site: loud, once per attempt.
void EffectWorker::notice(const Item& item, const SendOutcome& outcome) const {
    if (outcome.configuration) {
        log_line(
            "error", "effects_configuration_refused",
            {{"provider", std::string(ports_.provider.name())},
             {"template", item.attempt.template_code},
             {"code", outcome.code},
             {"message", outcome.message},
             {"act",
              "correct the sign, the template or the account; sends with it fail until then"}});
        if (ports_.metrics != nullptr)
            ports_.metrics->count("vitalog_send_config_errors_total",
                                  {{"channel", options_.channel}, {"code", outcome.code}});
    } else if (outcome.state != ReceiptState::Accepted &&
               outcome.state != ReceiptState::Delivered) {
        log_line("warn", "effects_not_accepted",
                 {{"attempt", item.attempt.attempt},
                  {"state", std::string(schemas::name_of_enum(outcome.state))},
                  {"code", outcome.code},
                  {"message", outcome.message}});
    }
}

/// Appends until the log takes it. False when it did not before a stop had to give up.
bool EffectWorker::report(const Item& item, const SendOutcome& outcome) {
    std::chrono::milliseconds pause = kRetryFirst;
    while (!append(item, outcome)) {
        std::unique_lock lock(mutex_);
        if (stopping_ && std::chrono::steady_clock::now() >= give_up_at_) return false;
        changed_.wait_for(lock, pause);
        pause = std::min(kRetryLongest, pause * 2);
    }
    if (ports_.metrics != nullptr)
        ports_.metrics->count("vitalog_provider_answers_total",
                              {{"channel", options_.channel},
                               {"state", std::string(schemas::name_of_enum(outcome.state))}});
    return true;
}

bool EffectWorker::append(const Item& item, const SendOutcome& outcome) {
    const LogTime now = ports_.site.now();
    schemas::Receipt receipt;
    receipt.recipient = item.attempt.recipient;
    receipt.intent = item.attempt.intent;
    receipt.attempt = item.attempt.attempt;
    receipt.state = outcome.state;
    receipt.code = outcome.code;
    receipt.provider = ports_.provider.name();
    receipt.provider_id = outcome.provider_id;
    receipt.retryable = outcome.retryable;
    receipt.at = now.as<ReceivedTime>();
    FeedRecord record;
    record.topic = options_.receipt_topic;
    record.key = item.attempt.recipient;
    record.value = schemas::encode(receipt);
    record.received = now;
    Headers::append(record.headers, header::kFormat, "json");
    Headers::append(record.headers, header::kEndpoint, reader_name(""));
    Headers::append(
        record.headers, kSendHeader,
        to_string({options_.topic, Partition(static_cast<std::uint32_t>(item.partition))},
                  item.offset));
    const auto done =
        std::make_shared<std::promise<bool>>();  // shared: the log may answer after we gave up
    auto taken = done->get_future();
    ports_.feed.append(std::move(record), [done](Result<AppendReceipt> result) {
        done->set_value(result.has_value());
    });
    while (taken.wait_for(kIdleWait) != std::future_status::ready) {
        const std::lock_guard lock(mutex_);
        if (stopping_ && std::chrono::steady_clock::now() >= give_up_at_) return false;
    }
    return taken.get();
}

}  // namespace vitalog::sinks
