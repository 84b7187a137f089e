#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "processors/care/index_kinds.h"
#include "schemas/base/binary.h"
#include "schemas/base/time.h"

namespace vitalog::processors::care {

/// What an index over current values last said as of a moment: enough to know whether a new
/// evaluation says something else, and to judge an episode again.
struct IndexResult {
    EventTime at;
    std::uint32_t digest = 0;  ///< of the record as it was written; 0: not written for this person
    std::uint32_t said = 0;    ///< of status, value, band and what is missing, without the moment
    Items known = 0;           ///< inputs in force
    std::int16_t offset_minutes = 0;  ///< of the moment, as it was said
    std::uint8_t kind = 0;            ///< place in index_kinds()
    std::uint8_t band = 0;            ///< place in bands(); kNoBand: none
    bool settled = false;             ///< what is open can't change the band

    friend bool operator==(const IndexResult&, const IndexResult&) = default;
};

inline constexpr std::uint8_t kNoBand = 0xff;
inline constexpr std::size_t kIndexResultsMax = 500;  ///< of one index

/// Every band that an index over current values may give, once. A band's number is part of the
/// stored form: new ones go to the end.
std::span<const std::string_view> band_names();
std::uint8_t band_number(std::string_view band);

/// What the indices over current values said about one person, by index and moment: the newest
/// kIndexResultsMax of each. Part of the person; same thread.
class IndexResults {
  public:
    /// By moment.
    std::span<const IndexResult> of(std::uint8_t kind) const;
    /// Null where nothing was said as of the moment. Valid until the next put() or erase().
    const IndexResult* find(std::uint8_t kind, EventTime at) const;
    /// The newest at or before a moment, or null.
    const IndexResult* newest(std::uint8_t kind, EventTime at) const;

    void put(const IndexResult& result);
    void erase(std::uint8_t kind, EventTime at);

    void encode(BinaryWriter& out) const;
    /// False when the bytes do not follow the format.
    bool decode(BinaryReader& in);
    std::size_t heap_bytes() const { return results_.capacity() * sizeof(IndexResult); }

  private:
    std::vector<IndexResult> results_;  // by kind, then by moment
};

}  // namespace vitalog::processors::care
