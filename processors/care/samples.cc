#include "processors/care/samples.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace vitalog::processors::care {
namespace {

constexpr std::int64_t kMillisMax = std::int64_t{1} << 48;  ///< of a start, and of all steps

Error malformed(std::string message) {
    return Error(Errc::Malformed, std::move(message));
}

/// Empty when every sample has a time and a value that a window takes.
std::optional<Error> fault_of(const CareSeries& series, EventTime received) {
    if (series.loinc.empty() || series.unit.empty())
        return malformed("samples need a LOINC code and a unit");
    if (series.decimals < 0 || series.decimals > kSampleDecimalsMax)
        return malformed("decimals must be 0 to " + std::to_string(kSampleDecimalsMax));
    if (series.values.size() != series.steps.size() || series.values.empty())
        return malformed("values must be as many as steps, and at least one");
    if (!series.spans.empty() && series.spans.size() != series.values.size())
        return malformed("spans must be as many as values, or none");
    if (std::llabs(series.start) > kMillisMax) return malformed("start is no time");
    std::int64_t at = series.start;
    for (const std::int64_t step : series.steps) {
        if (step < 0 || step > kMillisMax || at > kMillisMax)
            return malformed("steps must not be negative, nor longer than time");
        at += step;
    }
    const std::int64_t most = sample_value_max(series.decimals);
    for (const std::int64_t value : series.values)
        if (value > most || value < -most)
            return Error(Errc::OutOfRange, "a value beyond " + std::to_string(kSampleMagnitudeMax) +
                                               " " + std::string(series.unit) +
                                               " is no measurement; check its unit");
    for (const std::int64_t span : series.spans)
        if (span < 0 || span > kMillisMax) return malformed("spans must not be negative");
    if (EventTime::from_millis(at) - received > kSampleAheadMax)
        return Error(Errc::OutOfRange,
                     "samples lie more than an hour after their receipt; set the device's clock");
    return std::nullopt;
}

void fold_series(Turn& turn, const CareSeries& series, Window& window, Arrival& arrival) {
    auto& windows = turn.person.windows;
    windows.load(series.loinc, series.unit, window);
    if (!window.empty()) arrival.before = EventTime::from_millis(window.newest().last_at);
    window.use_decimals(series.decimals);
    const SourceWord word = source_word(series.rank, series.source);
    // The window may keep more decimals than this series has.
    const std::int64_t factor =
        sample_value_max(window.decimals()) / sample_value_max(series.decimals);
    bool changed = false;
    std::int64_t at = series.start;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
        at += series.steps[i];
        const auto folded = window.fold(at, series.values[i] * factor, word);
        changed = changed || folded == Folded::Counted || folded == Folded::Outranked;
        if (folded != Folded::Counted) continue;
        const std::int64_t span = series.spans.empty() ? 0 : series.spans[i];
        arrival.samples.push_back({EventTime::from_millis(at),
                                   sample_value(series.values[i], series.decimals),
                                   std::chrono::milliseconds(span)});
    }
    if (!changed) return;
    const auto newest = EventTime::from_millis(window.newest().last_at);
    if (!arrival.before || newest > *arrival.before) window.event = turn.input.id;
    if (windows.store(series.loinc, series.unit, window)) return;
    arrival.samples.clear();
    turn.out.dead_letter(
        Error(Errc::OutOfRange, "a person has at most " + std::to_string(kWindowsPerPersonMax) +
                                    " measures of samples; map fewer codes"),
        series.loinc);
}

}  // namespace

void fold_samples(Turn& turn, const CareSamplesEvent& event, Window& window,
                  std::vector<Arrival>& arrivals) {
    for (const auto& series : event.series) {
        if (const auto fault = fault_of(series, turn.input.received.as<EventTime>())) {
            turn.out.dead_letter(*fault, series.loinc);
            continue;
        }
        Arrival arrival;
        arrival.series = &series;
        fold_series(turn, series, window, arrival);
        if (!arrival.samples.empty()) arrivals.push_back(std::move(arrival));
    }
}

}  // namespace vitalog::processors::care
