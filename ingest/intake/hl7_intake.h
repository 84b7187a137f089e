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

/// Turns HL7 v2 messages into events on `subject`: ADT A01 to A08, A11 to A13, A23, A28, A29, A31,
/// ORU R01 R30 R32 and MDM T02 into ClinicalEvents; A34, A40 and A47 (an identifier was changed:
/// the old one's person is the new one's) into MergeRequests too. Any other trigger stays in the
/// feed and is counted. Keeps its memory from message to message; one thread.
class Hl7Intake {
  public:
    explicit Hl7Intake(const SiteRules& rules) : rules_(rules) {}

    /// An Error refuses the whole message; what is wrong with one item goes to out.dead_letter().
    Result<void> handle(const processors::Input& input, processors::Context& out);
    /// After a change of rules.charset.
    void reset_charset() { decoder_ = hl7::Decoder(rules_.charset); }

  private:
    struct Trigger;
    static const Trigger* find_trigger(std::string_view type, std::string_view event);
    Result<void> emit_group(const Scope& scope, std::size_t pid, std::size_t end,
                            const Trigger& what);
    Result<void> read_primary_first(const Scope& scope, const hl7::Segment& pid);
    void map_reports(const Scope& scope, std::size_t begin, std::size_t end, bool document);
    void map_document(const Scope& scope, std::size_t begin, std::size_t txa, std::size_t end);
    std::vector<std::string_view>* add_observation(const Scope& scope, const hl7::Segment& obx,
                                                   schemas::Report& report);
    static void add_note(const Scope& scope, const hl7::Segment& nte,
                         std::vector<std::string_view>* notes);
    void emit_merge(const Scope& scope, std::size_t pid, std::size_t end, const Trigger& what);
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
