#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/base/result.h"
#include "schemas/tables/table_file.h"

namespace vitalog::schemas {

struct Observable;
struct Unit;

/// What a field of a wearable's data means: which observable, and how its numbers are kept.
struct Measure {
    const Observable* observable = nullptr;
    int decimals = 0;    ///< digits kept behind the point, in the observable's unit
    bool total = false;  ///< adds up over its span (steps); else a moment's value
    const Unit* unit =
        nullptr;        ///< of numbers that come without one; null: they must come with one
    double factor = 1;  ///< one as sent is so many of that unit
    /// Holds only where a text beside the field says so (`specimen_source`: interstitial fluid).
    std::string where_member;
    std::string where_text;
    Measure* otherwise = nullptr;  ///< the next for the same field
};

/// When a device's clock is believed.
struct ClockLimits {
    std::chrono::microseconds tolerance{
        std::chrono::minutes(5)};  ///< ahead of receipt; beyond: repaired
    std::chrono::microseconds limit{std::chrono::hours(24)};  ///< beyond: refused
};

/// Which field of which provider means what, and which source has the word where several measured
/// the same. The file format is described in schemas/tables/measures.yaml. Part of Tables.
class MeasureTable {
  public:
    /// Where units and observables are found.
    struct Known {
        std::function<const Unit*(std::string_view)> unit;
        std::function<const Observable*(std::string_view)> observable;
    };

    /// Takes in what a file says is kept: of all files, before what any says of fields and sources.
    /// Configuration.
    Result<void> add_measures(TableEntry& top, const Known& known);
    Result<void> add_fields(TableEntry& top, const Known& known);

    /// The first candidate for a field; null when it means nothing here. `type` may be empty: the
    /// device did not say.
    const Measure* find(std::string_view provider, std::string_view type,
                        std::string_view field) const;
    /// Whether any field of this type means something.
    bool knows_type(std::string_view provider, std::string_view type) const;
    /// The lower has the word. Sources that no row names come behind those that one does.
    int rank(std::string_view source, const Observable& observable) const;
    const ClockLimits& clock() const { return clock_; }
    std::size_t size() const { return measures_.size(); }

  private:
    struct Kept {
        int decimals = 0;
        bool total = false;
        TablePlace place;
    };
    struct SourceRow {
        int rank = 0;
        std::vector<std::string> named;              ///< in lower case; part of the source's name
        std::vector<const Observable*> observables;  ///< empty: all
    };
    using Key = std::array<std::string_view, 3>;  ///< provider, type, field
    struct KeyHash {
        std::size_t operator()(const Key& key) const {
            return (hash64(key[0]) * 31 + hash64(key[1])) * 31 + hash64(key[2]);
        }
    };

    Result<void> add_kept(TableEntry& entry, const Known& known);
    Result<void> add_field(TableEntry& entry, const std::string& provider, const Known& known);
    Result<void> add_where(TableEntry& entry, Measure& measure);
    Result<void> add_key(const Key& key, Measure& measure, const TablePlace& place);
    Result<void> add_source(TableEntry& entry, const Known& known);
    Result<void> add_clock(TableEntry& entry);
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

    std::map<std::string, Kept> kept_;  ///< by LOINC code
    std::deque<Measure> measures_;      // a deque: the indexes point into it
    std::deque<std::string> texts_;
    std::unordered_map<Key, Measure*, KeyHash> by_field_;
    std::unordered_map<Key, bool, KeyHash> types_;
    std::vector<SourceRow> sources_;
    ClockLimits clock_;
    bool clock_said_ = false;
};

}  // namespace vitalog::schemas
