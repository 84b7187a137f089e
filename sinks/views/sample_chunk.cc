#include "sinks/views/sample_chunk.h"

#include <algorithm>
#include <array>

#include "schemas/base/binary.h"
#include "schemas/base/stored_version.h"

namespace vitalog::sinks::views {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::array<std::int64_t, 3> kGrids{1, 1'000, 60'000};
constexpr std::array<std::int64_t, 7> kPowers{1, 10, 100, 1'000, 10'000, 100'000, 1'000'000};

enum Spans : std::uint8_t { kNone, kAlike, kEach };

std::size_t grid_of(const std::vector<Sample>& samples) {
    for (std::size_t grid = kGrids.size() - 1; grid > 0; --grid)
        if (std::all_of(samples.begin(), samples.end(),
                        [&](const Sample& s) { return s.at % kGrids[grid] == 0; }))
            return grid;
    return 0;
}

Spans spans_of(const std::vector<Sample>& samples) {
    const std::int64_t span = samples.front().span;
    const bool alike = std::all_of(samples.begin(), samples.end(),
                                   [&](const Sample& s) { return s.span == span; });
    return !alike ? kEach : span == 0 ? kNone : kAlike;
}

tl::unexpected<Error> damaged() {
    return fail(Errc::Damaged, "an hour of samples does not follow its format");
}

}  // namespace

std::string SampleChunk::encode() const {
    std::string bytes;
    BinaryWriter out(bytes);
    const std::size_t grid = grid_of(samples_);
    const Spans spans = spans_of(samples_);
    out.u8(kVersion);
    out.u8(static_cast<std::uint8_t>(decimals_));
    out.u8(static_cast<std::uint8_t>(grid));
    out.u8(spans);
    out.varint(samples_.size());
    out.varint(
        static_cast<std::uint64_t>((samples_.front().at - hour_ * kHourMillis) / kGrids[grid]));
    if (spans == kAlike) out.signed_varint(samples_.front().span);
    std::int64_t step_before = 0;
    for (std::size_t i = 1; i < samples_.size(); ++i) {
        const std::int64_t step = (samples_[i].at - samples_[i - 1].at) / kGrids[grid];
        out.signed_varint(step - step_before);
        step_before = step;
    }
    std::int64_t before = 0;
    for (const auto& sample : samples_) {
        out.signed_varint(sample.value - before);
        before = sample.value;
    }
    before = 0;
    for (std::size_t i = 0; spans == kEach && i < samples_.size(); ++i) {
        out.signed_varint(samples_[i].span - before);
        before = samples_[i].span;
    }
    return bytes;
}

Result<SampleChunk> SampleChunk::decode(std::int64_t hour, std::string_view bytes) {
    SampleChunk chunk(hour);
    BinaryReader in(bytes);
    const std::uint8_t version = in.u8();
    chunk.decimals_ = in.u8();
    const std::uint8_t grid = in.u8();
    const std::uint8_t spans = in.u8();
    const std::size_t count = in.count();
    if (version != kVersion) return other_version("a stored hour of samples", version, kVersion);
    if (chunk.decimals_ > kSampleDecimalsMax || grid >= kGrids.size() ||
        spans > kEach || count == 0)
        return damaged();
    const std::int64_t begin = hour * kHourMillis;
    const std::int64_t slots = kHourMillis / kGrids[grid];
    chunk.samples_.resize(count);
    auto at = static_cast<std::int64_t>(in.varint());
    const std::int64_t span = spans == kAlike ? in.signed_varint() : 0;
    std::int64_t step = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t change = i == 0 ? 0 : in.signed_varint();
        if (change < -slots || change > slots) return damaged();
        step += change;
        at += step;
        if (at < 0 || at >= slots || (i > 0 && step <= 0)) return damaged();
        chunk.samples_[i] = {begin + at * kGrids[grid], 0, span};
    }
    const std::int64_t value_max =
        kSampleValueMax * kPowers[static_cast<std::size_t>(chunk.decimals_)];
    std::uint64_t sum = 0;  // differences of damaged bytes may wrap
    for (auto& sample : chunk.samples_) {
        sample.value =
            static_cast<std::int64_t>(sum += static_cast<std::uint64_t>(in.signed_varint()));
        if (sample.value > value_max || sample.value < -value_max) return damaged();
    }
    sum = 0;
    for (auto& sample : chunk.samples_) {
        if (spans == kEach)
            sample.span =
                static_cast<std::int64_t>(sum += static_cast<std::uint64_t>(in.signed_varint()));
        if (sample.span < 0 || sample.span > kSampleTimeMax) return damaged();
    }
    VITALOG_CHECK(in.finish("an hour of samples"));
    return chunk;
}

void SampleChunk::use_decimals(int decimals) {
    if (decimals <= decimals_) return;
    const std::int64_t factor = kPowers[static_cast<std::size_t>(decimals - decimals_)];
    for (auto& sample : samples_) sample.value *= factor;
    decimals_ = decimals;
}

bool SampleChunk::add(std::span<const Sample> samples, int decimals) {
    use_decimals(decimals);
    const std::int64_t factor = kPowers[static_cast<std::size_t>(decimals_ - decimals)];
    bool changed = false;
    for (Sample sample : samples) {
        sample.value *= factor;
        if (samples_.empty() || sample.at > samples_.back().at) {
            samples_.push_back(sample);
            changed = true;
            continue;
        }
        const auto place =
            std::lower_bound(samples_.begin(), samples_.end(), sample.at,
                             [](const Sample& known, std::int64_t at) { return known.at < at; });
        if (*place == sample) continue;
        changed = true;
        if (place->at == sample.at)
            *place = sample;
        else
            samples_.insert(place, sample);
    }
    return changed;
}

double SampleChunk::value(const Sample& sample) const {
    return static_cast<double>(sample.value) /
           static_cast<double>(kPowers[static_cast<std::size_t>(decimals_)]);
}

SampleStatistics SampleChunk::statistics() const {
    SampleStatistics all;
    const auto [least, most] =
        std::minmax_element(samples_.begin(), samples_.end(),
                            [](const Sample& a, const Sample& b) { return a.value < b.value; });
    all.count = static_cast<std::int64_t>(samples_.size());
    all.min = value(*least);
    all.max = value(*most);
    all.first = value(samples_.front());
    all.last = value(samples_.back());
    all.from = samples_.front().at;
    all.to = samples_.back().at;
    long double total = 0;  // of whole numbers, exact up to 2^64
    for (const auto& sample : samples_) {
        total += static_cast<long double>(sample.value);
        all.from = std::min(all.from, sample.at - sample.span);
        all.spans = all.spans || sample.span > 0;
    }
    all.sum = static_cast<double>(
        total / static_cast<long double>(kPowers[static_cast<std::size_t>(decimals_)]));
    return all;
}

}  // namespace vitalog::sinks::views
