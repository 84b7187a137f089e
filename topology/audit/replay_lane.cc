#include "topology/audit/replay_lane.h"

#include <algorithm>

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
/// What is put in place before the stage that reads it has taken it.
constexpr std::size_t kAheadBytes = std::size_t{1} << 20;

}  // namespace

/// Records in place, one behind the other.
struct ReplayLane::Page {
    struct Entry {
        Offset offset;
        LogTime at;
        std::size_t key, headers, value, end;
    };
    std::string bytes;
    std::vector<Entry> entries;

    void add(const RecordView& record, Offset offset) {
        Entry entry{offset, record.timestamp, bytes.size(), 0, 0, 0};
        bytes += record.key;
        entry.headers = bytes.size();
        bytes += record.headers.encoded();
        entry.value = bytes.size();
        bytes += record.value;
        entry.end = bytes.size();
        entries.push_back(entry);
    }
    RecordView view(const Entry& entry) const {
        const std::string_view all(bytes);
        return {entry.offset, entry.at, all.substr(entry.key, entry.headers - entry.key),
                all.substr(entry.value, entry.end - entry.value),
                Headers(all.substr(entry.headers, entry.value - entry.headers))};
    }
};

ReplayLane::ReplayLane(schemas::Topic topic, TopicPartition tp, const ReplayPlan& plan,
                       const AuditSource& original, const ContentHash& hash)
    : topic_(topic),
      tp_(std::move(tp)),
      plan_(plan),
      original_(original),
      hash_(hash),
      read_(plan.reads(topic) && !plan.plays(topic)),
      written_(!plan.plays(topic)),
      page_(std::make_shared<Page>()) {}

Result<void> ReplayLane::open() {
    VITALOG_TRY(at_, original_.records.begin_offset(tp_));
    VITALOG_TRY(end_, original_.records.end_offset(tp_));
    front_dropped_ = at_ > Offset();
    return {};
}

/// The original's record whose turn it is; null at its end.
Result<const RecordView*> ReplayLane::head() {
    while (index_ == batch_.records.size()) {
        if (at_ >= end_) return nullptr;
        VITALOG_CHECK(original_.records.read(tp_, at_, kReadBytes, batch_));
        const auto beyond = std::ranges::lower_bound(batch_.records, end_, {}, &RecordView::offset);
        batch_.records.erase(beyond, batch_.records.end());
        if (batch_.records.empty() && batch_.next <= at_) at_ = end_;
        at_ = std::max(at_, batch_.next);
        index_ = 0;
    }
    const RecordView& record = batch_.records[index_];
    if (!kept_from_) kept_from_ = record.timestamp;
    return &record;
}

Result<bool> ReplayLane::advance() {
    if (!stirred_) return false;
    stirred_ = false;
    bool moved = false;
    while (page_->bytes.size() < kAheadBytes) {
        VITALOG_TRY(const RecordView* record, head());
        awaits_ = record != nullptr && !put_head(*record);
        if (record == nullptr || awaits_) return moved;
        ++index_;
        moved = true;
    }
    return moved;
}

std::optional<LogTime> ReplayLane::awaited() const {
    if (!awaits_) return std::nullopt;
    return batch_.records[index_].timestamp;
}

/// False while it waits for a stage.
bool ReplayLane::put_head(const RecordView& record) {
    switch (plan_.part_of(topic_, tp_, record)) {
        case ReplayPlan::Part::Left:
            return true;
        case ReplayPlan::Part::Context:
            put(record, false);
            return true;
        case ReplayPlan::Part::Taken:
            put_taken(record);
            return true;
        case ReplayPlan::Part::Made:
            return put_made(record);
    }
    return true;
}

bool ReplayLane::put_made(const RecordView& record) {
    const auto found = held_.find(ReplayPlan::identity_of(record));
    if (found == held_.end()) return false;
    const RecordView made = found->second.view(record.offset, record.timestamp);
    settle(made, hash_.of(record), record.offset, record.timestamp);
    put(made, true);
    held_.erase(found);
    return true;
}

/// A record of a stage that is not run may have been passed on by one that is, which makes it
/// again.
void ReplayLane::put_taken(const RecordView& record) {
    if (!record.key.empty() && plan_.others_write(topic_)) {
        const std::uint64_t identity = ReplayPlan::identity_of(record);
        if (const auto found = held_.find(identity); found != held_.end()) {
            settle(found->second.view(record.offset, record.timestamp), hash_.of(record),
                   record.offset, record.timestamp);
            held_.erase(found);
        } else {
            passed_[identity] = {hash_.of(record), record.offset, false};
        }
    }
    put(record, false);
}

void ReplayLane::put(const RecordView& record, bool write) {
    next_offset_ = std::max(next_offset_, record.offset);
    last_time_ = std::max(last_time_, record.timestamp);
    if (read_) page_->add(record, next_offset_);
    next_offset_ = next(next_offset_);
    if (write && written_)
        unwritten_.add(record.timestamp, record.key, record.headers.encoded(), record.value);
}

/// The original has nothing in this place.
void ReplayLane::put_by_itself(const RecordView& record, LogTime input) {
    const LogTime at = std::max(last_time_, input);
    if (front_dropped_ && (!kept_from_ || input <= *kept_from_)) {
        ++no_longer_kept_;
    } else {
        ++only_replay_;
        differ(Difference::Kind::Missing,
               {next_offset_, at, record.key, record.value, record.headers}, std::nullopt);
    }
    put({next_offset_, at, record.key, record.value, record.headers}, true);
}

void ReplayLane::make(const RecordView& record, LogTime input) {
    if (!plan_.chosen(RecordId::parse(record.headers.find(header::kRoot)))) return;
    ++made_;
    stirred_ = true;
    const std::uint64_t identity = ReplayPlan::identity_of(record);
    if (const auto passed = passed_.find(identity); passed != passed_.end()) {
        const Passed before = passed->second;
        passed_.erase(passed);
        if (before.given_up) {
            --only_original_;
            std::erase_if(differences_, [&](const auto& known) {
                return known.difference.offset == before.offset;
            });
            put({next_offset_, std::max(last_time_, input), record.key, record.value,
                 record.headers},
                true);
        }
        settle(record, before.content, before.offset, input);
        return;
    }
    if (!plan_.knows(tp_, identity)) return put_by_itself(record, input);
    held_.emplace(identity, Made{std::string(record.key), std::string(record.headers.encoded()),
                                 std::string(record.value), input});
}

void ReplayLane::settle(const RecordView& made, const ContentHash::Value& original, Offset offset,
                        LogTime at) {
    if (hash_.of(made) == original) {
        ++same_;
        return;
    }
    ++changed_;
    differ(Difference::Kind::Changed, {offset, at, made.key, made.value, made.headers}, offset);
}

void ReplayLane::give_up() {
    VITALOG_ASSERT(awaits_, "only a record that is waited for can be given up");
    const RecordView& record = batch_.records[index_];
    ++only_original_;
    differ(Difference::Kind::Unexpected, record, record.offset);
    passed_[ReplayPlan::identity_of(record)] = {hash_.of(record), record.offset, true};
    ++index_;
    awaits_ = false;
    stirred_ = true;
}

/// What is still held was made more often than the original has it.
void ReplayLane::finish() {
    for (const auto& [identity, made] : held_) {
        ++only_replay_;
        differ(Difference::Kind::Missing, made.view(next_offset_, made.input), std::nullopt);
    }
    held_.clear();
}

void ReplayLane::take(RecordBatch& out) {
    out.clear();
    out.next = next_offset_;
    if (page_->entries.empty()) return;
    page_->bytes.append(kBlockPadding, '\0');
    for (const auto& entry : page_->entries) out.records.push_back(page_->view(entry));
    out.owners.push_back(page_);
    page_ = std::make_shared<Page>();
    stirred_ = true;
}

void ReplayLane::differ(Difference::Kind kind, const RecordView& record,
                        std::optional<Offset> offset) {
    if (differences_.size() >= kDifferencesMax) return;
    Difference difference;
    difference.kind = kind;
    difference.tp = tp_;
    difference.offset = offset;
    difference.id = record.headers.find(header::kId);
    difference.type = record.headers.find(header::kType);
    difference.key = record.key;
    difference.cause = record.headers.find(header::kCause);
    differences_.push_back({record.timestamp, std::move(difference)});
}

}  // namespace vitalog::topology
