#pragma once

#include <cstdint>
#include <string_view>

#include "processors/risk/bounds.h"
#include "processors/rules/run.h"
#include "schemas/rules.h"

namespace vitalog::processors::care {

class Person;

/// What care found when it judged a rule, or one condition of a rule, in the numbers it judged by.
/// A view: valid during the call that tells it.
struct Judgement {
    enum class Of : std::uint8_t {
        Nothing,    ///< nothing that it looks at is known
        Value,      ///< a value, against limits
        Change,     ///< a value, against those before it
        Statistic,  ///< what a window came to
        Band,       ///< of an index
        TooOld,     ///< a condition's value, older than the combination's `within`
        OtherUnit,  ///< a value of its code, refused
        CoolDown    ///< met, and withheld
    };
    const schemas::Rule& rule;  ///< a condition has no id
    Of of = Of::Nothing;
    bool met = false;   ///< Value of a rule with a duration: whatever it has lasted
    EventTime at = {};  ///< of what was judged
    Bounds value = {};  ///< Value, Change, Statistic
    std::string_view what =
        {};               ///< Value, Change: the LOINC code; Band: the band; OtherUnit: the unit
    rules::Run run = {};  ///< Value of a rule with a duration
    double least = 0;     ///< Change: of what it was compared with; none: least above most
    double most = 0;
    std::int64_t count = 0;               ///< Statistic: values
    std::chrono::microseconds covered{};  ///< Statistic: from the first to the last
    EventTime until = {};                 ///< CoolDown
};

/// Is told of every judgement, as it is made, by a processor that explains itself. A site's have
/// none.
class RuleTrace {
  public:
    virtual ~RuleTrace() = default;
    virtual void judged(const Judgement& judgement) = 0;
    /// The conditions of a combination are judged next, as of a moment.
    virtual void combines(const schemas::Rule& rule, EventTime as_of) = 0;
    /// A record or timer of this person was handled.
    virtual void handled(const Person& person) = 0;
};

}  // namespace vitalog::processors::care
