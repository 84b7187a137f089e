#include "processors/care/results.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vitalog::processors::care {
namespace {

constexpr std::array<std::string_view, 5> kComparators{"", "<", "<=", ">=", ">"};
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kPrefetchedMax = 1024;  // bytes of each list

/// Grows by an eighth, not by half: millions of persons are held at once.
template <class T>
void reserve_one(std::vector<T>& list) {
    if (list.size() == list.capacity()) list.reserve(list.size() + list.size() / 8 + 2);
}

/// The place that a series is to have: the same unless it is full.
std::uint32_t room_for(const Series& series) {
    return series.count < series.room ? series.room : series.count + series.count / 8 + 2;
}

/// The order within a series. Results of one moment are told apart by id, so that arrival does not
/// matter.
bool before(const Sample& a, const Sample& b) {
    return a.at != b.at ? a.at < b.at : a.id < b.id;
}

/// True when what is stored has the word over what comes: it is from a later message, or from the
/// same time and firmer. A firmer standing is taken whatever the message's time says.
bool outdated(const Sample& stored, const Sample& incoming) {
    if (incoming.standing > stored.standing) return false;
    return incoming.sent < stored.sent ||
           (incoming.sent == stored.sent && incoming.standing < stored.standing);
}

/// True when nothing that an index, a rule or a doctor sees differs.
bool same_content(const Sample& a, const Sample& b) {
    return a.value == b.value && a.comparator == b.comparator && a.at == b.at &&
           a.range == b.range && a.offset_minutes == b.offset_minutes &&
           a.precision == b.precision && a.flags == b.flags;
}

}  // namespace

std::optional<Comparator> comparator_named(std::string_view text) {
    for (std::size_t i = 0; i < kComparators.size(); ++i)
        if (kComparators[i] == text) return static_cast<Comparator>(i);
    return std::nullopt;
}

std::string_view text_of(Comparator comparator) {
    return kComparators[static_cast<std::size_t>(comparator)];
}

Bounds Sample::bounds() const {
    switch (comparator) {
        case Comparator::None:
            break;
        case Comparator::Less:
        case Comparator::LessOrEqual:
            return Bounds::at_most(value);
        case Comparator::GreaterOrEqual:
        case Comparator::Greater:
            return Bounds::at_least(value);
    }
    return Bounds::of(value);
}

std::uint32_t tag_of(const RecordId& id) {
    std::uint32_t tag;
    std::memcpy(&tag, id.bytes.data(), sizeof tag);
    return tag;
}

std::string_view Sample::flags_text() const {
    const auto end = std::find(flags.begin(), flags.end(), '\0');
    return {flags.data(), static_cast<std::size_t>(end - flags.begin())};
}

std::optional<std::uint32_t> Results::find_series(std::string_view loinc,
                                                  std::string_view unit) const {
    for (std::uint32_t i = 0; i < series_.size(); ++i)
        if (series_[i].loinc == loinc && series_[i].unit == unit) return i;
    return std::nullopt;
}

std::span<const Sample> Results::samples(std::uint32_t series) const {
    return std::span(samples_).subspan(series_[series].begin, series_[series].count);
}
std::span<Sample> Results::samples(std::uint32_t series) {
    return std::span(samples_).subspan(series_[series].begin, series_[series].count);
}

std::optional<std::uint32_t> Results::find_in_series(std::uint32_t series,
                                                     const RecordId& id) const {
    const std::uint32_t tag = tag_of(id);
    const std::size_t begin = series_[series].begin;
    for (std::uint32_t i = 0; i < series_[series].count; ++i)
        if (tags_[begin + i] == tag && samples_[begin + i].id == id) return i;
    return std::nullopt;
}

std::optional<Results::Place> Results::find(const RecordId& id) const {
    for (std::uint32_t s = 0; s < series_.size(); ++s)
        if (const auto index = find_in_series(s, id)) return Place{s, *index};
    return std::nullopt;
}

std::optional<Results::Place> Results::find_in_code(std::string_view loinc,
                                                    const RecordId& id) const {
    for (std::uint32_t s = 0; s < series_.size(); ++s)
        if (series_[s].loinc == loinc)
            if (const auto index = find_in_series(s, id)) return Place{s, *index};
    return std::nullopt;
}

std::optional<Results::Place> Results::newest_of_order(std::string_view loinc,
                                                       std::uint64_t order) const {
    std::optional<Place> newest;
    if (order == 0) return newest;
    for (std::uint32_t s = 0; s < series_.size(); ++s) {
        if (series_[s].loinc != loinc) continue;
        const auto list = samples(s);
        for (std::uint32_t i = 0; i < list.size(); ++i)
            if (list[i].order == order && list[i].live() &&
                (!newest || before(at(*newest), list[i])))
                newest = Place{s, i};
    }
    return newest;
}

std::uint32_t Results::series_for(std::string_view loinc, std::string_view unit,
                                  std::string_view display) {
    if (const auto found = find_series(loinc, unit)) return *found;
    reserve_one(series_);
    Series& added = series_.emplace_back();
    added.loinc = loinc;
    added.unit = unit;
    std::size_t length = std::min(display.size(), kDisplayMax);
    while (length > 0 && length < display.size() && (display[length] & 0xc0) == 0x80)
        --length;  // whole characters
    added.display = display.substr(0, length);
    added.begin = static_cast<std::uint32_t>(samples_.size());
    return static_cast<std::uint32_t>(series_.size() - 1);
}

std::uint16_t Results::intern(const Range& range) {
    const auto found = std::find(ranges_.begin(), ranges_.end(), range);
    if (found != ranges_.end()) return static_cast<std::uint16_t>(found - ranges_.begin());
    if (ranges_.size() > kRangesMax) drop_unused_ranges();
    if (ranges_.size() > kRangesMax) return 0;
    reserve_one(ranges_);
    ranges_.push_back(range);
    return static_cast<std::uint16_t>(ranges_.size() - 1);
}

void Results::drop_unused_ranges() {
    std::vector<Range> kept{Range{}};
    std::vector<std::uint16_t> places(ranges_.size(), 0);
    for (std::uint32_t s = 0; s < series_.size(); ++s) {
        for (auto& sample : samples(s)) {
            if (sample.range != 0 && places[sample.range] == 0) {
                kept.push_back(ranges_[sample.range]);
                places[sample.range] = static_cast<std::uint16_t>(kept.size() - 1);
            }
            sample.range = places[sample.range];
        }
    }
    ranges_ = std::move(kept);
}

/// Lays the series out anew, with room for some more in each that is full: panels come together, so
/// that one move serves several results.
void Results::make_room() {
    std::size_t total = 0;
    for (const auto& series : series_) total += room_for(series);
    std::vector<Sample> samples(total);
    std::vector<std::uint32_t> tags(total);
    std::uint32_t begin = 0;
    for (auto& series : series_) {
        const auto from = static_cast<std::ptrdiff_t>(series.begin);
        std::copy_n(samples_.begin() + from, series.count, samples.begin() + begin);
        std::copy_n(tags_.begin() + from, series.count, tags.begin() + begin);
        series.room = room_for(series);
        series.begin = begin;
        begin += series.room;
    }
    samples_ = std::move(samples);
    tags_ = std::move(tags);
}

void Results::insert(std::uint32_t series, const Sample& sample) {
    if (series_[series].count == series_[series].room) make_room();
    const auto list = samples(series);
    std::size_t at = series_[series].begin + list.size();
    const std::size_t place =
        list.empty() || before(list.back(), sample)
            ? at
            : at - static_cast<std::size_t>(
                       list.end() - std::upper_bound(list.begin(), list.end(), sample, before));
    for (; at > place; --at) {
        samples_[at] = samples_[at - 1];
        tags_[at] = tags_[at - 1];
    }
    samples_[place] = sample;
    tags_[place] = tag_of(sample.id);
    ++series_[series].count;
}

void Results::erase(Place place) {
    Series& series = series_[place.series];
    for (std::size_t i = series.begin + place.index + 1; i < series.begin + series.count; ++i) {
        samples_[i - 1] = samples_[i];
        tags_[i - 1] = tags_[i];
    }
    --series.count;
}

void Results::prune(std::uint32_t series, EventTime horizon) {
    while (series_[series].count > 0 &&
           (samples(series).front().at < horizon || series_[series].count > kResultsPerSeriesMax))
        erase({series, 0});
}

void Results::replace(Place place, std::uint32_t series, const Sample& sample,
                      std::vector<Touched>& touched) {
    Sample next = sample;
    const Sample old = at(place);
    next.band = old.band;
    next.digest = old.digest;
    if (place.series == series && old.at == next.at) {
        samples(series)[place.index] = next;  // known by the same id
    } else {
        erase(place);
        insert(series, next);
    }
    if (old.live() && place.series == series && same_content(old, next)) return;
    touched.push_back({Change::Replaced, series, next.id, std::min(old.at, next.at),
                       next.standing == Standing::Corrected});
}

void Results::withdraw(Place place, const RecordId& event, EventTime sent,
                       std::vector<Touched>& touched) {
    Sample& sample = samples(place.series)[place.index];
    const bool was_live = sample.live();
    sample.standing = Standing::Withdrawn;
    sample.sent = std::max(sample.sent, sent);
    if (!was_live) return;
    sample.event = event;
    touched.push_back({Change::Withdrawn, place.series, sample.id, sample.at, false});
}

void Results::report(const Reported& reported, EventTime received, std::vector<Touched>& touched) {
    Sample sample = reported.sample;
    sample.range = intern(reported.range);
    if (const auto known = find_in_code(reported.loinc, sample.id)) {
        if (outdated(at(*known), sample)) return;
        const auto series = series_for(reported.loinc, reported.unit, reported.display);
        return replace(*known, series, sample, touched);
    }
    bool corrects = false;
    if (sample.standing == Standing::Corrected)
        if (const auto old = newest_of_order(reported.loinc, sample.order);
            old && at(*old).sent <= sample.sent) {
            withdraw(*old, sample.event, sample.sent, touched);
            corrects = true;
        }
    if (series_.size() >= kSeriesPerPersonMax && !find_series(reported.loinc, reported.unit))
        return;
    const auto series = series_for(reported.loinc, reported.unit, reported.display);
    const EventTime newest =
        series_[series].count == 0 ? sample.at : std::max(sample.at, samples(series).back().at);
    const EventTime horizon = std::min(newest, received) - kResultsKept;
    if (sample.at < horizon) return;
    insert(series, sample);
    prune(series, horizon);
    if (samples(series).front().at > sample.at) return;  // fell off at the limit
    touched.push_back({Change::Added, series, sample.id, sample.at, corrects});
}

void Results::retract(const Retracted& retracted, std::vector<Touched>& touched) {
    if (const auto known = find_in_code(retracted.loinc, retracted.id))
        return withdraw(*known, retracted.event, retracted.sent, touched);
    if (const auto newest = newest_of_order(retracted.loinc, retracted.order))
        return withdraw(*newest, retracted.event, retracted.sent, touched);
    // Not seen yet: its place is kept, so that the original, when it comes late, does not count.
    for (std::uint32_t s = 0; s < series_.size(); ++s) {
        if (series_[s].loinc != retracted.loinc || series_[s].count >= kResultsPerSeriesMax)
            continue;
        Sample sample;
        sample.id = retracted.id;
        sample.event = retracted.event;
        sample.order = retracted.order;
        sample.at = retracted.effective.at;
        sample.offset_minutes = retracted.effective.offset_minutes;
        sample.precision = retracted.effective.precision;
        sample.sent = retracted.sent;
        sample.standing = Standing::Withdrawn;
        return insert(s, sample);
    }
}

void Results::absorb(const Results& other, EventTime received, std::vector<Touched>& touched) {
    for (std::uint32_t s = 0; s < other.series_.size(); ++s) {
        const Series& theirs = other.series_[s];
        if (series_.size() >= kSeriesPerPersonMax && !find_series(theirs.loinc, theirs.unit))
            continue;
        const auto series = series_for(theirs.loinc, theirs.unit, theirs.display);
        for (Sample sample : other.samples(s)) {
            sample.range = intern(other.range_of(sample));
            if (const auto known = find_in_code(theirs.loinc, sample.id)) {
                if (!outdated(at(*known), sample)) replace(*known, series, sample, touched);
                continue;
            }
            insert(series, sample);
            if (sample.live())
                touched.push_back({Change::Added, series, sample.id, sample.at, false});
        }
        if (series_[series].count > 0)
            prune(series, std::min(samples(series).back().at, received) - kResultsKept);
    }
    std::erase_if(touched, [&](const Touched& t) { return !find(t.id).has_value(); });
}

void Results::prefetch() const {
    const auto lines = [](const auto& list) {
        const char* const begin = reinterpret_cast<const char*>(list.data());
        const std::size_t size = std::min(list.size() * sizeof(list[0]), kPrefetchedMax);
        for (std::size_t at = 0; at < size; at += kCacheLine) __builtin_prefetch(begin + at);
    };
    lines(series_);
    lines(ranges_);
    lines(tags_);
}

std::size_t Results::heap_bytes() const {
    std::size_t bytes = series_.capacity() * sizeof(Series) + samples_.capacity() * sizeof(Sample) +
                        tags_.capacity() * sizeof(std::uint32_t) +
                        ranges_.capacity() * sizeof(Range);
    const auto beyond_inline = [](const std::string& text) {
        return text.capacity() > 15 ? text.capacity() + 1 : 0;
    };
    for (const auto& series : series_)
        bytes += beyond_inline(series.loinc) + beyond_inline(series.unit) +
                 beyond_inline(series.display);
    return bytes;
}

}  // namespace vitalog::processors::care
