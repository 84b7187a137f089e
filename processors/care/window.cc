#include "processors/care/window.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace vitalog::processors::care {
namespace {

constexpr std::uint64_t kManySquares = UINT64_MAX;
constexpr std::array<std::int64_t, kSampleDecimalsMax + 1> kPowers{1,      10,      100,      1'000,
                                                                   10'000, 100'000, 1'000'000};

std::int64_t slot_of(std::int64_t at, std::int64_t width) {
    const std::int64_t slot = at / width;
    return slot * width > at ? slot - 1 : slot;
}

// Sums of squares stop at the largest number. Adding what is not negative up to a limit gives the
// same in any order.
std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? kManySquares : sum;
}
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? kManySquares : product;
}
std::uint64_t square(std::int64_t value) {
    const auto size = static_cast<std::uint64_t>(std::llabs(value));
    return times(size, size);
}

void begin(Bucket& bucket, std::int64_t at, std::int64_t value, SourceWord word) {
    bucket = {.slot = bucket.slot,
              .count = 1,
              .word = word,
              .min = value,
              .max = value,
              .sum = value,
              .squares = square(value),
              .last = value,
              .first_at = at,
              .last_at = at};
}

void add(Bucket& bucket, std::int64_t at, std::int64_t value) {
    if (bucket.count == kSamplesPerBucketMax) return;
    ++bucket.count;
    bucket.min = std::min(bucket.min, value);
    bucket.max = std::max(bucket.max, value);
    bucket.sum += value;
    bucket.squares = plus(bucket.squares, square(value));
    bucket.first_at = std::min(bucket.first_at, at);
    if (at > bucket.last_at) {
        bucket.last = value;
        bucket.last_at = at;
    }
}

void add(Bucket& bucket, const Bucket& other) {
    if (bucket.count + other.count > kSamplesPerBucketMax) return;
    bucket.count += other.count;
    bucket.min = std::min(bucket.min, other.min);
    bucket.max = std::max(bucket.max, other.max);
    bucket.sum += other.sum;
    bucket.squares = plus(bucket.squares, other.squares);
    bucket.first_at = std::min(bucket.first_at, other.first_at);
    if (other.last_at > bucket.last_at) {
        bucket.last = other.last;
        bucket.last_at = other.last_at;
    }
}

/// The bucket of a slot: there, or made where it belongs.
Bucket& bucket_at(std::vector<Bucket>& level, std::int64_t slot) {
    auto place = level.end();
    while (place != level.begin() && (place - 1)->slot >= slot) --place;
    if (place != level.end() && place->slot == slot) return *place;
    return *level.insert(place, Bucket{.slot = slot});
}

void drop_old(std::vector<Bucket>& level, const Window::Shape& shape) {
    const std::int64_t oldest = level.back().slot - shape.buckets;
    std::erase_if(level, [&](const Bucket& bucket) { return bucket.slot <= oldest; });
}

bool keeps(const std::vector<Bucket>& level, const Window::Shape& shape, std::int64_t slot) {
    return level.empty() || slot > level.back().slot - shape.buckets;
}

/// The slots of a moment at every level. Widths are constants here, which spares the divisions.
std::array<std::int64_t, 4> slots_of(std::int64_t at) {
    constexpr auto& kLevels = Window::kLevels;
    return {slot_of(at, kLevels[0].width), slot_of(at, kLevels[1].width),
            slot_of(at, kLevels[2].width), slot_of(at, kLevels[3].width)};
}

/// Returns whether the sample counts in its bucket; none where it is too old for the level.
std::optional<bool> fold_into(std::vector<Bucket>& level, const Window::Shape& shape,
                              std::int64_t slot, std::int64_t at, std::int64_t value,
                              SourceWord word) {
    if (!keeps(level, shape, slot)) return std::nullopt;
    Bucket& bucket = bucket_at(level, slot);
    const bool counts = bucket.count == 0 || word <= bucket.word;
    if (bucket.count == 0 || word < bucket.word)
        begin(bucket, at, value, word);
    else if (counts)
        add(bucket, at, value);
    if (level.front().slot <= level.back().slot - shape.buckets) drop_old(level, shape);
    return counts;
}

}  // namespace

std::int64_t sample_value_max(int decimals) {
    return kSampleMagnitudeMax * kPowers[static_cast<std::size_t>(decimals)];
}

double sample_value(std::int64_t value, int decimals) {
    return static_cast<double>(value) /
           static_cast<double>(kPowers[static_cast<std::size_t>(decimals)]);
}

SourceWord source_word(int rank, std::string_view source) {
    const auto name = static_cast<SourceWord>(hash64(source) & 0xffffff);
    return static_cast<SourceWord>(std::clamp(rank, 0, 255)) << 24 | name;
}

void Window::clear() {
    for (auto& level : levels_) level.clear();
    sources_.clear();
    decimals_ = 0;
    event = {};
}

void Window::use_decimals(int decimals) {
    if (decimals <= decimals_) return;
    const std::int64_t factor = kPowers[static_cast<std::size_t>(decimals - decimals_)];
    decimals_ = decimals;
    for (auto& level : levels_)
        for (auto& bucket : level) {
            for (auto* value : {&bucket.min, &bucket.max, &bucket.sum, &bucket.last})
                *value *= factor;
            bucket.squares = times(bucket.squares, static_cast<std::uint64_t>(factor * factor));
        }
}

SeenTimes& Window::seen_by(SourceWord word) {
    const auto place = std::lower_bound(
        sources_.begin(), sources_.end(), word,
        [](const Source& source, SourceWord wanted) { return source.word < wanted; });
    if (place != sources_.end() && place->word == word) return place->seen;
    if (sources_.size() < kSourcesPerWindowMax)
        return sources_.insert(place, Source{word, {}})->seen;
    // One more source than is kept: it takes the place of the one that was silent longest.
    auto silent = std::min_element(
        sources_.begin(), sources_.end(),
        [](const Source& a, const Source& b) { return a.seen.newest() < b.seen.newest(); });
    *silent = Source{word, {}};
    std::sort(sources_.begin(), sources_.end(),
              [](const Source& a, const Source& b) { return a.word < b.word; });
    return seen_by(word);
}

Folded Window::fold(std::int64_t at, std::int64_t value, SourceWord word) {
    const auto slots = slots_of(at);
    if (!keeps(levels_.back(), kLevels.back(), slots.back())) return Folded::TooOld;
    if (!seen_by(word).insert(at)) return Folded::Repeat;
    std::optional<bool> counts;  // in the finest level that still holds its time
    for (std::size_t n = 0; n < kLevels.size(); ++n) {
        const auto counted = fold_into(levels_[n], kLevels[n], slots[n], at, value, word);
        if (!counts) counts = counted;
    }
    return counts.value_or(false) ? Folded::Counted : Folded::Outranked;
}

void Window::forget_old() {
    if (levels_.back().empty()) return;
    const auto& weeks = kLevels.back();
    const std::int64_t oldest = (levels_.back().back().slot - weeks.buckets + 1) * weeks.width;
    for (auto& source : sources_) source.seen.forget_before(oldest);
    std::erase_if(sources_, [](const Source& source) { return source.seen.empty(); });
}

void Window::absorb(const Window& other) {
    if (other.empty()) return;
    if (empty()) {
        *this = other;
        return;
    }
    Window theirs = other;
    theirs.use_decimals(decimals_);
    use_decimals(theirs.decimals_);
    if (theirs.newest().last_at > newest().last_at) event = theirs.event;
    for (std::size_t n = 0; n < kLevels.size(); ++n) {
        auto& level = levels_[n];
        for (const Bucket& bucket : theirs.levels_[n]) {
            if (!keeps(level, kLevels[n], bucket.slot)) continue;
            Bucket& mine = bucket_at(level, bucket.slot);
            if (mine.count == 0 || bucket.word < mine.word)
                mine = bucket;
            else if (bucket.word == mine.word)
                add(mine, bucket);
            drop_old(level, kLevels[n]);
        }
    }
    for (const auto& source : theirs.sources_) seen_by(source.word).absorb(source.seen);
    forget_old();
}

double Window::scaled(std::int64_t value) const {
    return sample_value(value, decimals_);
}

namespace {

/// What several buckets come to.
struct Total {
    std::int64_t count = 0;
    std::int64_t min = INT64_MAX;
    std::int64_t max = INT64_MIN;
    __int128 sum = 0;
    std::uint64_t squares = 0;

    void add(const Bucket& bucket) {
        count += bucket.count;
        min = std::min(min, bucket.min);
        max = std::max(max, bucket.max);
        sum += bucket.sum;
        squares = plus(squares, bucket.squares);
    }
    /// In units of the values.
    std::optional<double> deviation() const {
        if (count < 2 || squares == kManySquares) return std::nullopt;
        // n * squares - sum^2, exact: no digits are lost where values differ little. It fits, as
        // sum^2 is at most n * squares.
        const __int128 spread = static_cast<__int128>(squares) * count - sum * sum;
        const auto n = static_cast<double>(count);
        return std::sqrt(static_cast<double>(spread) / (n * (n - 1)));
    }
};

}  // namespace

std::optional<rules::Statistics> Window::statistics(schemas::WindowLength length,
                                                    EventTime as_of) const {
    const auto n = static_cast<std::size_t>(length);
    const Shape& shape = kLevels[n];
    const std::int64_t current = slot_of(as_of.millis(), shape.width);
    std::array<rules::Point, 24> points;
    std::size_t used = 0;
    Total total;
    rules::Statistics result;
    for (const Bucket& bucket : levels_[n]) {
        if (bucket.slot > current || bucket.slot <= current - shape.buckets) continue;
        if (used == 0) result.first = EventTime::from_millis(bucket.first_at);
        result.last = EventTime::from_millis(bucket.last_at);
        const std::int64_t middle = bucket.first_at + (bucket.last_at - bucket.first_at) / 2;
        points[used++] = {EventTime::from_millis(middle), scaled(bucket.sum) / bucket.count,
                          static_cast<double>(bucket.count)};
        total.add(bucket);
    }
    if (used == 0) return std::nullopt;
    result.count = total.count;
    result.min = scaled(total.min);
    result.max = scaled(total.max);
    result.mean = static_cast<double>(total.sum) /
                  (static_cast<double>(total.count) *
                   static_cast<double>(kPowers[static_cast<std::size_t>(decimals_)]));
    if (const auto deviation = total.deviation())
        result.deviation =
            *deviation / static_cast<double>(kPowers[static_cast<std::size_t>(decimals_)]);
    result.slope = rules::slope_of(std::span(points).first(used));
    return result;
}

std::optional<Window::Extremes> Window::extremes_before(EventTime at,
                                                        std::chrono::microseconds within) const {
    const std::int64_t millis = at.millis();
    const std::int64_t reach =
        std::chrono::duration_cast<std::chrono::milliseconds>(within).count();
    std::size_t n = 0;
    while (n + 1 < kLevels.size() && kLevels[n].width * kLevels[n].buckets < reach) ++n;
    const std::int64_t from = slot_of(millis - reach, kLevels[n].width);
    const std::int64_t to = slot_of(millis, kLevels[n].width);
    std::optional<Extremes> result;
    for (const Bucket& bucket : levels_[n]) {
        if (bucket.slot < from || bucket.slot > to) continue;
        if (bucket.slot == to && bucket.last_at > millis) continue;
        const double min = scaled(bucket.min);
        const double max = scaled(bucket.max);
        result = result ? Extremes{std::min(result->min, min), std::max(result->max, max)}
                        : Extremes{min, max};
    }
    return result;
}

// window = decimals event 4 level sources
// level  = n bucket
// bucket = delta(slot)*8+flags [word] count min first_at [range sum-min*count centred
//          last_at-first_at last-min]         in brackets: not of a single sample
// flags  = 1 another word than the bucket before, 2 squares unknown, 4 times in whole seconds
// centred = sum of (value - min)^2, modulo 2^64
// sources = n { word seen }
// Times are relative to the bucket's begin.

namespace {

constexpr std::int64_t kMillisMax = std::int64_t{1} << 49;
constexpr std::uint64_t kNewWord = 1, kNoSquares = 2, kSeconds = 4;

std::uint64_t centred(const Bucket& bucket, std::uint64_t squares, bool back) {
    // (v - m)^2 = v^2 - 2mv + m^2, in arithmetic modulo 2^64 both ways.
    const auto m = static_cast<std::uint64_t>(bucket.min);
    const std::uint64_t shift =
        2 * m * static_cast<std::uint64_t>(bucket.sum) - bucket.count * m * m;
    return back ? squares + shift : squares - shift;
}

/// Where the encoding of a level's buckets stands.
struct BucketForm {
    std::int64_t width;
    std::int64_t value_max;
    SourceWord word;        ///< of the bucket before
    std::int64_t slot = 0;  ///< of the bucket before
};

void encode_bucket(BinaryWriter& out, const Bucket& bucket, BucketForm& form) {
    const std::int64_t first_at = bucket.first_at - bucket.slot * form.width;
    const std::int64_t lasted = bucket.last_at - bucket.first_at;
    std::uint64_t flags = 0;
    if (bucket.word != form.word) flags |= kNewWord;
    if (bucket.squares == kManySquares) flags |= kNoSquares;
    if (first_at % 1000 == 0 && lasted % 1000 == 0) flags |= kSeconds;
    const std::int64_t tick = (flags & kSeconds) != 0 ? 1000 : 1;
    out.signed_varint((bucket.slot - form.slot) * 8 + static_cast<std::int64_t>(flags));
    if ((flags & kNewWord) != 0) out.fixed32(bucket.word);
    form.word = bucket.word;
    form.slot = bucket.slot;
    out.varint(bucket.count);
    out.signed_varint(bucket.min);
    out.varint(static_cast<std::uint64_t>(first_at / tick));
    if (bucket.count == 1) return;
    const auto above = [&](std::int64_t value) {
        out.varint(static_cast<std::uint64_t>(value - bucket.min));
    };
    above(bucket.max);
    out.varint(static_cast<std::uint64_t>(bucket.sum - bucket.min * bucket.count));
    if ((flags & kNoSquares) == 0) out.varint(centred(bucket, bucket.squares, false));
    out.varint(static_cast<std::uint64_t>(lasted / tick));
    above(bucket.last);
}

/// What a bucket of several samples says beside its smallest value and its first time.
struct BeyondOne {
    std::uint64_t range = 0, sum = 0, squares = 0, lasted = 0, last = 0;

    void read(BinaryReader& in, bool with_squares) {
        range = in.varint();
        sum = in.varint();
        if (with_squares) squares = in.varint();
        lasted = in.varint();
        last = in.varint();
    }
    bool plausible(const BucketForm& form, std::uint64_t count) const {
        return range <= 2 * static_cast<std::uint64_t>(form.value_max) && last <= range &&
               sum <= range * count && lasted < static_cast<std::uint64_t>(form.width);
    }
};

/// No sum of squares that is known is smaller than the square of the sum by the count.
bool squares_fit(const Bucket& bucket) {
    if (bucket.squares == kManySquares) return true;
    return static_cast<__int128>(bucket.sum) * bucket.sum <=
           static_cast<__int128>(bucket.squares) * bucket.count;
}

/// Damaged bytes may say anything: false unless the bucket could have come of samples.
bool decode_bucket(BinaryReader& in, Bucket& bucket, BucketForm& form) {
    const std::int64_t packed = in.signed_varint();
    const std::int64_t slots_max = kMillisMax / form.width;
    if (packed > 32 * slots_max || packed < -32 * slots_max) return false;
    const auto flags = static_cast<std::uint64_t>(packed & 7);
    bucket.slot = form.slot + (packed - static_cast<std::int64_t>(flags)) / 8;
    if (std::llabs(bucket.slot) > slots_max) return false;
    if ((flags & kNewWord) != 0) {
        const SourceWord next = in.fixed32();
        if (next == form.word) return false;
        form.word = next;
    }
    bucket.word = form.word;
    form.slot = bucket.slot;
    const std::uint64_t count = in.varint();
    bucket.min = in.signed_varint();
    const std::uint64_t first_at = in.varint();
    BeyondOne beyond;
    if (count > 1) beyond.read(in, (flags & kNoSquares) == 0);
    const auto ticks = static_cast<std::uint64_t>((flags & kSeconds) != 0 ? 1000 : 1);
    if (count == 0 || count > kSamplesPerBucketMax || bucket.min > form.value_max ||
        bucket.min < -form.value_max || !beyond.plausible(form, count) ||
        first_at > static_cast<std::uint64_t>(form.width) ||
        (first_at + beyond.lasted) * ticks >= static_cast<std::uint64_t>(form.width))
        return false;
    const auto above = [&](std::uint64_t value) {
        return bucket.min + static_cast<std::int64_t>(value);
    };
    bucket.count = static_cast<std::uint32_t>(count);
    bucket.first_at = bucket.slot * form.width + static_cast<std::int64_t>(first_at * ticks);
    bucket.last_at = bucket.first_at + static_cast<std::int64_t>(beyond.lasted * ticks);
    bucket.max = above(beyond.range);
    bucket.last = above(beyond.last);
    bucket.sum = bucket.min * bucket.count + static_cast<std::int64_t>(beyond.sum);
    bucket.squares =
        (flags & kNoSquares) != 0 ? kManySquares : centred(bucket, beyond.squares, true);
    return in.ok() && bucket.max <= form.value_max && squares_fit(bucket);
}

}  // namespace

void Window::encode(BinaryWriter& out) const {
    out.u8(static_cast<std::uint8_t>(decimals_));
    for (const auto byte : event.bytes) out.u8(byte);
    SourceWord word = 0;
    for (std::size_t n = 0; n < kLevels.size(); ++n) {
        BucketForm form{kLevels[n].width, sample_value_max(decimals_), word};
        out.varint(levels_[n].size());
        for (const Bucket& bucket : levels_[n]) encode_bucket(out, bucket, form);
        word = form.word;
    }
    out.varint(sources_.size());
    for (const auto& source : sources_) {
        out.fixed32(source.word);
        source.seen.encode(out);
    }
}

bool Window::decode(BinaryReader& in) {
    decimals_ = in.u8();
    if (decimals_ > kSampleDecimalsMax) return false;
    for (auto& byte : event.bytes) byte = in.u8();
    SourceWord word = 0;
    for (std::size_t n = 0; n < kLevels.size(); ++n) {
        auto& level = levels_[n];
        level.clear();
        const std::size_t count = in.count();
        if (count == 0 || count > kLevels[n].buckets) return false;
        BucketForm form{kLevels[n].width, sample_value_max(decimals_), word};
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t before = form.slot;
            if (!decode_bucket(in, level.emplace_back(), form)) return false;
            if (i > 0 && form.slot <= before) return false;
        }
        word = form.word;
        if (level.front().slot <= level.back().slot - kLevels[n].buckets) return false;
    }
    const std::size_t count = in.count();
    if (count > kSourcesPerWindowMax) return false;
    sources_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        sources_[i].word = in.fixed32();
        if (i > 0 && sources_[i].word <= sources_[i - 1].word) return false;
        if (!sources_[i].seen.decode(in) || sources_[i].seen.empty()) return false;
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
