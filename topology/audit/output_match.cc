#include "topology/audit/output_match.h"

#include <unistd.h>

#include <algorithm>

#include "schemas/events/control.h"
#include "topology/audit/chain_audit.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace vitalog::topology {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
/// How far the partition is read ahead of what has been claimed.
constexpr std::size_t kWindowMax = 65'536;

std::string text_of(const RecordView& record, std::string_view name) {
    return std::string(record.headers.find(name));
}

}  // namespace

ContentHash::ContentHash() {
    VITALOG_ASSERT(::getentropy(secret_.data(), secret_.size()) == 0, "the machine gives no secret");
}

ContentHash::Value ContentHash::of(const RecordView& record) const {
    XXH3_state_t state;
    XXH3_128bits_reset_withSecret(&state, secret_.data(), secret_.size());
    const std::array<std::uint64_t, 2> sizes{record.key.size(), record.headers.encoded().size()};
    XXH3_128bits_update(&state, sizes.data(), sizeof sizes);
    for (const std::string_view part : {record.key, record.headers.encoded(), record.value})
        XXH3_128bits_update(&state, part.data(), part.size());
    const XXH128_hash_t hash = XXH3_128bits_digest(&state);
    return {hash.low64, hash.high64};
}

void OutputMatch::Window::push(const Actual& actual) {
    records_.push_back(actual);
}

void OutputMatch::Window::pop_claimed() {
    while (!records_.empty() && records_.front().claimed) drop_oldest();
}

void OutputMatch::Window::drop_oldest() {
    if (first_ < indexed_) {
        const auto [begin, end] = index_.equal_range(records_.front().hash.low);
        for (auto at = begin; at != end; ++at) {
            if (at->second != first_) continue;
            index_.erase(at);
            break;
        }
    }
    records_.pop_front();
    indexed_ = std::max(indexed_, ++first_);
}

std::optional<OutputMatch::Actual> OutputMatch::Window::claim(const ContentHash::Value& hash) {
    if (!records_.empty() && records_.front().hash == hash) {  // as a rule
        const Actual actual = records_.front();
        drop_oldest();
        pop_claimed();
        return actual;
    }
    for (; indexed_ < first_ + records_.size(); ++indexed_)
        index_.emplace(records_[indexed_ - first_].hash.low, indexed_);
    const auto [begin, end] = index_.equal_range(hash.low);
    std::optional<std::uint64_t> found;
    for (auto at = begin; at != end; ++at) {
        const Actual& actual = records_[at->second - first_];
        if (!actual.claimed && actual.hash == hash && (!found || at->second < *found)) found = at->second;
    }
    if (!found) return std::nullopt;
    Actual& actual = records_[*found - first_];
    actual.claimed = true;
    return actual;
}

OutputMatch::OutputMatch(MatchSpec spec, const AuditSource& source, const ContentHash& hash)
    : spec_(std::move(spec)), source_header_("vitalog/" + spec_.stage), source_(source), hash_(hash) {}

Result<void> OutputMatch::open() {
    VITALOG_TRY(at_, source_.records.begin_offset(spec_.tp));
    VITALOG_TRY(end_, source_.records.end_offset(spec_.tp));
    return {};
}

/// Ticks are no outputs: when they came was the clock's affair. Other stages' records may have been passed on.
OutputMatch::Owner OutputMatch::owner_of(const RecordView& record) const {
    if (record.headers.find(header::kSource) != source_header_) return Owner::Forwarded;
    if (record.key.empty() && record.headers.find(header::kType) == schemas::Tick::kType) return Owner::Nobody;
    if (spec_.doors_write && record.headers.find(header::kCause).empty()) return Owner::Nobody;
    return Owner::Stage;
}

bool OutputMatch::of_entity(const RecordView& record) const {
    return spec_.entity.empty() || record.key == spec_.entity;
}

bool OutputMatch::in_stretch(LogTime at) const {
    return (!spec_.from || at >= *spec_.from) && (!spec_.to || at < *spec_.to);
}

void OutputMatch::claimed(const Wanted& wanted, Offset offset) {
    Progress& progress = progress_[wanted.shard];
    const bool in_order = wanted.number > progress.last_number && offset > progress.last_offset;
    progress.last_number = std::max(progress.last_number, wanted.number);
    progress.last_offset = std::max(progress.last_offset, offset);
    if (!wanted.in_stretch) return;
    if (in_order) {
        ++agreed_;
        return;
    }
    differ({Difference::Kind::OutOfOrder, spec_.tp, offset, wanted.id, wanted.type, wanted.key, wanted.cause,
            wanted.shard, wanted.hash});
}

bool OutputMatch::claim_wanted(const ContentHash::Value& hash, Offset offset) {
    const auto [begin, end] = wanted_.equal_range(hash.low);
    auto first = end;  // of those with this content, whose turn it is
    for (auto at = begin; at != end; ++at)
        if (at->second.hash == hash && (first == end || at->second.number < first->second.number)) first = at;
    if (first == end) return false;
    const Wanted wanted = std::move(first->second);
    wanted_.erase(first);
    claimed(wanted, offset);
    return true;
}

void OutputMatch::place(const RecordView& record) {
    const Owner owner = owner_of(record);
    if (owner == Owner::Nobody) return;
    const Actual actual{hash_.of(record), record.offset, in_stretch(record.timestamp), false};
    if (owner == Owner::Stage && actual.in_stretch && of_entity(record)) {
        add_record(sha_, record);
        ++digested_.records;
    }
    if (!wanted_.empty() && claim_wanted(actual.hash, actual.offset)) return;
    if (owner == Owner::Forwarded) {
        forwarded_.push(actual);
        if (forwarded_.size() <= kWindowMax) return;
        forwarded_.drop_oldest();
        dropped_ = true;
        return;
    }
    if (of_entity(record)) window_.push(actual);
}

/// Reads on by about 1 MiB; false at the end.
Result<bool> OutputMatch::load() {
    if (at_ >= end_) return false;
    VITALOG_CHECK(source_.records.read(spec_.tp, at_, kReadBytes, batch_));
    for (const auto& record : batch_.records)
        if (record.offset < end_) place(record);
    at_ = batch_.records.empty() && batch_.next <= at_ ? end_ : batch_.next;
    return true;
}

Result<void> OutputMatch::expect(std::size_t shard, const RecordView& record, bool in_stretch) {
    Wanted wanted{hash_.of(record), shard, progress_[shard].next_number++, in_stretch, {}, {}, {}, {}};
    const auto name = [&] {  // only of what is reported, or has to wait
        wanted.id = text_of(record, header::kId);
        wanted.type = text_of(record, header::kType);
        wanted.cause = text_of(record, header::kCause);
        wanted.key = record.key;
    };
    const bool own = record.headers.find(header::kSource) == source_header_;
    Window& window = own ? window_ : forwarded_;
    // Of one entity there is little: it waits until the partition has been read through, once.
    while (spec_.entity.empty()) {
        if (const auto actual = window.claim(wanted.hash)) {
            if (actual->offset < progress_[shard].last_offset) name();
            claimed(wanted, actual->offset);
            return {};
        }
        if (window_.size() >= kWindowMax) break;
        VITALOG_TRY(const bool more, load());
        if (!more) break;
    }
    name();
    const std::uint64_t key = wanted.hash.low;
    wanted_.emplace(key, std::move(wanted));
    return {};
}

Result<void> OutputMatch::finish() {
    while (true) {
        VITALOG_TRY(const bool more, load());
        if (!more) break;
    }
    digested_.digest = sha_.finish();
    if (dropped_ && !wanted_.empty()) VITALOG_CHECK(look_again());
    return settle();
}

/// What was passed on and left the window before its turn: a shard was far behind the others.
Result<void> OutputMatch::look_again() {
    VITALOG_TRY(at_, source_.records.begin_offset(spec_.tp));
    while (at_ < end_ && !wanted_.empty()) {
        VITALOG_CHECK(source_.records.read(spec_.tp, at_, kReadBytes, batch_));
        for (const auto& record : batch_.records)
            if (owner_of(record) == Owner::Forwarded) (void)claim_wanted(hash_.of(record), record.offset);
        at_ = batch_.records.empty() && batch_.next <= at_ ? end_ : batch_.next;
    }
    return {};
}

/// What is left on both sides: a record of the same id on both is one that was changed.
Result<void> OutputMatch::settle() {
    std::unordered_map<std::string, Wanted> missing;
    for (auto& [key, wanted] : wanted_)
        if (wanted.in_stretch) missing.emplace(wanted.id, std::move(wanted));
    for (const Actual& actual : window_.records()) {
        if (actual.claimed || !actual.in_stretch) continue;
        VITALOG_CHECK(source_.records.read(spec_.tp, actual.offset, 1, batch_));
        if (batch_.records.empty()) continue;
        const RecordView& record = batch_.records.front();
        Difference difference{Difference::Kind::Unexpected, spec_.tp, actual.offset, text_of(record, header::kId),
                              text_of(record, header::kType), std::string(record.key), text_of(record, header::kCause), 0, {}};
        if (const auto made = missing.find(difference.id); made != missing.end()) {
            difference.kind = Difference::Kind::Changed;
            difference.shard = made->second.shard;
            difference.made = made->second.hash;
            missing.erase(made);
        } else if (spec_.inputs_missing) {
            continue;
        }
        differ(std::move(difference));
    }
    for (const auto& [id, wanted] : missing)
        differ({Difference::Kind::Missing, spec_.tp, std::nullopt, id, wanted.type, wanted.key, wanted.cause,
                wanted.shard, wanted.hash});
    std::ranges::stable_sort(differences_, {}, [](const Difference& difference) {
        return difference.offset.value_or(Offset(INT64_MAX));
    });
    return {};
}

void OutputMatch::differ(Difference difference) {
    ++difference_count_;
    if (differences_.size() < kDifferencesMax) differences_.push_back(std::move(difference));
}

}  // namespace vitalog::topology
