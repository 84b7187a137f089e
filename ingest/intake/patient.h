#pragma once

#include "ingest/intake/scope.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest {

/// What a PID says about the person. What is unreadable becomes a dead letter of that field alone.
void map_patient(const Scope& scope, const hl7::Segment& pid, schemas::Patient& out);

/// A29: everything that was said about the person is to be forgotten, death apart, which no clerk
/// undoes.
void delete_patient(schemas::Patient& out);

}  // namespace vitalog::ingest
