#include "topology/audit/fold_log.h"

#include <algorithm>

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

tl::unexpected<Error> takes_nothing() {
    return fail(Errc::Unsupported, "a recomputation writes to no log");
}

}  // namespace

FoldLog::FoldLog(const FoldSpec& spec, TopicPartition input, TopicPartition control, const AuditSource& source)
    : spec_(spec), input_(std::move(input)), control_(std::move(control)), source_(source) {}

Result<void> FoldLog::open() {
    VITALOG_TRY(begin_, source_.records.begin_offset(input_));
    VITALOG_CHECK(find_end());
    next_ = begin_;
    in_stretch_ = !spec_.from;
    return spec_.shard.stateful ? Result<void>() : load_controls();
}

Result<void> FoldLog::find_end() {
    VITALOG_TRY(const Offset end, source_.records.end_offset(input_));
    end_ = std::min(end, spec_.end);
    return {};
}

Result<void> FoldLog::load_controls() {
    VITALOG_TRY(Offset at, source_.records.begin_offset(control_));
    for (RecordBatch batch;; at = batch.next) {
        VITALOG_CHECK(source_.records.read(control_, at, kReadBytes, batch));
        if (batch.records.empty() && batch.next <= at) break;
        for (const auto& record : batch.records) controls_.push_back({record.offset, record.timestamp});
    }
    if (spec_.controls_first) controls_seen_ = controls_.size();
    return {};
}

Result<void> FoldLog::prepare(Offset position) {
    if (spec_.input_grows) VITALOG_CHECK(find_end());
    while (!first_time(position) && next_ < end_) {
        VITALOG_CHECK(source_.records.read(input_, next_, kReadBytes, held_));
        if (held_.records.empty() && held_.next <= next_) {  // what is left has no record
            held_.next = end_;
        }
        const auto beyond = std::ranges::lower_bound(held_.records, end_, {}, &RecordView::offset);
        if (beyond != held_.records.end()) cut_before(static_cast<std::size_t>(beyond - held_.records.begin()));
        held_.next = std::min(held_.next, end_);
        cut();
        next_ = held_.next;
        keep_entity();
        records_ += held_.records.size();
        if (in_stretch_) records_in_stretch_ += held_.records.size();
    }
    return {};
}

std::optional<LogTime> FoldLog::first_time(Offset position) const {
    const auto first = std::ranges::lower_bound(held_.records, position, {}, &RecordView::offset);
    if (first == held_.records.end()) return std::nullopt;
    return first->timestamp;
}

/// The first record in memory that the log took at `at` or later.
std::size_t FoldLog::first_from(LogTime at) const {
    const auto found = std::ranges::find_if(held_.records, [&](const auto& record) { return record.timestamp >= at; });
    return static_cast<std::size_t>(found - held_.records.begin());
}

void FoldLog::cut_before(std::size_t index) {
    if (index >= held_.records.size()) return;
    held_.next = held_.records[index].offset;
    held_.records.resize(index);
}

/// No batch lies on both sides of where the stretch begins or ends, or of a control record.
void FoldLog::cut() {
    if (!in_stretch_ && spec_.from && !held_.records.empty()) {
        const std::size_t first = first_from(*spec_.from);
        in_stretch_ = first == 0;
        if (first > 0) cut_before(first);
    }
    if (spec_.to) {
        const std::size_t first = first_from(*spec_.to);
        if (first < held_.records.size()) {
            cut_before(first);
            end_ = held_.next;
        }
    }
    if (held_.records.empty()) return;
    const LogTime at = held_.records.front().timestamp;
    while (controls_seen_ < controls_.size() && controls_[controls_seen_].at <= at) ++controls_seen_;
    if (controls_seen_ < controls_.size()) cut_before(first_from(controls_[controls_seen_].at));
}

/// Control records and ticks have no key.
void FoldLog::keep_entity() {
    if (spec_.entity.empty()) return;
    std::erase_if(held_.records, [&](const auto& record) { return !record.key.empty() && record.key != spec_.entity; });
    met_entity_ = met_entity_ || std::ranges::any_of(held_.records, [](const auto& record) { return !record.key.empty(); });
}

Result<void> FoldLog::read(const TopicPartition& tp, Offset from, std::size_t max_bytes, RecordBatch& out) const {
    if (tp == input_) {
        const auto first = std::ranges::lower_bound(held_.records, from, {}, &RecordView::offset);
        out.records.assign(first, held_.records.end());
        out.owners = held_.owners;
        out.next = std::max(from, next_);
        return {};
    }
    VITALOG_ASSERT(tp == control_, "a shard reads its input and feed.control");
    VITALOG_CHECK(source_.records.read(tp, from, max_bytes, out));
    const Offset limit = controls_seen_ < controls_.size() ? controls_[controls_seen_].offset : Offset(INT64_MAX);
    std::erase_if(out.records, [&](const auto& record) { return record.offset >= limit; });
    out.next = std::max(from, std::min(out.next, limit));
    return {};
}

Result<Offset> FoldLog::end_offset(const TopicPartition& tp) const {
    if (tp == input_) return end_;
    return source_.records.end_offset(tp);
}

void FoldLog::append(FeedRecord, AppendDone done) {
    done(takes_nothing());
}

Result<std::unique_ptr<ShardLog>> FoldLog::open_shard(std::string_view, const TopicPartition&) {
    return takes_nothing();
}

}  // namespace vitalog::topology
