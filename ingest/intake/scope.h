#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string_view>

#include "ingest/hl7/message.h"
#include "ingest/hl7/time.h"
#include "processors/processor.h"
#include "schemas/base/ids.h"
#include "schemas/tables/tables.h"

namespace vitalog::ingest {

/// The text form of ids, kept until clear(). Reuses its memory. One thread.
class IdTexts {
  public:
    std::string_view keep(const RecordId& id);
    void clear();

  private:
    std::deque<std::array<char, 32>> texts_;
    std::size_t used_ = 0;
};

/// What the mappers of one message share. Lives for one message.
struct Scope {
    const hl7::Message& message;
    const hl7::SiteZone& zone;
    const schemas::Tables& tables;
    hl7::TextArena& arena;
    IdTexts& ids;
    processors::Context& out;
    RecordId root;  ///< the feed record: the identity of results that come without order number
    std::string_view facility;  ///< MSH-4
    std::string_view trigger;   ///< "ORU^R01"
    ReceivedTime received;
    std::string_view source;  ///< the feed record, "topic/partition/offset"

    std::string_view text(const hl7::Value& value) const { return value.text(arena); }
};

/// Reads a time field: nothing when it is empty or null; Malformed, naming the field, when it is
/// there and unreadable.
Result<std::optional<ZonedTime>> read_time(const hl7::Field& field, const hl7::SiteZone& zone,
                                           std::string_view name);
/// The same for fields whose message goes on without: what is unreadable becomes a dead letter at
/// `name`.
std::optional<ZonedTime> time_or_dead_letter(const Scope& scope, const hl7::Field& field,
                                             std::string_view name);

}  // namespace vitalog::ingest
