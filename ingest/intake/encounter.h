#pragma once

#include <optional>

#include "ingest/intake/scope.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest {

/// The encounter that a PV1 tells of. Nothing where there is none, where a message about the person
/// (A28, A29, A31, A47) names no visit, or where the time of the event is unreadable: that is a
/// dead letter. `sent` is MSH-7, the last resort for the time.
std::optional<schemas::EncounterEvent> map_encounter(const Scope& scope, const hl7::Segment& pv1,
                                                     const std::optional<ZonedTime>& sent);

/// The person of an XCN, or of a PPN: a doctor's number and name.
schemas::Practitioner map_practitioner(const Scope& scope, const hl7::Repetition& xcn);
/// Of the field's first repetition.
schemas::Practitioner map_practitioner(const Scope& scope, const hl7::Field& field);

/// The person of an NDL, whose name may come as a CNN (subcomponents of the first component) or, as
/// many send it, as an XCN.
schemas::Practitioner map_interpreter(const Scope& scope, const hl7::Field& field);

}  // namespace vitalog::ingest
