#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingest/hl7/charset.h"
#include "ingest/hl7/identifiers.h"
#include "ingest/intake/observation.h"
#include "ingest/intake/scope.h"
#include "schemas/events/clinical.h"

namespace vitalog::ingest {

/// What of a site's settings and tables decides how a message is read. All of it comes from control
/// records.
struct SiteRules {
    schemas::Tables tables;
    hl7::SiteZone zone;
    std::vector<std::string> authorities;  ///< site.authorities, the primary one first
    std::optional<hl7::Charset> charset;   ///< hl7.charset; nothing: by the message
};

/// Turns HL7 v2 messages into events on `subject`: ADT A01 A02 A03 A04 A08 A11 A13 A28 A31 and ORU
/// R01 into ClinicalEvents, A34 and A40 into MergeRequests too. Of a document (MDM) the OBX alone
/// are used. Any other trigger stays in the feed and is counted. Keeps its memory from message to
/// message; one thread.
class Hl7Intake {
  public:
    explicit Hl7Intake(const SiteRules& rules) : rules_(rules) {}

    /// An Error refuses the whole message; what is wrong with one item goes to out.dead_letter().
    Result<void> handle(const processors::Input& input, processors::Context& out);
    /// After a change of rules.charset.
    void reset_charset() { decoder_ = hl7::Decoder(rules_.charset); }

  private:
    struct Trigger;
    Result<void> emit_group(const Scope& scope, std::size_t pid, std::size_t end,
                            const Trigger& what);
    Result<void> read_primary_first(const Scope& scope, const hl7::Segment& pid);
    void map_reports(const Scope& scope, std::size_t begin, std::size_t end);
    void emit_merge(const Scope& scope, std::size_t pid, std::size_t end);
    schemas::Report& next_report();
    void recycle();

    const SiteRules& rules_;
    hl7::Decoder decoder_;
    hl7::Message message_;
    hl7::TextArena arena_;
    IdTexts ids_;
    ReportMapper reports_;
    schemas::ClinicalEvent event_;
    std::vector<schemas::Report> spare_;  ///< reports with their memory, for the next message
    std::optional<ZonedTime> sent_;       ///< MSH-7
    int obx_number_ = 0;
    int mrg_number_ = 0;
};

}  // namespace vitalog::ingest
