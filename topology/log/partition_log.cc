#include "topology/log/partition_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "schemas/base/binary.h"
#include "schemas/base/planted.h"
#include "topology/log/embedded_keys.h"

namespace vitalog::topology {

namespace {

constexpr std::string_view kNamePrefix = "log/";
constexpr std::size_t kCutBlocksMax = 4;  // readers far behind, each in the middle of some block
constexpr std::size_t kKeyBytes = 8;
constexpr std::size_t kReadAheadBytes = std::size_t{1} << 20;

Result<Offset> parse_block_key(std::string_view key) {
    if (key.size() != kKeyBytes) return fail(Errc::Damaged, "a record block has a broken key");
    std::uint64_t base = 0;
    for (const char byte : key) base = base << 8 | static_cast<std::uint8_t>(byte);
    return Offset(static_cast<std::int64_t>(base));
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

/// The first block in `blocks` (by rising base) that ends behind `from`.
template <class Blocks>
auto first_behind(const Blocks& blocks, Offset from) {
    return std::ranges::upper_bound(blocks, from, {},
                                    [](const auto& block) { return block->end(); });
}

}  // namespace

std::string segment_name(const TopicPartition& tp, Offset base) {
    return fmt::format("{}{}/{:020}", kNamePrefix, to_string(tp), base.value());
}

Result<SegmentName> parse_segment_name(std::string_view name) {
    SegmentName parsed;
    std::uint32_t partition = 0;
    std::int64_t base = 0;
    const std::size_t last = name.rfind('/');
    const std::size_t middle =
        last == 0 || last == name.npos ? name.npos : name.rfind('/', last - 1);
    if (!name.starts_with(kNamePrefix) || middle == name.npos || middle < kNamePrefix.size() ||
        !parse_number(name.substr(middle + 1, last - middle - 1), partition) ||
        !parse_number(name.substr(last + 1), base))
        return fail(
            Errc::Damaged,
            fmt::format("the database holds '{}', which this version does not know: run the "
                        "version that wrote it",
                        name));
    parsed.tp = {std::string(name.substr(kNamePrefix.size(), middle - kNamePrefix.size())),
                 Partition(partition)};
    parsed.base = Offset(base);
    return parsed;
}

std::string block_key(Offset base) {
    std::string key;
    for (int shift = 56; shift >= 0; shift -= 8)
        key.push_back(static_cast<char>(static_cast<std::uint64_t>(base.value()) >> shift));
    return key;
}

const std::string& PartitionLog::database() const {
    return rocks_.db().GetName();
}

Result<Offset> PartitionLog::block_base(std::string_view key) const {
    return found_in(database(), parse_block_key(key));
}

Error PartitionLog::block_error(Offset base, const Error& error) const {
    return {error.code(),
            fmt::format("{} in {}: {}: stop vitalog and restore the data directory from a backup",
                        to_string(tp_, base), database(), error.message())};
}

Result<void> PartitionLog::recover_segment(SharedColumnFamily family, Offset base) {
    Segment segment;
    segment.family = std::move(family);
    segment.base = base;
    const std::unique_ptr<rocksdb::Iterator> at(
        rocks_.db().NewIterator(iterating(), segment.family->get()));
    Digest head = head_;
    const auto look = [&](LogTime& timestamp) -> Result<Offset> {
        VITALOG_TRY(const Offset block, block_base(to_view(at->key())));
        const auto header = peek_block(to_view(at->value()));
        if (!header) return tl::unexpected(block_error(block, header.error()));
        timestamp = header->last_timestamp;
        const auto seal = open_seal(to_view(at->value()));
        if (!seal) return tl::unexpected(block_error(block, seal.error()));
        if (!seal->placed && any_placed_)
            return tl::unexpected(block_error(
                block, {Errc::Damaged, "has no place in the chain, behind blocks that have one"}));
        any_placed_ = seal->placed;
        head = seal->link;
        return Offset(block.value() + header->count);
    };
    Offset end = base;
    at->SeekToFirst();
    if (at->Valid()) {
        segment.empty = false;
        VITALOG_CHECK(look(segment.first_timestamp));
        at->SeekToLast();
        if (at->Valid()) {
            VITALOG_TRY(end, look(segment.last_timestamp));
        }
    }
    VITALOG_CHECK(check(at->status(), "cannot read " + segment_name(tp_, base), database()));
    if (!any_placed_) {
        VITALOG_TRY(head, stored_head());
    }
    head_ = head;
    begins_segment_ = segment.empty || !any_placed_;
    rocks_.db().GetIntProperty(segment.family->get(), rocksdb::DB::Properties::kLiveSstFilesSize,
                               &segment.bytes);
    const std::lock_guard lock(mutex_);
    segments_.push_back(std::move(segment));
    staged_ = end_ = std::max(end_, end);
    return {};
}

/// What the next block follows, where no block before it says so: none is left, or it is of before
/// the chain.
Result<Digest> PartitionLog::stored_head() const {
    std::string stored;
    const rocksdb::Status status =
        rocks_.db().Get(rocksdb::ReadOptions(), rocks_.meta(), chain_key(tp_), &stored);
    if (status.IsNotFound()) return chain_begin(tp_);
    VITALOG_CHECK(
        check(status, "cannot read the head of the chain of " + to_string(tp_), database()));
    if (stored.size() != Digest::kBytes)
        return fail(Errc::Damaged, "the stored head of the chain of " + to_string(tp_) + " in " +
                                       database() +
                                       " is broken: restore the data directory from a backup");
    return Digest::from_bytes(stored);
}

void PartitionLog::add_segment(SharedColumnFamily family) {
    begins_segment_ = true;
    Segment segment;
    segment.family = std::move(family);
    segment.base = staged_;
    const std::lock_guard lock(mutex_);
    segments_.push_back(std::move(segment));
}

Segment PartitionLog::active() const {
    const std::lock_guard lock(mutex_);
    return segments_.back();
}

std::vector<Segment> PartitionLog::segments() const {
    const std::lock_guard lock(mutex_);
    return {segments_.begin(), segments_.end()};
}

Segment PartitionLog::remove_oldest_segment() {
    const std::lock_guard lock(mutex_);
    VITALOG_ASSERT(segments_.size() > 1, "the active segment stays");
    Segment oldest = std::move(segments_.front());
    segments_.pop_front();
    return oldest;
}

Offset PartitionLog::stage(PackedBlock& block, std::uint32_t count) {
    const Offset base = staged_;
    head_ = seal_block(block, base, head_, begins_segment_);
    begins_segment_ = false;
    staged_ = Offset(base.value() + count);
    return base;
}

void PartitionLog::publish(SharedBlock block, std::uint64_t stored_bytes) {
    const std::lock_guard lock(mutex_);
    Segment& segment = segments_.back();
    if (segment.empty) segment.first_timestamp = block->last_timestamp;
    segment.empty = false;
    segment.last_timestamp = std::max(segment.last_timestamp, block->last_timestamp);
    segment.bytes += stored_bytes;
    end_ = block->end();
    recent_.push_back(std::move(block));
}

std::size_t PartitionLog::forget_oldest() {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = recent_.front()->raw.size();
    recent_.pop_front();
    return bytes;
}

Offset PartitionLog::begin() const {
    const std::lock_guard lock(mutex_);
    return segments_.front().base;
}

Offset PartitionLog::end() const {
    const std::lock_guard lock(mutex_);
    return end_;
}

Result<void> PartitionLog::read(Offset from, std::size_t max_bytes, RecordBatch& out) const {
    BatchFill fill(from, max_bytes, out);
    std::vector<SharedBlock> blocks;
    std::vector<Segment> segments;
    Offset end;
    {
        const std::lock_guard lock(mutex_);
        const Offset begin = segments_.front().base;
        if (from < begin)
            return fail(Errc::OutOfRange,
                        fmt::format("{} was dropped by retention; the first offset kept is {}",
                                    to_string(tp_, from), begin.value()));
        end = end_;
        if (from >= end) return {};
        if (!recent_.empty() && from >= recent_.front()->base) {
            std::size_t bytes = 0;
            for (auto at = first_behind(recent_, from); at != recent_.end() && bytes < max_bytes;
                 ++at) {
                // A block that the reader is in the middle of may count for nothing.
                if ((*at)->base >= from) bytes += (*at)->raw.size();
                blocks.push_back(*at);
            }
        } else {
            const auto first = std::ranges::upper_bound(segments_, from, {}, &Segment::base);
            segments.assign(std::prev(first), segments_.end());
            const auto cut = std::ranges::find_if(cut_, [&](const SharedBlock& block) {
                return block->base <= from && from < block->end();
            });
            if (cut != cut_.end()) blocks.push_back(*cut);
        }
    }
    for (auto block = blocks.begin(); block != blocks.end() && !fill.full(); ++block)
        VITALOG_CHECK(fill.add(*block));
    Offset at = out.next;
    for (auto segment = segments.begin(); segment != segments.end() && !fill.full() && at < end;
         ++segment)
        VITALOG_CHECK(fill_from_disk(*segment, end, fill, at));
    if (out.records.empty()) out.next = end;  // a gap that a crash left at the end
    return {};
}

Result<PartitionLog::SharedBlock> PartitionLog::decode(Offset base, std::string_view stored) const {
    auto decoded = decode_block(base, stored);
    if (!decoded) return tl::unexpected(block_error(base, decoded.error()));
    return std::make_shared<const RecordBlock>(std::move(*decoded));
}

Result<void> PartitionLog::fill_from_disk(const Segment& segment, Offset end, BatchFill& fill,
                                          Offset& at) const {
    const std::string limit = block_key(end);
    const rocksdb::Slice upper_bound = limit;
    rocksdb::ReadOptions options = iterating();
    options.iterate_upper_bound = &upper_bound;
    options.verify_checksums = !planted("believe-damaged-records");
    const std::unique_ptr<rocksdb::Iterator> stored(
        rocks_.db().NewIterator(options, segment.family->get()));
    // The block that holds `at` begins at it, as a rule, or before it.
    const std::string key = block_key(at);
    stored->Seek(key);
    if (!stored->Valid() || stored->key() != rocksdb::Slice(key)) {
        stored->SeekForPrev(key);
        if (!stored->Valid()) stored->SeekToFirst();
    }
    for (; stored->Valid() && !fill.full(); stored->Next()) {
        VITALOG_TRY(const Offset base, block_base(to_view(stored->key())));
        VITALOG_TRY(const SharedBlock block, decode(base, to_view(stored->value())));
        if (block->end() <= at) continue;  // the last of its segment, in the batch already
        if (const auto added = fill.add(block); !added)
            return tl::unexpected(block_error(base, added.error()));
        at = std::max(at, fill.next());
        if (at < block->end()) {
            const std::lock_guard lock(mutex_);
            if (cut_.size() == kCutBlocksMax) cut_.pop_front();
            cut_.push_back(block);
        }
    }
    return check(stored->status(), "cannot read " + segment_name(tp_, segment.base), database());
}

Result<void> PartitionLog::visit_blocks(const BlockVisit& visit) const {
    for (const Segment& segment : segments()) {
        rocksdb::ReadOptions options = iterating();
        options.fill_cache = false;
        options.readahead_size = kReadAheadBytes;
        const std::unique_ptr<rocksdb::Iterator> stored(
            rocks_.db().NewIterator(options, segment.family->get()));
        for (stored->SeekToFirst(); stored->Valid(); stored->Next()) {
            VITALOG_TRY(const Offset base, block_base(to_view(stored->key())));
            VITALOG_CHECK(visit(base, to_view(stored->value())));
        }
        VITALOG_CHECK(
            check(stored->status(), "cannot read " + segment_name(tp_, segment.base), database()));
    }
    return {};
}

}  // namespace vitalog::topology
