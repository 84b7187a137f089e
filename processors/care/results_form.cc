#include <algorithm>
#include <bit>
#include <cmath>

#include "processors/care/results.h"

// The stored form of a person's results. Most of it is the ids of samples, which are random; the
// rest takes a byte or two per member.
//
// results = n { low high }          the table of ranges without its first, empty entry
//           n { event id }          ids of the records that brought samples
//           n { loinc unit display n sample }
// sample  = packed holds id event [order] delta(at) value [delta(sent)] [offset] range [flags]
//           [band digest]
// packed  = precision (3 bits) | comparator (3) | standing (2)
// holds   = what follows, see Holds; what it leaves out is 0, or the same as before
// value   = varint of (decimal mantissa, zigzag) << 2 | places behind the point, or 8 bytes
// Times are in seconds where that is exact, at relative to the sample before, sent relative to at.
//
// Before, in persons of version 2:
// results = n { low high } n { loinc unit display n sample }
// sample  = id event order delta(at) value delta(sent) offset range packed band flags digest
// with every member there, times in microseconds, values of 8 bytes, orders of 8, digests of 4.

namespace vitalog::processors::care {
namespace {

constexpr std::size_t kSampleBytesMin = 22;
constexpr std::size_t kEventsLookedThrough = 32;
constexpr std::size_t kSampleBytesUsual = 40;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::array<double, 4> kTens{1, 10, 100, 1000};
constexpr double kMantissaMax = 1e15;
constexpr std::int64_t kMicrosMax = std::int64_t{1} << 61;  // differences of such stay in range

enum Holds : std::uint8_t {
    kOrder = 1,
    kFlags = 2,
    kIndex = 4,   // band and digest
    kOffset = 8,  // another than the sample before
    kDecimal = 16,
    kSeconds = 32,
    kSent = 64,  // not the time of the sample
};

struct Decimal {
    std::int64_t mantissa = 0;
    unsigned places = 0;
};
/// The value as a decimal of at most three places, when it is one to the last bit.
std::optional<Decimal> decimal_of(double value) {
    if (value == 0 && std::signbit(value)) return std::nullopt;
    for (unsigned places = 0; places < kTens.size(); ++places) {
        const double scaled = value * kTens[places];
        if (!(std::abs(scaled) < kMantissaMax)) return std::nullopt;
        const double mantissa = std::nearbyint(scaled);
        if (mantissa / kTens[places] == value)
            return Decimal{static_cast<std::int64_t>(mantissa), places};
    }
    return std::nullopt;
}

/// Zigzag: small numbers of either sign give small ones.
std::uint64_t folded(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unfolded(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
// In unsigned arithmetic: a damaged number wraps instead of overflowing.
std::int64_t plus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t minus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t times(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

std::string_view bytes_of(const RecordId& id) {
    return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

/// The ids of the records that brought samples. Series see much the same records in the same order,
/// so that the next one is mostly found at once; one not found soon is entered again.
class Events {
  public:
    void begin_series() { next_ = 0; }
    std::uint32_t place_of(const RecordId& id) {
        const std::size_t until = std::min(list_.size(), next_ + kEventsLookedThrough);
        auto found = std::find(list_.begin() + static_cast<std::ptrdiff_t>(next_),
                               list_.begin() + static_cast<std::ptrdiff_t>(until), id);
        if (found == list_.begin() + static_cast<std::ptrdiff_t>(until)) {
            list_.push_back(id);
            found = std::prev(list_.end());
        }
        next_ = static_cast<std::size_t>(found - list_.begin());
        return static_cast<std::uint32_t>(next_);
    }
    const std::vector<RecordId>& list() const { return list_; }

  private:
    std::vector<RecordId> list_;
    std::size_t next_ = 0;
};

bool is_seconds(std::int64_t micros) {
    return micros % kSecond == 0 && micros < kMicrosMax && micros > -kMicrosMax;
}

/// What a sample's form refers to.
struct Before {
    std::int64_t at = 0;
    std::int16_t offset = 0;
};

unsigned holds_of(const Sample& sample, const Before& before, bool decimal) {
    unsigned holds = 0;
    if (sample.order != 0) holds |= kOrder;
    if (sample.flags[0] != 0) holds |= kFlags;
    if (sample.band != 0 || sample.digest != 0) holds |= kIndex;
    if (sample.offset_minutes != before.offset) holds |= kOffset;
    if (decimal) holds |= kDecimal;
    if (is_seconds(sample.at.micros()) && is_seconds(sample.sent.micros()) && is_seconds(before.at))
        holds |= kSeconds;
    if (sample.sent != sample.at) holds |= kSent;
    return holds;
}

/// A sample's form, put together in place: millions are written.
class SampleWriter {
  public:
    void u8(unsigned value) { *at_++ = static_cast<char>(value); }
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) u8(static_cast<unsigned>(value & 0x7f) | 0x80);
        u8(static_cast<unsigned>(value));
    }
    void signed_varint(std::int64_t value) { varint(folded(value)); }
    void fixed64(std::uint64_t value) {
        for (int shift = 0; shift < 64; shift += 8)
            u8(static_cast<unsigned>(value >> shift & 0xff));
    }
    void fixed32(std::uint32_t value) {
        for (int shift = 0; shift < 32; shift += 8) u8(value >> shift & 0xff);
    }
    void bytes(std::string_view text) { at_ = std::copy(text.begin(), text.end(), at_); }
    std::string_view text() const {
        return {buffer_.data(), static_cast<std::size_t>(at_ - buffer_.data())};
    }

  private:
    // packed, holds, id, order, eight varints or reals, flags with their length, band, digest
    std::array<char, 2 + 16 + 8 + 8 * 10 + 5 + 1 + 4> buffer_;
    char* at_ = buffer_.data();
};

void write_sample(std::string& out, const Sample& sample, std::uint32_t event, Before& before) {
    const auto decimal = decimal_of(sample.value);
    const unsigned holds = holds_of(sample, before, decimal.has_value());
    const std::int64_t unit = (holds & kSeconds) != 0 ? kSecond : 1;
    SampleWriter form;
    form.u8(static_cast<unsigned>(sample.precision) |
            static_cast<unsigned>(sample.comparator) << 3 |
            static_cast<unsigned>(sample.standing) << 6);
    form.u8(holds);
    form.bytes(bytes_of(sample.id));
    form.varint(event);
    if ((holds & kOrder) != 0) form.fixed64(sample.order);
    form.signed_varint(minus(sample.at.micros(), before.at) / unit);
    if (decimal)
        form.varint(folded(decimal->mantissa) << 2 | decimal->places);
    else
        form.fixed64(std::bit_cast<std::uint64_t>(sample.value));
    if ((holds & kSent) != 0)
        form.signed_varint(minus(sample.sent.micros(), sample.at.micros()) / unit);
    if ((holds & kOffset) != 0) form.signed_varint(sample.offset_minutes);
    form.varint(sample.range);
    if ((holds & kFlags) != 0) {
        const std::string_view flags = sample.flags_text();
        form.u8(static_cast<unsigned>(flags.size()));
        form.bytes(flags);
    }
    if ((holds & kIndex) != 0) {
        form.u8(sample.band);
        form.fixed32(sample.digest);
    }
    out.append(form.text());
    before = {sample.at.micros(), sample.offset_minutes};
}

RecordId read_id(BinaryReader& in) {
    RecordId id;
    for (auto& byte : id.bytes) byte = in.u8();
    return id;
}

double read_value(BinaryReader& in, unsigned holds) {
    if ((holds & kDecimal) == 0) return in.real();
    const std::uint64_t number = in.varint();
    return static_cast<double>(unfolded(number >> 2)) / kTens[number & 3];
}

bool unpack(unsigned packed, Sample& sample) {
    if ((packed & 7) > static_cast<unsigned>(Precision::Fraction) ||
        (packed >> 3 & 7) > static_cast<unsigned>(Comparator::Greater))
        return false;
    sample.precision = static_cast<Precision>(packed & 7);
    sample.comparator = static_cast<Comparator>(packed >> 3 & 7);
    sample.standing = static_cast<Standing>(packed >> 6);
    return true;
}

bool read_sample(BinaryReader& in, const std::vector<RecordId>& events, std::size_t ranges,
                 Before& before, Sample& sample) {
    const unsigned packed = in.u8();
    const unsigned holds = in.u8();
    const std::int64_t unit = (holds & kSeconds) != 0 ? kSecond : 1;
    sample.id = read_id(in);
    const std::uint64_t event = in.varint();
    if ((holds & kOrder) != 0) sample.order = in.fixed64();
    sample.at = EventTime(plus(before.at, times(in.signed_varint(), unit)));
    sample.value = read_value(in, holds);
    sample.sent = sample.at;
    if ((holds & kSent) != 0)
        sample.sent = EventTime(plus(sample.at.micros(), times(in.signed_varint(), unit)));
    sample.offset_minutes =
        (holds & kOffset) != 0 ? static_cast<std::int16_t>(in.signed_varint()) : before.offset;
    const std::uint64_t range = in.varint();
    const std::string_view flags = (holds & kFlags) != 0 ? in.text() : std::string_view();
    if ((holds & kIndex) != 0) {
        sample.band = in.u8();
        sample.digest = in.fixed32();
    }
    if (!in.ok() || event >= events.size() || range >= ranges ||
        flags.size() > sample.flags.size() || (holds >> 7) != 0 || !unpack(packed, sample))
        return false;
    std::copy(flags.begin(), flags.end(), sample.flags.begin());
    sample.event = events[event];
    sample.range = static_cast<std::uint16_t>(range);
    before = {sample.at.micros(), sample.offset_minutes};
    return true;
}

bool read_sample_form_2(BinaryReader& in, std::size_t ranges, std::int64_t& before,
                        Sample& sample) {
    sample.id = read_id(in);
    sample.event = read_id(in);
    sample.order = in.fixed64();
    before = plus(before, in.signed_varint());
    sample.at = EventTime(before);
    sample.value = in.real();
    sample.sent = EventTime(plus(before, in.signed_varint()));
    sample.offset_minutes = static_cast<std::int16_t>(in.signed_varint());
    const std::uint64_t range = in.varint();
    const unsigned packed = in.u8();
    sample.band = in.u8();
    const std::string_view flags = in.text();
    sample.digest = in.fixed32();
    if (!in.ok() || range >= ranges || flags.size() > sample.flags.size() ||
        !unpack(packed, sample))
        return false;
    sample.range = static_cast<std::uint16_t>(range);
    std::copy(flags.begin(), flags.end(), sample.flags.begin());
    return true;
}

/// A series without its samples, which are to come from `begin` on.
Series read_series(BinaryReader& in, std::size_t begin) {
    Series series;
    series.loinc = in.text();
    series.unit = in.text();
    series.display = in.text();
    series.begin = static_cast<std::uint32_t>(begin);
    series.count = series.room = static_cast<std::uint32_t>(in.count());
    return series;
}

}  // namespace

void Results::encode(std::string& bytes) const {
    BinaryWriter out(bytes);
    const auto optional = [&](const std::optional<double>& value) {
        out.boolean(value.has_value());
        if (value) out.real(*value);
    };
    out.varint(ranges_.size() - 1);
    for (std::size_t i = 1; i < ranges_.size(); ++i) {
        optional(ranges_[i].low);
        optional(ranges_[i].high);
    }
    Events events;
    std::vector<std::uint32_t> places;
    places.reserve(samples_.size());
    for (std::uint32_t s = 0; s < series_.size(); ++s) {
        events.begin_series();
        for (const auto& sample : samples(s)) places.push_back(events.place_of(sample.event));
    }
    bytes.reserve(bytes.size() + events.list().size() * sizeof(RecordId) +
                  places.size() * kSampleBytesUsual + series_.size() * sizeof(Series));
    out.varint(events.list().size());
    for (const auto& id : events.list()) bytes.append(bytes_of(id));
    out.varint(series_.size());
    auto place = places.begin();
    for (std::uint32_t s = 0; s < series_.size(); ++s) {
        out.text(series_[s].loinc);
        out.text(series_[s].unit);
        out.text(series_[s].display);
        out.varint(series_[s].count);
        Before before;
        for (const auto& sample : samples(s)) write_sample(bytes, sample, *place++, before);
    }
}

bool Results::decode_ranges(BinaryReader& in) {
    const auto optional = [&]() -> std::optional<double> {
        if (!in.boolean()) return std::nullopt;
        return in.real();
    };
    const std::size_t ranges = in.count();
    if (ranges > kRangesMax) return false;
    ranges_.reserve(ranges + 1);
    for (std::size_t i = 0; i < ranges && in.ok(); ++i) {
        Range& range = ranges_.emplace_back();
        range.low = optional();
        range.high = optional();
    }
    return in.ok();
}

bool Results::decode(BinaryReader& in) {
    if (!decode_ranges(in)) return false;
    std::vector<RecordId> events;
    for (std::size_t n = in.count(); n > 0 && in.ok(); --n) events.push_back(read_id(in));
    const std::size_t count = in.count();
    if (count > kSeriesPerPersonMax) return false;
    series_.reserve(count);
    const std::size_t expected =
        std::min(in.rest().size() / kSampleBytesMin, count * kResultsPerSeriesMax);
    samples_.reserve(expected);
    tags_.reserve(expected);
    for (std::size_t s = 0; s < count && in.ok(); ++s) {
        const Series& series = series_.emplace_back(read_series(in, samples_.size()));
        Before before;
        for (std::uint32_t i = 0; i < series.count; ++i) {
            Sample& sample = samples_.emplace_back();
            if (!read_sample(in, events, ranges_.size(), before, sample)) return false;
            tags_.push_back(tag_of(sample.id));
        }
    }
    return in.ok();
}

bool Results::decode_form_2(BinaryReader& in) {
    if (!decode_ranges(in)) return false;
    const std::size_t count = in.count();
    if (count > kSeriesPerPersonMax) return false;
    series_.reserve(count);
    for (std::size_t s = 0; s < count && in.ok(); ++s) {
        const Series& series = series_.emplace_back(read_series(in, samples_.size()));
        std::int64_t before = 0;
        for (std::uint32_t i = 0; i < series.count; ++i) {
            Sample& sample = samples_.emplace_back();
            if (!read_sample_form_2(in, ranges_.size(), before, sample)) return false;
            tags_.push_back(tag_of(sample.id));
        }
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
