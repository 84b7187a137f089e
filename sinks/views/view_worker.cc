#include "sinks/views/view_worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "schemas/base/thread_name.h"

namespace vitalog::sinks::views {
namespace {

using schemas::Topic;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kPartitionBytes = 1 << 20;  // of one partition in one round
constexpr milliseconds kRetryFirst{50};
constexpr milliseconds kRetryMax{2'000};
constexpr int kNice = 10;

}  // namespace

std::vector<std::string> ViewWorker::followed(const schemas::TopicNames& topics) {
    std::vector<std::string> names;
    for (const Topic topic :
         {Topic::TaskBoard, Topic::Delivery, Topic::Alert, Topic::Risk, Topic::Person})
        names.push_back(topics.name(topic));
    return names;
}

ViewWorker::ViewWorker(ViewStore store, RecordSource& source, ViewWorkerOptions options)
    : source_(source),
      options_(std::move(options)),
      topics_(followed(options_.topics)),
      store_(std::move(store)),
      report_due_(steady_clock::now() + options_.report) {
    for (const auto& topic : topics_)
        for (std::uint32_t p = 0; p < source_.partitions(topic); ++p) {
            if (!mine(p)) continue;
            const TopicPartition tp{topic, Partition(p)};
            positions_[tp] = store_.position(tp);
        }
}

ViewWorker::~ViewWorker() {
    stop();
}

void ViewWorker::start() {
    stopping_ = false;
    thread_ = std::thread([this] { follow(); });
}

void ViewWorker::stop() {
    stopping_ = true;
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
        if (const auto done = report_positions(); !done)
            log_line("warn", "views_position", {{"error", done.error().to_string()}});
    }
    board().expire(true);
}

void ViewWorker::follow() {
    name_thread("views");
    // Where the cores do not suffice, the views trail and the stages do not. On Linux this is the
    // thread's own.
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    milliseconds retry = kRetryFirst;
    while (!stopping_) {
        const std::uint64_t seen = source_.activity();
        const auto applied = step();
        if (!applied) {
            log_line("error", "views_failed", {{"error", applied.error().to_string()}});
            note_failure(applied.error());
            pause(retry);
            retry = std::min(retry * 2, kRetryMax);
            continue;
        }
        note_failure(std::nullopt);
        retry = kRetryFirst;
        if (!*applied) source_.wait(seen, options_.idle);
    }
}

Result<bool> ViewWorker::step() {
    auto applied = round();
    board().expire();
    if (applied && steady_clock::now() >= report_due_) VITALOG_CHECK(report_positions());
    return applied;
}

Result<bool> ViewWorker::round() {
    batches_.clear();
    collected_.clear();
    std::size_t budget = options_.batch_bytes;
    for (const auto& topic : topics_) {
        VITALOG_TRY(const std::size_t bytes, collect(topic, std::max<std::size_t>(budget, 1)));
        budget -= std::min(budget, bytes);
    }
    if (collected_.empty()) return false;
    VITALOG_CHECK(source_.sync());  // law 5: shown only once it is on disk
    VITALOG_TRY(Applied applied, store_.apply(collected_));
    if (applied.refused != 0)
        log_line("error", "view_refused",
                 {{"records", std::to_string(applied.refused)}, {"last", applied.refusal}});
    if (options_.metrics != nullptr) {
        options_.metrics->count("vitalog_view_records_total", {},
                                static_cast<double>(applied.records));
        options_.metrics->count("vitalog_view_refused_total", {},
                                static_cast<double>(applied.refused));
    }
    {
        const std::lock_guard lock(mutex_);
        for (auto& [tp, offset] : positions_) offset = store_.position(tp);
    }
    board().post(std::move(applied.judged));
    return true;
}

Result<std::size_t> ViewWorker::collect(std::string_view topic, std::size_t budget) {
    const std::uint32_t count = source_.partitions(topic);
    if (count == 0) return 0;
    auto& first = first_partition_[std::string(topic)];
    std::size_t total = 0;
    std::uint32_t turn = 0;
    for (; turn < count && total < budget; ++turn) {
        if (!mine((first + turn) % count)) continue;
        const TopicPartition tp{std::string(topic), Partition((first + turn) % count)};
        VITALOG_TRY(const std::size_t bytes,
                    collect_partition(tp, std::min(kPartitionBytes, budget - total)));
        total += bytes;
    }
    first = (first + turn) % count;
    return total;
}

Result<std::size_t> ViewWorker::collect_partition(const TopicPartition& tp, std::size_t budget) {
    RecordBatch batch;
    const Offset from = store_.position(tp);
    auto done = source_.read(tp, from, budget, batch);
    if (!done && done.error().code() == Errc::OutOfRange) {
        VITALOG_TRY(const Offset kept, from_the_start(tp));
        done = source_.read(tp, kept, budget, batch);
    }
    VITALOG_CHECK(done);
    if (batch.records.empty() && batch.next <= from) return 0;
    std::size_t bytes = 0;
    for (const auto& record : batch.records) bytes += record.value.size() + record.key.size();
    batches_.push_back(std::move(batch));  // moving a batch leaves its records where they are
    collected_.push_back({tp, batches_.back().records, batches_.back().next});
    return bytes;
}

Result<Offset> ViewWorker::from_the_start(const TopicPartition& tp) {
    VITALOG_TRY(const Offset kept, source_.begin_offset(tp));
    log_line("warn", "views_gap",
             {{"from", to_string(tp, store_.position(tp))}, {"to", to_string(tp, kept)}});
    return kept;
}

Result<void> ViewWorker::report_positions() {
    report_due_ = steady_clock::now() + options_.report;
    const auto followed = [this] {
        const std::lock_guard lock(mutex_);
        for (auto& [tp, offset] : positions_) offset = store_.position(tp);
        return positions_;
    };
    if (followed() == reported_) return {};
    VITALOG_CHECK(store_.sync());  // retention may drop what lies behind a reported position
    auto now = followed();         // a server that was found crashed may have lost some
    for (const auto& [tp, offset] : now)
        if (const auto known = reported_.find(tp);
            known == reported_.end() || known->second != offset)
            VITALOG_CHECK(source_.store_position(kReader, tp, offset));
    reported_ = std::move(now);
    return {};
}

Offset ViewWorker::position(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    const auto found = positions_.find(tp);
    return found == positions_.end() ? Offset(0) : found->second;
}

Result<std::uint64_t> ViewWorker::lag() const {
    std::map<TopicPartition, Offset> now;
    {
        const std::lock_guard lock(mutex_);
        now = positions_;
    }
    std::uint64_t behind = 0;
    for (const auto& [tp, offset] : now) {
        VITALOG_TRY(const Offset end, source_.end_offset(tp));
        if (end > offset) behind += static_cast<std::uint64_t>(end.value() - offset.value());
    }
    return behind;
}

std::optional<Error> ViewWorker::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

void ViewWorker::note_failure(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
}

void ViewWorker::pause(milliseconds time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_.load(); });
}

}  // namespace vitalog::sinks::views
