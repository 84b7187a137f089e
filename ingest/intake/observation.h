#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ingest/intake/scope.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest {

/// Maps OBR, TXA and OBX. Reused from message to message; one thread.
///
/// Identity of a result: (facility, filler order number else placer's, OBR-4, OBX-3, OBX-4,
/// observation time); without order number the feed record and the place of the OBX in it. Where
/// one report repeats a code and sub-id (the lines of a text), the number of the repeat counts too.
class ReportMapper {
  public:
    /// Begins a report. `orc` and `obr` may not exist: results without an order are tolerated.
    void begin(const Scope& scope, const hl7::Segment& orc, const hl7::Segment& obr,
               const std::optional<ZonedTime>& sent, schemas::Report& report);
    /// A document's TXA, and the ORC and OBR that say what was ordered, which may not exist.
    struct DocumentSegments {
        hl7::Segment orc;
        hl7::Segment obr;
        hl7::Segment txa;
    };
    /// Begins a document's report.
    void begin_document(const Scope& scope, const DocumentSegments& segments,
                        const std::optional<ZonedTime>& sent, schemas::Report& report);
    /// Adds the OBX to the report and says true, or sends its dead letter. `number` counts the OBX
    /// of the message from 1.
    bool add(const Scope& scope, const hl7::Segment& obx, int number, schemas::Report& report);

  private:
    void reset(const std::optional<ZonedTime>& sent);
    Result<ZonedTime> effective_time(const Scope& scope, const hl7::Segment& obx);
    /// The identity without the time.
    RecordId series_of(const hl7::Segment& obx, int number,
                       const schemas::Observation& observation);
    /// How often this report had the series before.
    std::int64_t repeats_of(const RecordId& series);

    std::optional<ZonedTime> sent_;
    std::optional<ZonedTime> observed_;    ///< OBR-7, of a document TXA-4
    std::optional<Error> observed_error_;  ///< OBR-7 is there and unreadable
    schemas::ObservationStatus status_ =
        schemas::ObservationStatus::Final;  ///< where OBX-11 is empty
    RecordId report_id_;
    bool has_order_ = false;
    std::vector<std::uint64_t> series_;  ///< of this report, by hash; searched while it is short
    std::unordered_map<std::uint64_t, std::int64_t> series_counts_;  ///< instead, once it is long
    std::string_view last_time_raw_;
    ZonedTime last_time_;
};

}  // namespace vitalog::ingest
