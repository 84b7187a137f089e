#include "processors/care/spo2_scales.h"

#include <algorithm>

namespace vitalog::processors::care {

void Spo2Scales::prescribe(news2::Scale scale, EventTime from) {
    if (at(from) == scale) return;
    const auto place = std::upper_bound(changes_.begin(), changes_.end(), from,
                                        [](EventTime t, const Change& c) { return t < c.from; });
    changes_.insert(place, {from, scale});
    if (changes_.size() > kScaleChangesMax) changes_.erase(changes_.begin());
}

news2::Scale Spo2Scales::at(EventTime moment) const {
    auto scale = news2::Scale::One;
    for (const auto& change : changes_)
        if (change.from <= moment) scale = change.scale;
    return scale;
}

void Spo2Scales::absorb(const Spo2Scales& other) {
    if (changes_.empty()) changes_ = other.changes_;
    for (const auto& theirs : other.changes_) {
        const bool known = std::any_of(changes_.begin(), changes_.end(), [&](const Change& mine) {
            return mine.from == theirs.from;
        });
        if (!known) prescribe(theirs.scale, theirs.from);
    }
}

// scales = n { from scale }
void Spo2Scales::encode(BinaryWriter& out) const {
    out.varint(changes_.size());
    for (const auto& change : changes_) {
        out.signed_varint(change.from.micros());
        out.u8(static_cast<std::uint8_t>(change.scale));
    }
}

bool Spo2Scales::decode(BinaryReader& in) {
    const std::size_t count = in.count();
    if (count > kScaleChangesMax) return false;
    for (std::size_t i = 0; i < count; ++i) {
        Change change{};
        change.from = EventTime(in.signed_varint());
        const auto scale = in.u8();
        if (scale != 1 && scale != 2) return false;
        change.scale = static_cast<news2::Scale>(scale);
        if (i > 0 && change.from < changes_.back().from) return false;
        changes_.push_back(change);
    }
    return in.ok();
}

}  // namespace vitalog::processors::care
