#include "processors/care/windows.h"

#include <algorithm>
#include <utility>

namespace vitalog::processors::care {

// windows = { entry }, each measure once
// entry   = loinc unit newest_at newest_value body        body: text, a window; its first bytes
//           are decimals and event id
// The newest sample stands before the body, so that it is read without unpacking it.

std::optional<Windows::Entry> Windows::next(std::size_t from) const {
    if (from >= packed_.size()) return std::nullopt;
    BinaryReader in(std::string_view(packed_).substr(from));
    Entry entry;
    entry.begin = from;
    entry.loinc = in.text();
    entry.unit = in.text();
    entry.newest_at = in.signed_varint();
    entry.newest_value = in.signed_varint();
    entry.body = in.text();
    entry.end = packed_.size() - in.rest().size();
    return entry;
}

std::optional<Windows::Entry> Windows::find(std::string_view loinc, std::string_view unit) const {
    for (auto entry = next(0); entry; entry = next(entry->end))
        if (entry->loinc == loinc && entry->unit == unit) return entry;
    return std::nullopt;
}

void Windows::load(std::string_view loinc, std::string_view unit, Window& window) const {
    window.clear();
    const auto entry = find(loinc, unit);
    if (!entry) return;
    BinaryReader in(entry->body);
    const bool read = window.decode(in) && in.at_end();
    VITALOG_ASSERT(read, "a window reads back as it was written, or was refused by decode()");
}

bool Windows::store(std::string_view loinc, std::string_view unit, Window& window) {
    std::size_t count = 0;
    Entry place;
    place.begin = place.end = packed_.size();
    for (auto entry = next(0); entry; entry = next(entry->end), ++count)
        if (entry->loinc == loinc && entry->unit == unit) place = *entry;
    const bool known = place.begin != place.end;
    if (!known && count >= kWindowsPerPersonMax) return false;
    window.forget_old();
    std::string body;
    body.reserve(place.body.size() + 64);
    BinaryWriter body_writer(body);
    window.encode(body_writer);
    std::string entry;
    entry.reserve(body.size() + 64);
    BinaryWriter writer(entry);
    writer.text(loinc);
    writer.text(unit);
    writer.signed_varint(window.newest().last_at);
    writer.signed_varint(window.newest().last);
    writer.text(body);
    const std::size_t size = packed_.size() - (place.end - place.begin) + entry.size();
    if (size > packed_.capacity()) {
        // A sixteenth more than is needed: millions of persons are held at once.
        std::string grown;
        grown.reserve(size + size / 16);
        grown.append(packed_);
        packed_ = std::move(grown);
    }
    packed_.replace(place.begin, place.end - place.begin, entry);
    return true;
}

LatestSample Windows::Entry::latest() const {
    BinaryReader in(body);
    LatestSample latest;
    latest.at = EventTime::from_millis(newest_at);
    latest.value = sample_value(newest_value, in.u8());
    for (auto& byte : latest.event.bytes) byte = in.u8();
    return latest;
}

std::optional<LatestSample> Windows::latest(std::string_view loinc, std::string_view unit) const {
    const auto entry = find(loinc, unit);
    if (!entry) return std::nullopt;
    return entry->latest();
}

std::optional<LatestSample> Windows::latest(std::string_view loinc, std::string_view unit,
                                            EventTime moment) const {
    auto newest = latest(loinc, unit);
    if (!newest || newest->at <= moment) return newest;
    Window window;
    load(loinc, unit, window);
    const Bucket* found = nullptr;
    for (std::size_t n = 0; n < Window::kLevels.size() && found == nullptr; ++n)
        for (const Bucket& bucket : window.level(n))
            if (bucket.last_at <= moment.millis()) found = &bucket;
    if (found == nullptr) return std::nullopt;
    return LatestSample{EventTime::from_millis(found->last_at), window.scaled(found->last),
                        window.event};
}

std::vector<Windows::Newest> Windows::newest() const {
    std::vector<Newest> all;
    for (auto entry = next(0); entry; entry = next(entry->end))
        all.push_back({entry->loinc, entry->unit, entry->latest()});
    return all;
}

std::optional<EventTime> Windows::last_of(std::string_view loinc) const {
    std::optional<EventTime> last;
    for (auto entry = next(0); entry; entry = next(entry->end)) {
        if (entry->loinc != loinc) continue;
        const EventTime at = EventTime::from_millis(entry->newest_at);
        if (!last || at > *last) last = at;
    }
    return last;
}

void Windows::absorb(const Windows& other) {
    Window mine, theirs;
    for (auto entry = other.next(0); entry; entry = other.next(entry->end)) {
        other.load(entry->loinc, entry->unit, theirs);
        load(entry->loinc, entry->unit, mine);
        mine.absorb(theirs);
        store(entry->loinc, entry->unit, mine);
    }
}

void Windows::prefetch() const {
    constexpr std::size_t kCacheLine = 64;
    constexpr std::size_t kPrefetchedMax = 2048;
    for (std::size_t at = 0; at < std::min(packed_.size(), kPrefetchedMax); at += kCacheLine)
        __builtin_prefetch(packed_.data() + at);
}

bool Windows::decode(BinaryReader& in) {
    packed_ = in.text();
    Window window;
    std::size_t count = 0;
    for (std::size_t from = 0; from < packed_.size(); ++count) {
        BinaryReader entry(std::string_view(packed_).substr(from));
        const auto loinc = entry.text();
        const auto unit = entry.text();
        const std::int64_t at = entry.signed_varint();
        const std::int64_t value = entry.signed_varint();
        BinaryReader body(entry.text());
        if (!entry.ok() || !window.decode(body) || !body.at_end()) return false;
        if (at != window.newest().last_at || value != window.newest().last) return false;
        const auto first = find(loinc, unit);
        if (!first || first->begin != from) return false;
        from = packed_.size() - entry.rest().size();
    }
    return in.ok() && count <= kWindowsPerPersonMax;
}

}  // namespace vitalog::processors::care
