#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "processors/risk/bounds.h"
#include "schemas/base/binary.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"

namespace vitalog::processors::care {

enum class Comparator : std::uint8_t { None, Less, LessOrEqual, GreaterOrEqual, Greater };
std::optional<Comparator> comparator_named(std::string_view text);
std::string_view text_of(Comparator comparator);

/// How firmly a result stands. A withdrawn one keeps its place, so that a late copy of it does not
/// come back.
enum class Standing : std::uint8_t { Preliminary, Final, Corrected, Withdrawn };

/// A few bits of an id, to pass over most others cheaply.
std::uint32_t tag_of(const RecordId& id);

/// One numeric result. Its code and unit are its series', its reference range is in the person's
/// table of ranges.
struct Sample {
    RecordId id;
    RecordId event;  ///< record that brought it
    std::uint64_t order =
        0;  ///< hash of the result's series (order and code); 0 where there is none
    EventTime at;
    double value = 0;
    EventTime sent;  ///< time of the message: the later message has the word
    std::int16_t offset_minutes = 0;
    std::uint16_t range = 0;  ///< place in the table of ranges; 0: none given
    Precision precision = Precision::Second;
    Comparator comparator = Comparator::None;
    Standing standing = Standing::Final;
    std::uint8_t band =
        0;  ///< what the last evaluation of an index on it gave, plus 1; 0: not evaluated
    std::array<char, 4> flags{};
    std::uint32_t digest = 0;  ///< of that index result as it was written; 0: none

    bool live() const { return standing != Standing::Withdrawn; }
    Bounds bounds() const;
    ZonedTime effective() const { return {at, offset_minutes, precision}; }
    std::string_view flags_text() const;

    friend bool operator==(const Sample&, const Sample&) = default;
};

struct Range {
    std::optional<double> low;
    std::optional<double> high;
    friend bool operator==(const Range&, const Range&) = default;
};

/// Results of one code in one unit, by time. The samples of all series lie in one vector, with some
/// room behind each series.
struct Series {
    std::string loinc;
    std::string unit;
    std::string display;
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
    std::uint32_t room = 0;  ///< for how many there is place
};

/// A result as it arrives, in the unit of its series.
struct Reported {
    std::string_view loinc;
    std::string_view unit;
    std::string_view display;
    Sample sample;  ///< `range` is not set
    Range range;
};

/// A retraction, or a correction without a number: the result does not stand any more.
struct Retracted {
    std::string_view loinc;
    RecordId id;
    RecordId event;
    std::uint64_t order = 0;
    ZonedTime effective;
    EventTime sent;
};

enum class Change : std::uint8_t { Added, Replaced, Withdrawn };

struct Touched {
    Change change;
    std::uint32_t series;
    RecordId id;
    EventTime at;
    bool corrects = false;  ///< stands in for a result withdrawn under another id
};

inline constexpr std::size_t kSeriesPerPersonMax = 500;
inline constexpr std::size_t kResultsPerSeriesMax = 500;
inline constexpr std::size_t kDisplayMax = 60;
inline constexpr std::size_t kRangesMax = 0xffff;
inline constexpr auto kResultsKept = std::chrono::hours(24 * 400);

/// A person's numeric results, kept one by one: 400 days back from the newest, at most
/// kResultsPerSeriesMax of a code. Part of the person; same thread.
class Results {
  public:
    /// Folds one result in and says what changed: nothing for a repeat, an older message about the
    /// same result, or a result too old to be kept (its event time taken as of the receipt: a date
    /// in the future drops nothing). A correction that names no known result replaces the newest of
    /// its order and code.
    void report(const Reported& reported, EventTime received, std::vector<Touched>& touched);
    void retract(const Retracted& retracted, std::vector<Touched>& touched);
    /// Takes over another person's results. `touched` gets those that were not here.
    void absorb(const Results& other, EventTime received, std::vector<Touched>& touched);

    std::span<const Series> series() const { return series_; }
    std::optional<std::uint32_t> find_series(std::string_view loinc, std::string_view unit) const;
    std::span<const Sample> samples(std::uint32_t series) const;
    std::span<Sample> samples(std::uint32_t series);
    const Range& range_of(const Sample& sample) const { return ranges_[sample.range]; }

    struct Place {
        std::uint32_t series;
        std::uint32_t index;  ///< within the series
    };
    std::optional<Place> find(const RecordId& id) const;
    const Sample& at(Place place) const { return samples(place.series)[place.index]; }

    /// Asks the processor's cache for what report() will read.
    void prefetch() const;

    void encode(std::string& out) const;
    /// Leaves `in` broken or returns false when the bytes do not follow the format.
    bool decode(BinaryReader& in);
    /// The same of the form that a person of version 2 has.
    bool decode_form_2(BinaryReader& in);
    std::size_t heap_bytes() const;

  private:
    bool decode_ranges(BinaryReader& in);
    std::uint32_t series_for(std::string_view loinc, std::string_view unit,
                             std::string_view display);
    std::optional<Place> find_in_code(std::string_view loinc, const RecordId& id) const;
    std::optional<std::uint32_t> find_in_series(std::uint32_t series, const RecordId& id) const;
    std::optional<Place> newest_of_order(std::string_view loinc, std::uint64_t order) const;
    std::uint16_t intern(const Range& range);
    void drop_unused_ranges();
    void insert(std::uint32_t series, const Sample& sample);
    void make_room();
    void erase(Place place);
    void prune(std::uint32_t series, EventTime horizon);
    void replace(Place place, std::uint32_t series, const Sample& sample,
                 std::vector<Touched>& touched);
    void withdraw(Place place, const RecordId& event, EventTime sent,
                  std::vector<Touched>& touched);

    std::vector<Series> series_;
    std::vector<Sample> samples_;
    std::vector<std::uint32_t>
        tags_;  // of the samples' ids: most searches end here, in little memory
    std::vector<Range> ranges_{Range{}};
};

}  // namespace vitalog::processors::care
