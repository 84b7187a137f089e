#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "processors/care/results.h"
#include "processors/risk/bounds.h"
#include "schemas/base/ids.h"
#include "schemas/base/time.h"

namespace vitalog::processors::care {

/// What indices over current values are computed from.
enum class Item : std::uint8_t {
    RespiratoryRate,
    OxygenSaturation,
    OxygenFlow,
    OxygenConcentration,
    SystolicPressure,
    DiastolicPressure,
    HeartRate,
    Consciousness,
    Temperature,
    BodyWeight,
    BodyHeight,
    BodyMassIndex,
    Creatinine,
    FiltrationRate,  ///< as a laboratory reports it
    AlbuminRatio
};
inline constexpr std::size_t kItems = 15;

/// A set of items, a bit each.
using Items = std::uint16_t;
constexpr Items items(Item item) {
    return static_cast<Items>(1U << static_cast<unsigned>(item));
}
template <class... Rest>
constexpr Items items(Item first, Rest... rest) {
    return static_cast<Items>(items(first) | items(rest...));
}

/// The item that a LOINC code stands for, as a set of one; empty for every other code. Cheap: asked
/// for every changed result.
Items items_of(std::string_view loinc);
/// What a doctor reads where it is missing ("respiratory rate"), or not exact ("exact respiratory
/// rate").
std::string_view missing_name(Item item);
std::string_view inexact_name(Item item);

/// The unit under which care keeps coded answers: their numbers in the code tables.
inline constexpr std::string_view kAnswerUnit = "{answer}";
/// What the number of a coded answer means; empty where it is not known here.
std::string_view answer_text(std::string_view loinc, double number);

/// A value that was measured, and when.
struct LatestValue {
    Bounds value;
    ZonedTime at;
    RecordId source;          ///< the observation; of a wearable's sample the record of its batch
    bool observation = true;  ///< false: from a wearable's samples
};

/// Where the newest sample of a wearable is found: implemented by whoever keeps the samples of a
/// person.
class LatestSamples {
  public:
    virtual ~LatestSamples() = default;
    /// The newest sample of a code in this unit at or before `moment`.
    virtual std::optional<LatestValue> latest(std::string_view loinc, std::string_view unit,
                                              EventTime moment) const = 0;
    virtual bool has(std::string_view loinc, std::string_view unit) const = 0;
};

/// The newest value of each item as of a moment, over observations and samples: of one moment an
/// observation goes before a sample.
class CurrentValues {
  public:
    /// `samples` may be null.
    CurrentValues(const Results& results, const LatestSamples* samples)
        : results_(results), samples_(samples) {}

    /// Whether it was ever measured, withdrawn results included.
    bool ever(Item item) const;
    /// At or before `moment`, however old. Nothing where it was never measured.
    std::optional<LatestValue> newest(Item item, EventTime moment) const;

  private:
    std::optional<LatestValue> newest_observation(std::string_view loinc, std::string_view unit,
                                                  EventTime moment) const;

    const Results& results_;
    const LatestSamples* samples_;
};

}  // namespace vitalog::processors::care
