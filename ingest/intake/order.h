#pragma once

#include <string_view>

#include "ingest/intake/scope.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest {

/// The numbers of an order as sent, with all their components: what a report's identity is made of.
struct OrderNumbers {
    std::string_view placer;
    std::string_view filler;
};

/// What ORC and OBR say about the order: numbers, who ordered and where, status. Either may not
/// exist.
OrderNumbers map_order(const Scope& scope, const hl7::Segment& orc, const hl7::Segment& obr,
                       schemas::Report& report);

/// What a TXA says about its document.
void map_document(const Scope& scope, const hl7::Segment& txa, schemas::Report& report);

/// The laboratory or department behind an observation: OBX-23, else OBX-15.
std::string_view map_producer(const Scope& scope, const hl7::Segment& obx);

}  // namespace vitalog::ingest
