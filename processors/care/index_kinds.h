#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "processors/care/current_values.h"
#include "processors/risk/egfr.h"
#include "processors/risk/news2.h"
#include "schemas/events/care.h"

namespace vitalog::processors::care {

/// What an index over current values is given: of each item the value in force at the moment, and
/// whose it is.
struct IndexInputs {
    std::array<std::optional<LatestValue>, kItems> values;
    Items known = 0;   ///< in force
    Items stale = 0;   ///< measured before, too long ago
    Items latest = 0;  ///< measured at the moment itself
    std::optional<int> age;
    std::optional<egfr::Sex> sex;
    news2::Scale scale = news2::Scale::One;

    bool knows(Item item) const { return (known & items(item)) != 0; }
    const LatestValue& value(Item item) const { return *values[static_cast<std::size_t>(item)]; }
    std::optional<Bounds> bounds(Item item) const {
        if (!knows(item)) return std::nullopt;
        return value(item).value;
    }
};

/// What an index says. `band` is the least that is certain.
struct Assessment {
    schemas::IndexStatus status = schemas::IndexStatus::Complete;
    std::optional<double> value;
    std::string_view unit;
    std::string_view band;
    bool settled = true;  ///< what is open can't change the band
    Items missing = 0;    ///< never measured, or too long ago
    Items inexact = 0;    ///< known as an interval that leaves the result open
    bool lacks_birth_date = false;
    bool lacks_sex = false;
    std::string_view reason;
    Items decisive = 0;  ///< the inputs that made the band what it is
};

/// How long an input stays in force.
enum class Freshness : std::uint8_t {
    Moment,  ///< measured at the same time
    Vital,   ///< IndexSettings::vital
    Chronic  ///< IndexSettings::chronic
};

/// Settings `care.vitals_fresh` and `care.chronic_fresh`.
struct IndexSettings {
    std::chrono::microseconds vital = std::chrono::hours(4);
    std::chrono::microseconds chronic = std::chrono::hours(24 * 365);

    std::chrono::microseconds of(Freshness freshness) const;
};

/// An index over current values: what it reads and how it is computed. To add one, add its entry in
/// index_kinds.cc.
struct IndexKind {
    std::string_view method;
    std::string_view version;
    std::span<const std::string_view> bands;
    Items inputs;
    /// Sets of items of which one must have been measured some time, all of it; before that the
    /// index says nothing. No set: it always speaks.
    std::array<Items, 2> wants;
    Freshness freshness;
    int least_age;
    std::string_view too_young;
    /// Of a wearable's samples alone: the least number of inputs that makes it speak. A pulse
    /// during a run is no early warning score.
    int samples_least;
    Assessment (*assess)(const IndexInputs&);
    /// Appends what the value or band is made of.
    void (*describe)(const IndexInputs&, std::string& out);
};

std::span<const IndexKind> index_kinds();
/// Null for methods that are not indices over current values.
const IndexKind* find_index_kind(std::string_view method);

}  // namespace vitalog::processors::care
