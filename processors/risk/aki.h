#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "processors/risk/bounds.h"
#include "schemas/base/time.h"

namespace vitalog::processors {

/// Detection of acute kidney injury from serum creatinine: the algorithm of NHS England's Patient
/// Safety Alert NHS/PSA/D/2014/010 (9 June 2014). Pure. Units: umol/L.
///
/// Reading of the text where it is silent (docs/decisions/aki-algorithm.md):
/// - Days are whole days passed (of 24 hours): 0 to 7 is less than 8 x 24 h, 8 to 365 is less than
/// 366 x 24 h, so that
///   no earlier result falls between the windows. "Within 48 h" includes 48 h. Only strictly
///   earlier results count.
/// - "Above" is strict (354, 26, the upper limit, three times the upper limit); ratios 1.5, 2 and 3
/// include their edge.
/// - Below 18 years, more than three times the upper limit is stage 3 whatever the ratio.
namespace aki {

inline constexpr std::string_view kMethod = "aki-nhs";
inline constexpr std::string_view kVersion = "aki-nhs/2014";

/// Mildest first: "high, no earlier result" stands below every stage that a course of values
/// proves.
enum class Band : std::uint8_t { None, Suspected, Stage1, Stage2, Stage3 };
inline constexpr std::array<std::string_view, 5> kBandNames{"0", "?AKI", "1", "2", "3"};
std::string_view name_of(Band band);

struct Creatinine {
    EventTime at;
    Bounds value;
};

struct Input {
    Creatinine current;
    std::optional<double> upper_limit;  ///< of the current result's reference range
    std::optional<int> age;  ///< years at the current result; nullopt: birth date unknown
    std::span<const Creatinine>
        earlier;  ///< any order; what is outside of 365 days or not earlier is skipped
};

/// An input that the band depends on and that is not there.
enum class Gap : std::uint8_t { BirthDate = 1, UpperLimit = 2, ExactValue = 4 };

struct Result {
    Band band = Band::None;         ///< the least that is certain
    Band possible = Band::None;     ///< the worst that the missing inputs leave open
    std::uint8_t gaps = 0;          ///< Gap bits; not 0 exactly when band and possible differ
    std::optional<double> ratio;    ///< the larger of the two, at the values as stated
    std::vector<std::size_t> week;  ///< indices into `earlier`: 0 to 7 days before
    std::vector<std::size_t> year;  ///< 8 to 365 days before
    std::optional<std::size_t> lowest_week;
    std::optional<std::size_t> lowest_two_days;
    std::vector<std::size_t> medians;  ///< the one or two results in the middle of `year`

    bool complete() const { return band == possible; }
    bool lacks(Gap gap) const { return (gaps & static_cast<std::uint8_t>(gap)) != 0; }
};

Result evaluate(const Input& input);

}  // namespace aki
}  // namespace vitalog::processors
