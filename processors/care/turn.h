#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <string_view>
#include <vector>

#include "processors/care/index_kinds.h"
#include "processors/care/person.h"
#include "processors/care/rule_trace.h"
#include "processors/processor.h"
#include "processors/rules/engine.h"
#include "schemas/events/task.h"

namespace vitalog::processors::care {

/// Writes ids as 32 hexadecimal digits that stay where they are until clear(). Keeps its memory.
class HexText {
  public:
    std::string_view of(const RecordId& id);
    void clear() { used_ = 0; }

  private:
    std::deque<std::array<char, 32>> texts_;
    std::size_t used_ = 0;
};

/// An index as it came out in this turn, of the moment `at`. Its texts live as long as the program.
struct ComputedIndex {
    EventTime at;
    schemas::TaskIndex index;

    static ComputedIndex of(const schemas::RiskEvent& event) {
        return {event.occurred.at,
                {.method = event.method,
                 .version = event.version,
                 .status = event.status,
                 .value = event.value,
                 .unit = event.unit,
                 .band = event.band,
                 .missing = event.missing}};
    }
};

/// One record in hand: whose it is, and what its handling may use. Lives for one call.
struct Turn {
    Person& person;
    const Input& input;
    Context& out;
    const rules::RulesInForce& rules;
    std::chrono::microseconds notice_limit;
    const IndexSettings& index_settings;
    HexText& hex;
    std::vector<ComputedIndex>& computed;  ///< for the tasks that alerts of this turn open
    RuleTrace* trace = nullptr;            ///< none in a site

    /// The person's id: the key, as the record itself may still name a person that was merged into
    /// this one.
    std::string_view person_id() const { return input.key; }
};

/// Why results are looked at again.
struct Occasion {
    bool demographics = false;  ///< birth date or sex changed: every index rests on them
    bool merged = false;  ///< results came from another person: judged before, under that person
};

}  // namespace vitalog::processors::care
