#pragma once

#include <string>
#include <utility>
#include <vector>

#include "schemas/base/record.h"
#include "schemas/events/clinical.h"
#include "schemas/events/identity.h"
#include "sinks/views/encounter_table.h"
#include "sinks/views/link_table.h"
#include "sinks/views/person_table.h"
#include "sinks/views/report_table.h"
#include "sinks/views/source.h"

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

    /// What a record will have read of the database, fetched at once: where each way there takes time.
    void expect(const schemas::PersonClinical& event);
    void expect(const schemas::PersonIdentified& event);
    Result<void> fetch();

    /// Writes what is kept back to be written once per transaction. Before every commit.
    Result<void> finish();
    /// Forgets it, after a rollback.
    Result<void> rolled_back();

    std::uint64_t observations() const { return observations_; }
    LinkTable& links() { return links_; }

  private:
    explicit PersonWriter(LinkTable links) : links_(std::move(links)) {}
    Result<void> prepare_identifier(sql::Connection& connection);
    Result<void> prepare_observation(sql::Connection& connection);
    Result<void> prepare_corrections(sql::Connection& connection);

    Result<void> report(const schemas::Report& report, const Placing& placing);
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
    PersonTable persons_;
    EncounterTable encounters_;
    ReportTable reports_;
    std::uint64_t observations_ = 0;

    sql::Statement identify_, clash_;
    sql::Statement find_observation_, shown_observation_, save_observation_, empty_observation_;
    sql::Statement newest_of_series_, retire_, corrections_;
};

/// Vital signs as opposed to laboratory results, by LOINC, MDC or the code system of devices.
bool is_vital_sign(std::string_view loinc, std::string_view code_system, std::string_view code);

}  // namespace vitalog::sinks::views
