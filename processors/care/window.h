#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "processors/care/seen_times.h"
#include "processors/rules/statistics.h"
#include "schemas/base/binary.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

/// Which source a bucket holds: where several overlap the smallest has the word. The rank, then a
/// hash of the source's name.
using SourceWord = std::uint32_t;
SourceWord source_word(int rank, std::string_view source);

/// The samples of one stretch of time, as sums that do not depend on the order they came in.
/// Values are whole numbers in units of 10^-decimals of the window.
struct Bucket {
    std::int64_t slot = 0;  ///< event time divided by the width of its level
    std::uint32_t count = 0;
    SourceWord word = 0;
    std::int64_t min = 0;
    std::int64_t max = 0;
    std::int64_t sum = 0;
    std::uint64_t squares = 0;  ///< UINT64_MAX: more than fits, the deviation is not known
    std::int64_t last = 0;      ///< value of the last sample by event time
    std::int64_t first_at = 0;  ///< milliseconds since the epoch
    std::int64_t last_at = 0;

    friend bool operator==(const Bucket&, const Bucket&) = default;
};

enum class Folded : std::uint8_t {
    Counted,
    Repeat,     ///< a sample of that source and moment was counted, or outranked, before
    Outranked,  ///< a source of lower rank has the word there
    TooOld      ///< older than the oldest bucket: the archive's alone
};

inline constexpr int kSampleDecimalsMax = 6;
/// No measure of a body is larger, in whatever unit. Keeps every sum within 64 bits.
inline constexpr std::int64_t kSampleMagnitudeMax = 1'000'000;
/// A bucket counts no more than this: 13 samples a second for a week.
inline constexpr std::uint32_t kSamplesPerBucketMax = 1U << 23;
inline constexpr std::size_t kSourcesPerWindowMax = 4;

/// The largest value, in units of 10^-decimals, that a window takes.
std::int64_t sample_value_max(int decimals);
/// The number that a value of so many decimals is.
double sample_value(std::int64_t value, int decimals);

/// The rolling window of one measure in one unit, decoded: 12 buckets of five minutes, 24 of an
/// hour, 7 of a day, 13 of a week, each counted back from the newest sample. Days and weeks begin
/// at midnight UTC, weeks on Thursday (day 0 of the epoch). Scratch: kept packed in Windows.
class Window {
  public:
    struct Shape {
        std::int64_t width;  ///< of a bucket, milliseconds
        std::uint8_t buckets;
    };
    static constexpr std::array<Shape, 4> kLevels{
        {{5 * 60'000, 12}, {3'600'000, 24}, {24 * 3'600'000, 7}, {7 * 24 * 3'600'000LL, 13}}};

    void clear();
    /// Makes room for values with so many decimals; what is there is scaled. Not undone.
    void use_decimals(int decimals);
    int decimals() const { return decimals_; }
    bool empty() const { return levels_.front().empty(); }

    /// Folds one sample in. `at`: milliseconds since the epoch, within 2^49; `value`: at most
    /// sample_value_max(decimals()) in size.
    Folded fold(std::int64_t at, std::int64_t value, SourceWord word);
    /// Takes over another person's window of the same measure: of overlapping buckets the source
    /// that has the word stays, equal sources add up.
    void absorb(const Window& other);
    /// Forgets repeats of samples that would be too old by now.
    void forget_old();

    /// The newest sample that counts. The window must not be empty.
    const Bucket& newest() const { return levels_.front().back(); }
    /// What the buckets came to that make up the window as of a moment: the bucket it lies in and
    /// those before. None when they hold no sample.
    std::optional<rules::Statistics> statistics(schemas::WindowLength length,
                                                EventTime as_of) const;
    /// Smallest and largest value in the finest buckets that reach back `within` before the
    /// moment; of the bucket that it lies in only where nothing in it is later. None when there
    /// are none.
    struct Extremes {
        double min = 0;
        double max = 0;
    };
    std::optional<Extremes> extremes_before(EventTime at, std::chrono::microseconds within) const;
    double scaled(std::int64_t value) const;
    std::span<const Bucket> level(std::size_t n) const { return levels_[n]; }

    /// The stored form, without the measure's name.
    void encode(BinaryWriter& out) const;
    bool decode(BinaryReader& in);

    RecordId event;  ///< record that brought the newest sample

  private:
    struct Source {
        SourceWord word = 0;
        SeenTimes seen;
    };
    SeenTimes& seen_by(SourceWord word);

    std::array<std::vector<Bucket>, 4> levels_;  ///< each by slot
    std::vector<Source> sources_;                ///< by word
    int decimals_ = 0;
};

}  // namespace vitalog::processors::care
