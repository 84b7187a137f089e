#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "processors/care/episode.h"
#include "processors/care/turn.h"
#include "processors/rules/engine.h"

namespace vitalog::processors::care {

enum class Verdict : std::uint8_t {
    Unknown,  ///< there is nothing to judge
    Met,
    Between,  ///< neither met nor cleared
    Cleared
};

/// What a rule comes to as of a moment, and on what.
struct Evaluation {
    Verdict verdict = Verdict::Unknown;
    ZonedTime at;                   ///< event time of the newest value it rests on
    std::vector<RecordId> results;  ///< observations it rests on
    std::vector<SampleFact> facts;  ///< samples and statistics it rests on
};

/// Judges a rule by what is known of the person at or before a moment: the newest value, over
/// observations and samples, and what the rule's window came to. Of silence: the finding that it
/// follows. A combination's values may be as old as its `within`.
Evaluation evaluate(const Turn& turn, const schemas::Rule& rule, EventTime as_of);

/// Event time of the newest value, band or sample that the rule looks at; none where there is none.
std::optional<EventTime> newest_moment(const Person& person, const schemas::Rule& rule);

/// A number in the fewest digits that read back the same.
std::string number_text(double value);

}  // namespace vitalog::processors::care
