#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "processors/care/pack_check.h"
#include "processors/care/person.h"
#include "processors/care/samples.h"
#include "processors/care/sides.h"
#include "processors/care/turn.h"
#include "processors/processor.h"
#include "processors/rules/engine.h"

namespace vitalog::processors::care {

/// The care stage: folds what is known of a person, computes indices, judges rules, keeps episodes,
/// and asks desk for doctors and notify for messages to the patient. Reads `person`; entity:
/// person.
///
/// Control kinds: "rules" (packs by name), "settings" ("site": care.patient_notice_limit, 24h;
/// care.vitals_fresh, 4h; care.chronic_fresh, 365d).
class CareProcessor final : public ProcessorOf<Person> {
  public:
    std::string_view stage() const override { return "care"; }
    std::uint32_t logic() const override { return 2; }
    std::unique_ptr<state::Entity> create(std::string_view key) const override;
    Result<std::unique_ptr<state::Entity>> decode(std::string_view key,
                                                  std::string_view bytes) const override;
    Result<void> on_control(const schemas::Control& control, const Input& input) override;

    /// on_record(), judged by other rules too. A refused record leaves both sides as they were.
    Result<void> on_record_beside(Person& person, const Input& input, Context& out,
                                  const Beside& beside);

    /// Tells how it judges, from the next record on. `trace` outlives the processor.
    void explain_to(RuleTrace& trace) { trace_ = &trace; }
    const rules::RulesInForce& rules() const { return rules_; }

  protected:
    Result<void> handle(Person& person, const Input& input, Context& out) override;
    void fire(Person& person, const Timer& timer, Context& out) override;

  private:
    Turn turn_for(Person& person, const Input& input, Context& out);
    Result<void> handle(Sides& sides);
    Result<void> dispatch(Sides& sides);
    Result<void> samples(Sides& sides);
    Result<void> clinical(Sides& sides);
    Result<void> binding(Turn& turn);
    Result<void> decision(Sides& sides);
    Result<void> merged(Sides& sides);
    Result<void> moved(Sides& sides);

    schemas::Decoder decoder_;
    rules::RulesInForce rules_{check_indices};
    std::chrono::microseconds notice_limit_ = std::chrono::hours(24);
    IndexSettings index_settings_;
    HexText hex_;
    std::vector<Touched> touched_;
    std::vector<ComputedIndex> computed_;
    Window window_;
    std::vector<Arrival> arrivals_;
    RuleTrace* trace_ = nullptr;
};

}  // namespace vitalog::processors::care
