#include "ingest/wearable/sample_batch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

namespace vitalog::ingest::wearable {
namespace {

/// 2000-01-01T00:00:00Z: before it a device's clock was never set.
constexpr std::int64_t kEarliest = 946'684'800'000;
constexpr std::array<double, 7> kPowers{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
constexpr double kFixedPointMax = 9e15;  ///< a double counts exactly up to here

std::string number_text(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

std::string time_text(std::int64_t millis) {
    return to_rfc3339(millis * 1'000);
}

/// In whole seconds: "1h", "90s".
std::string duration_text(std::int64_t millis) {
    return to_string(std::chrono::microseconds(millis / 1'000 * 1'000'000));
}

std::int64_t millis_of(std::chrono::microseconds duration) {
    return duration.count() / 1'000;
}

tl::unexpected<Error> out_of_range(const Reading& reading, double value, bool below) {
    const schemas::Observable& what = *reading.measure->observable;
    return fail(Errc::OutOfRange, number_text(value) + " " + what.unit->ucum + " of " +
                                      what.display + " is " +
                                      (below ? "below the minimum " + number_text(*what.minimum)
                                             : "above the maximum " + number_text(*what.maximum)));
}

void reorder(std::vector<std::int64_t>& numbers, const std::vector<std::uint32_t>& order,
             std::vector<std::int64_t>& scratch) {
    scratch.resize(numbers.size());
    for (std::size_t i = 0; i < order.size(); ++i) scratch[i] = numbers[order[i]];
    numbers.swap(scratch);
}

}  // namespace

void SampleBatch::begin(const schemas::Tables& tables, ReceivedTime received) {
    tables_ = &tables;
    received_ = received.millis();
    samples_ = last_column_ = columns_used_ = 0;
    newest_ = 0;
    clocks_.clear();
    units_.clear();
    texts_.clear();
}

std::string_view SampleBatch::keep(std::string text) {
    return texts_.emplace_back(std::move(text));
}

Result<void> SampleBatch::add(const Occasion& occasion, const Reading* readings,
                              std::size_t count) {
    VITALOG_CHECK(check_times(occasion));
    pending_.clear();
    for (const Reading* reading = readings; reading != readings + count; ++reading) {
        auto value = fixed_point(*reading);
        if (!value) return tl::unexpected(std::move(value).error());
        auto column = column_for(occasion, *reading);
        if (!column) return tl::unexpected(std::move(column).error());
        pending_.push_back({*column, *value, occasion.end - occasion.start});
    }
    for (const Pending& pending : pending_) append(pending, occasion);
    return {};
}

Result<void> SampleBatch::check_times(const Occasion& occasion) const {
    if (occasion.end < occasion.start)
        return fail(Errc::OutOfRange, "its end " + time_text(occasion.end) +
                                          " is before its start " + time_text(occasion.start));
    if (occasion.start < kEarliest)
        return fail(Errc::OutOfRange, "its time " + time_text(occasion.start) +
                                          " is before 2000: the device's clock was not set");
    const std::int64_t ahead = occasion.end - received_;
    if (ahead > millis_of(tables_->measures().clock().limit))
        return fail(Errc::OutOfRange,
                    "its time " + time_text(occasion.end) + " is " + duration_text(ahead) +
                        " ahead of its receipt: set the device's clock and send it again");
    return {};
}

Result<const schemas::Unit*> SampleBatch::unit_of(const Reading& reading) {
    if (reading.unit.empty()) {
        if (reading.measure->unit != nullptr) return reading.measure->unit;
        return fail(Errc::Missing, reading.measure->observable->display +
                                       " needs a unit that converts to '" +
                                       reading.measure->observable->unit->ucum + "'");
    }
    for (const auto& known : units_)
        if (known.spelling == reading.unit) return known.unit;
    const schemas::Unit* unit = tables_->find_unit(reading.unit);
    if (unit == nullptr)
        return fail(Errc::Unsupported,
                    "'" + std::string(reading.unit) +
                        "' is no known unit; add the spelling to the unit table");
    if (units_.size() < kSeriesMax) units_.push_back({keep(std::string(reading.unit)), unit});
    return unit;
}

Result<std::int64_t> SampleBatch::fixed_point(const Reading& reading) {
    const schemas::Measure& measure = *reading.measure;
    const schemas::Observable& what = *measure.observable;
    auto from = unit_of(reading);
    if (!from) return tl::unexpected(std::move(from).error());
    double value = reading.number * measure.factor;
    if (*from != what.unit) {
        const auto converted = convert(value, **from, *what.unit, what.substance);
        if (!converted)
            return fail(Errc::OutOfRange, "wrong dimension: '" + (*from)->ucum +
                                              "' does not convert to '" + what.unit->ucum +
                                              "' of " + what.display);
        value = *converted;
    }
    if (what.minimum && !(value >= *what.minimum)) return out_of_range(reading, value, true);
    if (what.maximum && !(value <= *what.maximum)) return out_of_range(reading, value, false);
    const double scaled = value * kPowers[static_cast<std::size_t>(measure.decimals)];
    if (!(std::abs(scaled) < kFixedPointMax))
        return fail(Errc::OutOfRange, number_text(value) + " is no number that can be kept");
    return static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

Result<std::size_t> SampleBatch::clock_of(std::string_view source) {
    for (std::size_t i = 0; i < clocks_.size(); ++i)
        if (clocks_[i].source == source) return i;
    if (clocks_.size() == kSeriesMax)
        return fail(Errc::TooLarge, "the batch names more than " + std::to_string(kSeriesMax) +
                                        " sources; send them apart");
    clocks_.push_back({keep(std::string(source)), 0, 0, {}});
    return clocks_.size() - 1;
}

Result<std::size_t> SampleBatch::column_for(const Occasion& occasion, const Reading& reading) {
    std::string_view statistic = reading.statistic;
    const std::int64_t span_max = reading.measure->total ? kTotalSpanMax : kMomentSpanMax;
    if (statistic.empty() && occasion.end - occasion.start > span_max) statistic = "unspecified";
    const auto fits = [&](const Column& column) {
        return column.measure->observable == reading.measure->observable &&
               column.offset_minutes == occasion.offset_minutes &&
               column.self_reported == occasion.self_reported && column.statistic == statistic &&
               clocks_[column.clock].source == occasion.source;
    };
    if (last_column_ < columns_used_ && fits(columns_[last_column_])) return last_column_;
    for (std::size_t i = 0; i < columns_used_; ++i)
        if (fits(columns_[i])) return last_column_ = i;
    if (columns_used_ == kSeriesMax)
        return fail(Errc::TooLarge, "the batch has more than " + std::to_string(kSeriesMax) +
                                        " series; send them apart");
    auto clock = clock_of(occasion.source);
    if (!clock) return tl::unexpected(std::move(clock).error());
    if (columns_used_ == columns_.size()) columns_.emplace_back();
    Column& column = columns_[columns_used_];
    column.measure = reading.measure;
    column.clock = *clock;
    column.statistic = statistic.empty() ? std::string_view() : keep(std::string(statistic));
    column.offset_minutes = occasion.offset_minutes;
    column.self_reported = occasion.self_reported;
    column.sorted = true;
    column.spanned = false;
    column.times.clear();
    column.values.clear();
    column.spans.clear();
    return last_column_ = columns_used_++;
}

void SampleBatch::append(const Pending& pending, const Occasion& occasion) {
    Column& column = columns_[pending.column];
    Clock& clock = clocks_[column.clock];
    if (!column.times.empty() && occasion.end < column.times.back()) column.sorted = false;
    column.spanned |= pending.span > 0;
    column.times.push_back(occasion.end);
    column.values.push_back(pending.value);
    column.spans.push_back(pending.span);
    clock.newest = std::max(clock.newest, occasion.end);
    const std::int64_t limit = received_ + millis_of(tables_->measures().clock().limit);
    if (occasion.stated <= limit) clock.newest = std::max(clock.newest, occasion.stated);
    ++samples_;
}

/// A clock that states a time after the receipt is ahead by at least the difference: all that it
/// stated moves back by so much.
void SampleBatch::repair_clocks() {
    const std::int64_t tolerance = millis_of(tables_->measures().clock().tolerance);
    for (Clock& clock : clocks_) {
        const std::int64_t ahead = clock.newest - received_;
        if (ahead <= tolerance) continue;
        clock.shift = -ahead;
        clock.reason = keep("the device's clock states " + time_text(clock.newest) + ", " +
                            duration_text(ahead) + " ahead of its receipt");
    }
}

void SampleBatch::sort(Column& column) {
    if (column.sorted) return;
    order_.resize(column.times.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
        return column.times[a] < column.times[b];
    });
    reorder(column.times, order_, reordered_);
    reorder(column.values, order_, reordered_);
    reorder(column.spans, order_, reordered_);
}

void SampleBatch::write(const Column& column, schemas::SampleSeries& out) const {
    const schemas::Observable& what = *column.measure->observable;
    const Clock& clock = clocks_[column.clock];
    out.loinc = what.loinc;
    out.unit = what.unit->ucum;
    out.display = what.display;
    out.source = clock.source;
    out.rank = tables_->measures().rank(clock.source, what);
    out.decimals = column.measure->decimals;
    out.offset_minutes = column.offset_minutes;
    out.clock_shift = clock.shift;
    out.clock_reason = clock.reason;
    out.self_reported = column.self_reported;
    out.statistic = column.statistic;
    out.start = column.times.front() + clock.shift;
    out.values.assign(column.values.begin(), column.values.end());
    out.steps.resize(column.times.size());
    std::adjacent_difference(column.times.begin(), column.times.end(), out.steps.begin());
    out.steps.front() = 0;
    out.spans.clear();
    if (column.spanned) out.spans.assign(column.spans.begin(), column.spans.end());
}

const schemas::SamplesEvent& SampleBatch::finish(const schemas::Identifier& account,
                                                 std::string_view provider) {
    repair_clocks();
    event_.identifiers.assign(1, account);
    event_.provider = provider;
    event_.tables = tables_->version();
    std::size_t plain = 0;
    std::size_t statistics = 0;
    for (std::size_t i = 0; i < columns_used_; ++i) {
        Column& column = columns_[i];
        if (column.times.empty()) continue;  // opened for an item that was refused
        sort(column);
        newest_ = std::max(newest_, column.times.back() + clocks_[column.clock].shift);
        auto& list = column.statistic.empty() ? event_.series : event_.statistics;
        std::size_t& used = column.statistic.empty() ? plain : statistics;
        if (used == list.size()) list.emplace_back();
        write(column, list[used++]);
    }
    event_.series.resize(plain);
    event_.statistics.resize(statistics);
    return event_;
}

}  // namespace vitalog::ingest::wearable
