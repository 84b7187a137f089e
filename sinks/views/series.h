#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace vitalog::sinks::views {

/// Samples of one measure of those who are one person, in [from, to), milliseconds since the epoch.
struct SeriesQuery {
    std::vector<std::string> persons;
    std::string loinc;
    std::int64_t from = 0;
    std::int64_t to = 0;
};

/// One of the series that a measure has at a person.
struct SeriesSource {
    std::string unit, display, source, provider;
    std::string statistic;  ///< what each value says of its span; empty: as measured
    int rank = 0;
    bool self_reported = false;
    bool summary = false;  ///< figures over long spans, beside the samples they were made of
};

struct SeriesSample {
    std::int64_t at = 0;    ///< milliseconds since the epoch
    std::int64_t span = 0;  ///< milliseconds it covers up to then
    double value = 0;
    std::size_t source = 0;  ///< index of its SeriesSource
    /// Where several sources have samples in the same five minutes, those of the one with the
    /// lowest rank, then the smallest name, count; so for indices and rules. Summaries never do.
    bool counts = false;
};

/// Told the samples of one hour after the other, by time. False: no more are wanted.
using SeriesVisitor =
    std::function<bool(const std::vector<SeriesSource>&, std::span<const SeriesSample>)>;

}  // namespace vitalog::sinks::views
