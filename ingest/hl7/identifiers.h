#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/hl7/message.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest::hl7 {

/// The identifiers of a CX field, one per repetition that has a value. The authority is CX.4's
/// namespace, else its universal id, else `facility`. The views live as long as the message and the
/// arena.
void append_identifiers(const Field& field, std::string_view facility, TextArena& arena,
                        std::vector<schemas::Identifier>& out);

/// The identifiers of a PID in the order in which they were sent: PID-3 (PID-2 where PID-3 has
/// none), then the citizen identity number under the authority GB11643 where PID-19, or a PID-3 of
/// type NI or PRC, holds a valid one. Each once. `facility` is MSH-4's namespace, else its
/// universal id.
void read_identifiers(const Segment& pid, std::string_view facility, TextArena& arena,
                      std::vector<schemas::Identifier>& out);

/// MSH-4 as the authority of identifiers that name none.
std::string_view sending_facility(const Segment& msh, TextArena& arena);

/// The one that keys the person's records: the first authority of the site's order that is present,
/// else the first identifier. Null when there is none.
const schemas::Identifier* primary(std::span<const schemas::Identifier> identifiers,
                                   std::span<const std::string> authorities);

}  // namespace vitalog::ingest::hl7
