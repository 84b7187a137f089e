#pragma once

#include <string>

#include "schemas/base/result.h"
#include "schemas/json.h"
#include "sinks/views/rows.h"

// FHIR R4 resources (JSON) of the rows of the views. Pure; one Decoder per thread.

namespace vitalog::sinks::fhir {

std::string to_patient(const views::PatientRow& row);
/// Damaged when the stored history can't be read; so for the other bodies.
Result<std::string> to_encounter(const views::EncounterRow& row, schemas::Decoder& decoder);
Result<std::string> to_report(const views::ReportRow& row, schemas::Decoder& decoder);
Result<std::string> to_observation(const views::ObservationRow& row, schemas::Decoder& decoder);
std::string to_risk_assessment(const views::RiskRow& row);
Result<std::string> to_detected_issue(const views::BodyRow& row, schemas::Decoder& decoder);
Result<std::string> to_task(const views::BodyRow& row, schemas::Decoder& decoder);
Result<std::string> to_communication(const views::BodyRow& row, schemas::Decoder& decoder);

}  // namespace vitalog::sinks::fhir
