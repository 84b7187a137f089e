#pragma once

#include <optional>
#include <string_view>

#include "ingest/intake/scope.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest {

/// Why an OBX gives no observation, and which field is at fault ("OBX-5").
struct ValueFault {
    Error error;
    std::string_view field;
};

/// Reads OBX-2, 3, 5, 6, 7 and 8: code, value, unit, range, flags. `out.status` is set already:
/// what is deleted, posted to the wrong person or cancelled needs no readable value.
std::optional<ValueFault> map_value(const Scope& scope, const hl7::Segment& obx,
                                    schemas::Observation& out);

}  // namespace vitalog::ingest
