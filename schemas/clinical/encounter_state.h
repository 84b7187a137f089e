#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/result.h"
#include "schemas/events/clinical.h"

namespace vitalog::schemas {

/// FHIR R4 encounter status with the time it held; `to` is open while it still does.
struct EncounterStatusPeriod {
    std::string status;
    ZonedTime from;
    std::optional<ZonedTime> to;
};

struct EncounterLocation {
    std::string location;
    ZonedTime from;
    std::optional<ZonedTime> to;
};

/// A doctor by number and name.
struct EncounterDoctor {
    std::string id;
    std::string name;

    bool nobody() const { return id.empty() && name.empty(); }
    friend auto operator<=>(const EncounterDoctor&, const EncounterDoctor&) = default;

    template <class V>
    void members(V& v) {
        v("id", id);
        v("name", name);
    }
};

/// What the events of one encounter come to.
struct EncounterState {
    std::string visit;
    std::string status = "unknown";  ///< FHIR R4 encounter-status
    std::string class_code;
    std::vector<EncounterStatusPeriod> statuses;
    std::vector<EncounterLocation> locations;
    EncounterDoctor attending;
    EncounterDoctor referring;
    EncounterDoctor admitting;
    std::vector<EncounterDoctor> consulting;
    std::string organisation;
    std::string service;
    std::string disposition;
    std::optional<ZonedTime> start;
    std::optional<ZonedTime> end;
};

/// An EncounterEvent that owns its text.
struct EncounterRecord {
    std::string visit;
    std::string trigger;
    ZonedTime occurred;
    std::string class_code;
    std::string location;
    std::string prior_location;
    EncounterDoctor attending;
    EncounterDoctor referring;
    EncounterDoctor admitting;
    std::vector<EncounterDoctor> consulting;
    std::string organisation;
    std::string service;
    std::string disposition;
    std::optional<ZonedTime> admitted;
    std::optional<ZonedTime> discharged;

    template <class V>
    void members(V& v) {
        v("visit", visit);
        v.required("trigger", trigger);
        v.required("occurred", occurred);
        v("class", class_code);
        v("location", location);
        v("prior_location", prior_location);
        v("attending", attending);
        v("referring", referring);
        v("admitting", admitting);
        v("consulting", consulting);
        v("organisation", organisation);
        v("service", service);
        v("disposition", disposition);
        v("admitted", admitted);
        v("discharged", discharged);
    }
};

/// Names the encounter among those of one person: the visit number; without one, when it began;
/// empty when the event says neither and so belongs to no encounter that could be told apart.
std::string encounter_key(const EncounterEvent& event);

/// The events of one encounter, as a set: the state depends on what was added, not on the order it
/// came in. Of events that only repeat what another one said, the latest is kept.
///
/// Events count in the order of their own times. HL7 gives a cancel (A11, A12, A13) the time of
/// what it cancels (EVN-6), so at equal times a cancel comes last.
class EncounterHistory {
  public:
    /// False when it says nothing new.
    bool add(const EncounterEvent& event);
    /// Adds another history's events: the encounter was told under two persons that are one.
    bool merge(const EncounterHistory& other);

    EncounterState state() const;
    std::size_t size() const { return records_.size(); }

    /// {"version":2,"events":[...]}, sorted: equal sets have equal bytes.
    std::string encode() const;
    static Result<EncounterHistory> decode(std::string_view bytes, Decoder& decoder);

  private:
    bool insert(EncounterRecord record);

    std::vector<EncounterRecord> records_;  // in the order they count
};

}  // namespace vitalog::schemas
