#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/record.h"
#include "schemas/clinical/encounter_state.h"
#include "schemas/events/clinical.h"
#include "schemas/events/identity.h"
#include "sinks/views/link_table.h"
#include "sinks/views/source.h"
#include "sinks/views/sqlite.h"

namespace vitalog::sinks::views {

/// Writes the records of `person`: who somebody is, their encounters, reports and observations.
/// Used by the store's thread, inside its transaction. Malformed for a record that can't be used.
class PersonWriter {
  public:
    static Result<PersonWriter> open(sql::Connection& connection);

    Result<void> clinical(const schemas::PersonClinical& event, const Source& source);
    Result<void> identified(const schemas::PersonIdentified& event, const Source& source);
    Result<void> merged(const schemas::PersonMerged& event, const Source& source);
    /// Two persons share an identifier that may not merge them by itself.
    Result<void> clash(const schemas::PersonClash& event, const Source& source);
    Result<void> bound(std::string_view person, std::string_view team, const Source& source);

    /// Writes what is kept back to be written once per transaction. Before every commit.
    Result<void> finish();
    /// Forgets it, after a rollback.
    Result<void> rolled_back();

    std::uint64_t observations() const { return observations_; }

  private:
    using EncounterPlace = std::pair<std::string, std::string>;  // person, key of the encounter
    struct OpenEncounter {
        schemas::EncounterHistory history;
        bool changed = false;
        std::int64_t at_us = 0;
        std::int64_t record = 0;
    };
    struct Placing;

    explicit PersonWriter(LinkTable links) : links_(std::move(links)) {}
    Result<void> prepare_person(sql::Connection& connection);
    Result<void> prepare_encounter(sql::Connection& connection);
    Result<void> prepare_report(sql::Connection& connection);
    Result<void> prepare_observation(sql::Connection& connection);

    Result<void> demographics(const std::string& person, const schemas::Patient& patient,
                              std::int64_t said_us, const Source& source);
    Result<std::string> encounter(const std::string& person, const schemas::EncounterEvent& event,
                                  const Source& source);
    Result<OpenEncounter*> open_encounter(const EncounterPlace& place);
    Result<void> write_encounter(const EncounterPlace& place, const OpenEncounter& open);
    Result<void> settle_encounter(const std::vector<std::string>& group, const std::string& key);
    Result<void> report(const schemas::Report& report, const Placing& placing);
    Result<std::string> merged_results(const schemas::Report& report, const Placing& placing,
                                       const std::string& id);
    Result<void> observation(const schemas::Observation& observation, const std::string& report,
                             const Placing& placing);
    Result<bool> knows(const std::string& person, std::int64_t effective_us, const std::string& id);
    Result<bool> has_value(const std::string& person, std::int64_t effective_us,
                           const std::string& id);
    Result<void> retire_predecessor(const std::vector<std::string>& group,
                                    const std::string& series, const std::string& successor,
                                    std::int64_t said_us, std::int64_t at_us);
    Result<void> correct_across(const std::vector<std::string>& group, std::int64_t at_us);

    LinkTable links_;
    schemas::Decoder decoder_;
    std::map<EncounterPlace, OpenEncounter> encounters_;
    std::uint64_t observations_ = 0;

    sql::Statement touch_person_, load_person_, save_person_, bind_team_, identify_, clash_;
    sql::Statement load_encounter_, save_encounter_, settle_encounter_, encounter_keys_;
    sql::Statement load_results_, save_report_;
    sql::Statement find_observation_, shown_observation_, save_observation_, empty_observation_;
    sql::Statement newest_of_series_, retire_, corrections_;
};

/// Id of an encounter: 16 bytes over person and key.
std::string encounter_id(std::string_view person, std::string_view key);
/// Vital signs as opposed to laboratory results, by LOINC, MDC or the code system of devices.
bool is_vital_sign(std::string_view loinc, std::string_view code_system, std::string_view code);

}  // namespace vitalog::sinks::views
