#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"

namespace vitalog::sinks::views {

/// A sample as the archive keeps it: milliseconds since the epoch, a whole number in units of
/// 10^-decimals of its chunk, and the milliseconds that it covers up to its time (0: a moment).
struct Sample {
    std::int64_t at = 0;
    std::int64_t value = 0;
    std::int64_t span = 0;

    friend bool operator==(const Sample&, const Sample&) = default;
};

inline constexpr std::int64_t kHourMillis = 3'600'000;
inline constexpr int kSampleDecimalsMax = 6;
/// Of a value before it is scaled: with every decimal it still fits.
inline constexpr std::int64_t kSampleValueMax = 1'000'000'000'000;
/// Of times and spans: TelemetryId has seven digits for the hour, up to the year 3110.
inline constexpr std::int64_t kSampleTimeMax = 9'999'999 * kHourMillis;

constexpr std::int64_t hour_of(std::int64_t at_millis) {
    return at_millis / kHourMillis - (at_millis % kHourMillis < 0 ? 1 : 0);
}

/// What the samples of an hour come to.
struct SampleStatistics {
    std::int64_t count = 0;
    double min = 0, max = 0, sum = 0, first = 0, last = 0;
    std::int64_t from = 0;  ///< when the first span begins, milliseconds since the epoch
    std::int64_t to = 0;    ///< time of the last sample
    bool spans = false;     ///< a sample covers more than a moment: the values may add up
};

/// The samples of one series in one hour, by time, one for each moment. Two bytes a sample where
/// they come evenly:
///
///     chunk  = 1:u8 decimals:u8 grid:u8 spans:u8 count:varint first:varint [span:zigzag] column*
///     column = times (count - 2: change of the step, in units of the grid), values (differences),
///              spans (differences; only where `spans` is 2): zigzag varints
///     grid   = 0 milliseconds, 1 seconds, 2 minutes; first = from the hour's begin, in those units
///     spans  = 0 none, 1 all alike (`span`), 2 one for each sample
class SampleChunk {
  public:
    explicit SampleChunk(std::int64_t hour) : hour_(hour) {}
    /// Damaged where the bytes do not follow the grammar.
    static Result<SampleChunk> decode(std::int64_t hour, std::string_view bytes);
    std::string encode() const;

    /// Takes in samples of this hour, in any order, in units of 10^-decimals. Of one moment the
    /// last has the word. True when something changed.
    bool add(std::span<const Sample> samples, int decimals);

    const std::vector<Sample>& samples() const { return samples_; }
    int decimals() const { return decimals_; }
    double value(const Sample& sample) const;
    /// There is at least one sample.
    SampleStatistics statistics() const;

  private:
    void use_decimals(int decimals);

    std::int64_t hour_;
    int decimals_ = 0;
    std::vector<Sample> samples_;
};

}  // namespace vitalog::sinks::views
