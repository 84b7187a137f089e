#pragma once

#include <memory>

#include "ingest/intake/hl7_intake.h"
#include "ingest/intake/json_intake.h"
#include "ingest/intake/operation_intake.h"
#include "ingest/intake/wearable_intake.h"
#include "ingest/intake/receipt_intake.h"
#include "processors/processor.h"

namespace vitalog::ingest {

/// The one door's inner side: reads the records of every feed topic and writes canonical events.
/// Has no entities; what steers it (tables, settings) comes by on_control, from feed.control. One
/// instance per worker; one thread.
///
/// The form is read from the header `format`; without it the topic's usual form is taken.
class IntakeProcessor final : public processors::Processor {
  public:
    /// Configuration when the tz database lacks the default zone, Asia/Shanghai.
    static Result<std::unique_ptr<IntakeProcessor>> make();

    std::string_view stage() const override { return "intake"; }
    std::uint32_t logic() const override { return 2; }
    std::unique_ptr<state::Entity> create(std::string_view) const override { return nullptr; }
    Result<std::unique_ptr<state::Entity>> decode(std::string_view,
                                                  std::string_view) const override {
        return std::unique_ptr<state::Entity>();
    }
    Result<void> on_record(state::Entity*, const processors::Input& input,
                           processors::Context& out) override;
    void on_timer(state::Entity*, const processors::Timer&, processors::Context&) override {}
    Result<void> on_control(const schemas::Control& control,
                            const processors::Input& input) override;

    /// Stamp of the tables in force, as it is written into every ClinicalEvent.
    std::string_view tables_version() const { return rules_.tables.version(); }

  private:
    explicit IntakeProcessor(hl7::SiteZone zone);
    Result<void> use_settings(const schemas::Control& control);

    SiteRules rules_;
    Hl7Intake hl7_;
    JsonIntake json_;
    WearableIntake wearable_;
    ReceiptIntake receipts_;
    OperationIntake operations_;
    schemas::Decoder decoder_;
};

}  // namespace vitalog::ingest
