#include "processors/care/index_results.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vitalog::processors::care {
namespace {

constexpr std::array<std::string_view, 18> kBands{
    "low",         "low-medium", "medium",     "high",     "normal",         "raised",
    "underweight", "obese",      "overweight", "suitable", "below-suitable", "high-normal",
    "grade-1",     "grade-2",    "grade-3",    "moderate", "very-high",      "above-suitable"};

bool before(const IndexResult& a, const IndexResult& b) {
    return std::pair(a.kind, a.at) < std::pair(b.kind, b.at);
}

IndexResult at_place(std::uint8_t kind, EventTime at) {
    IndexResult place;
    place.kind = kind;
    place.at = at;
    return place;
}

}  // namespace

std::span<const std::string_view> band_names() {
    return kBands;
}

std::uint8_t band_number(std::string_view band) {
    if (band.empty()) return kNoBand;
    const auto found = std::find(kBands.begin(), kBands.end(), band);
    return found == kBands.end() ? kNoBand : static_cast<std::uint8_t>(found - kBands.begin());
}

std::span<const IndexResult> IndexResults::of(std::uint8_t kind) const {
    const auto range = std::equal_range(
        results_.begin(), results_.end(), at_place(kind, {}),
        [](const IndexResult& a, const IndexResult& b) { return a.kind < b.kind; });
    return {range.first, range.second};
}

const IndexResult* IndexResults::find(std::uint8_t kind, EventTime at) const {
    const auto found =
        std::lower_bound(results_.begin(), results_.end(), at_place(kind, at), before);
    return found != results_.end() && found->kind == kind && found->at == at ? &*found : nullptr;
}

const IndexResult* IndexResults::newest(std::uint8_t kind, EventTime at) const {
    const auto after =
        std::upper_bound(results_.begin(), results_.end(), at_place(kind, at), before);
    return after != results_.begin() && (after - 1)->kind == kind ? &*(after - 1) : nullptr;
}

void IndexResults::put(const IndexResult& result) {
    const auto place = std::lower_bound(results_.begin(), results_.end(), result, before);
    if (place != results_.end() && place->kind == result.kind && place->at == result.at) {
        *place = result;
        return;
    }
    // Grows by an eighth, not by half: millions of persons are held at once.
    const auto index = place - results_.begin();
    if (results_.size() == results_.capacity())
        results_.reserve(results_.size() + results_.size() / 8 + 2);
    results_.insert(results_.begin() + index, result);
    const auto list = of(result.kind);
    if (list.size() > kIndexResultsMax)
        results_.erase(results_.begin() + (list.data() - results_.data()));
}

void IndexResults::erase(std::uint8_t kind, EventTime at) {
    if (const auto* found = find(kind, at))
        results_.erase(results_.begin() + (found - results_.data()));
}

// index results = n { result }, by kind and time
// result        = kind delta(at) offset digest said known band settled; times relative to the one
// before
void IndexResults::encode(BinaryWriter& out) const {
    out.varint(results_.size());
    std::int64_t time = 0;
    for (const auto& result : results_) {
        out.u8(result.kind);
        out.signed_varint(result.at.micros() - time);
        time = result.at.micros();
        out.signed_varint(result.offset_minutes);
        out.fixed32(result.digest);
        out.fixed32(result.said);
        out.varint(result.known);
        out.u8(result.band);
        out.boolean(result.settled);
    }
}

bool IndexResults::decode(BinaryReader& in) {
    const std::size_t count = in.count();
    if (count > kIndexResultsMax * index_kinds().size()) return false;
    results_.reserve(count);
    std::int64_t time = 0;
    for (std::size_t i = 0; i < count; ++i) {
        IndexResult result;
        result.kind = in.u8();
        // In unsigned arithmetic: a damaged delta wraps instead of overflowing.
        time = static_cast<std::int64_t>(static_cast<std::uint64_t>(time) +
                                         static_cast<std::uint64_t>(in.signed_varint()));
        result.at = EventTime(time);
        result.offset_minutes = static_cast<std::int16_t>(in.signed_varint());
        result.digest = in.fixed32();
        result.said = in.fixed32();
        const auto known = in.varint();
        result.known = static_cast<Items>(known);
        result.band = in.u8();
        result.settled = in.boolean();
        if (!in.ok() || result.kind >= index_kinds().size() || known >= 1U << kItems ||
            (result.band >= kBands.size() && result.band != kNoBand) ||
            (i > 0 && !before(results_.back(), result)))
            return false;
        results_.push_back(result);
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
