#include "sinks/blobs/blob_worker.h"

#include <algorithm>
#include <utility>

#include "schemas/base/thread_name.h"

namespace vitalog::sinks {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kRetryFirst{100};
constexpr milliseconds kRetryMax{10'000};

}  // namespace

BlobWorker::BlobWorker(BlobStore& store, RecordSource& source, FindDocuments find,
                       BlobWorkerOptions options)
    : store_(store), source_(source), find_(std::move(find)), options_(std::move(options)) {}

BlobWorker::~BlobWorker() {
    stop();
}

void BlobWorker::start() {
    stopping_ = false;
    thread_ = std::thread([this] { follow(); });
}

void BlobWorker::stop() {
    stopping_ = true;
    wake_.notify_all();
    if (!thread_.joinable()) return;
    thread_.join();
    if (const auto done = report_positions(); !done)
        log_line("warn", "blobs_position", {{"error", done.error().to_string()}});
}

void BlobWorker::follow() {
    name_thread("blobs");
    milliseconds retry = kRetryFirst;
    while (!stopping_) {
        const std::uint64_t seen = source_.activity();
        const auto read = step();
        if (read) {
            retry = kRetryFirst;
            if (!*read) source_.wait(seen, options_.idle);
            continue;
        }
        log_line("error", "blobs_failed", {{"error", read.error().to_string()}});
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, retry, [this] { return stopping_.load(); });
        retry = std::min(retry * 2, kRetryMax);
    }
}

/// A partition that was never followed is followed from what is kept of it; the log learns so at
/// once, because retention heeds only positions that it knows.
Result<void> BlobWorker::load_positions() {
    for (const auto& topic : options_.topics)
        for (std::uint32_t p = 0; p < source_.partitions(topic); ++p) {
            const TopicPartition tp{topic, Partition(p)};
            VITALOG_TRY(const auto known, source_.load_position(kReader, tp));
            VITALOG_TRY(const Offset begin, source_.begin_offset(tp));
            if (!known) VITALOG_CHECK(source_.store_position(kReader, tp, begin));
            const std::lock_guard lock(mutex_);
            positions_[tp] = reported_[tp] = known.value_or(begin);
        }
    loaded_ = true;
    return {};
}

Result<bool> BlobWorker::step() {
    if (!loaded_) VITALOG_CHECK(load_positions());
    std::vector<TopicPartition> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [tp, offset] : positions_) all.push_back(tp);
    }
    bool any = false;
    for (const auto& tp : all) {
        VITALOG_TRY(const bool read, step(tp));
        any = any || read;
    }
    if (stored_ || steady_clock::now() >= report_due_) VITALOG_CHECK(report_positions());
    return any;
}

Result<bool> BlobWorker::step(const TopicPartition& tp) {
    batch_.clear();
    const Offset from = position(tp);
    if (auto read = source_.read(tp, from, options_.batch_bytes, batch_); !read) {
        if (read.error().code() != Errc::OutOfRange) return tl::unexpected(read.error());
        VITALOG_TRY(const Offset kept, source_.begin_offset(tp));
        log_line("error", "blobs_gap",
                 {{"from", to_string(tp, from)}, {"to", to_string(tp, kept)}});
        VITALOG_CHECK(source_.read(tp, kept, options_.batch_bytes, batch_));
    }
    if (batch_.records.empty() && batch_.next <= from) return false;
    for (const auto& record : batch_.records) VITALOG_CHECK(keep(tp, record));
    const Offset next = batch_.next;
    batch_.clear();  // it may be large
    const std::lock_guard lock(mutex_);
    positions_[tp] = next;
    return true;
}

Result<void> BlobWorker::keep(const TopicPartition& tp, const RecordView& record) {
    std::optional<Error> not_kept;
    const auto looked = find_(record, [&](const BlobStore::Document& document) -> Result<void> {
        const auto kept = store_.put(document);
        if (kept) {
            stored_ = true;
            if (options_.metrics != nullptr) options_.metrics->count("vitalog_documents_total", {});
            return {};
        }
        // What can't be decoded is a dead letter of intake; only the disk is a reason to try again.
        if (kept.error().code() != Errc::Io) return {};
        not_kept = kept.error();
        return tl::unexpected(kept.error());
    });
    if (not_kept) return tl::unexpected(*not_kept);
    if (!looked)
        log_line("warn", "blobs_unread",
                 {{"record", to_string(tp, record.offset)}, {"error", looked.error().to_string()}});
    return {};
}

Result<void> BlobWorker::report_positions() {
    std::map<TopicPartition, Offset> now;
    {
        const std::lock_guard lock(mutex_);
        now = positions_;
    }
    for (const auto& [tp, offset] : now) {
        if (reported_[tp] == offset) continue;
        VITALOG_CHECK(source_.store_position(kReader, tp, offset));
        reported_[tp] = offset;
    }
    stored_ = false;
    report_due_ = steady_clock::now() + options_.report;
    return {};
}

Offset BlobWorker::position(const TopicPartition& tp) const {
    const std::lock_guard lock(mutex_);
    const auto found = positions_.find(tp);
    return found == positions_.end() ? Offset(0) : found->second;
}

}  // namespace vitalog::sinks
