#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "processors/care/window.h"

namespace vitalog::processors::care {

inline constexpr std::size_t kWindowsPerPersonMax = 64;

/// The newest value of a measure that a person's devices sent.
struct LatestSample {
    EventTime at;
    double value = 0;
    RecordId event;  ///< record that brought it
};

/// A person's windows, one per LOINC code and unit, packed: they are decoded one at a time, when
/// samples come. What an hour of one sample a minute takes is some 250 bytes. Part of the person;
/// same thread.
class Windows {
  public:
    /// Reads one window; it is empty where the person has none.
    void load(std::string_view loinc, std::string_view unit, Window& window) const;
    /// Puts it back. False when the person has kWindowsPerPersonMax others.
    bool store(std::string_view loinc, std::string_view unit, Window& window);
    std::optional<LatestSample> latest(std::string_view loinc, std::string_view unit) const;
    /// The newest at or before a moment, as far as the buckets tell: of a bucket that reaches past
    /// the moment nothing is said.
    std::optional<LatestSample> latest(std::string_view loinc, std::string_view unit,
                                       EventTime moment) const;
    /// That of every measure. The views hold until the next store() or absorb().
    struct Newest {
        std::string_view loinc;
        std::string_view unit;
        LatestSample sample;
    };
    std::vector<Newest> newest() const;
    /// Time of the newest sample of the code, whatever the unit.
    std::optional<EventTime> last_of(std::string_view loinc) const;
    /// Takes over another person's windows.
    void absorb(const Windows& other);

    /// Asks the processor's cache for what load() will read.
    void prefetch() const;

    bool empty() const { return packed_.empty(); }
    std::size_t bytes() const { return packed_.size(); }
    std::size_t heap_bytes() const { return packed_.capacity() > 15 ? packed_.capacity() + 1 : 0; }

    void encode(BinaryWriter& out) const { out.text(packed_); }
    /// False when the bytes do not follow the format.
    bool decode(BinaryReader& in);

  private:
    /// One entry of `packed_`.
    struct Entry {
        std::size_t begin = 0;  ///< of the entry
        std::size_t end = 0;
        std::string_view loinc;
        std::string_view unit;
        std::int64_t newest_at = 0;
        std::int64_t newest_value = 0;
        std::string_view body;

        LatestSample latest() const;
    };
    std::optional<Entry> next(std::size_t from) const;
    std::optional<Entry> find(std::string_view loinc, std::string_view unit) const;

    std::string packed_;
};

}  // namespace vitalog::processors::care
