#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/result.h"
#include "sinks/views/view_reader.h"

namespace vitalog::sinks::fhir {

/// How a search parameter's values are read.
enum class ParamKind : std::uint8_t {
    Token,    ///< CODE or SYSTEM|CODE against a text column; the system is not looked at
    Text,     ///< begins with
    Date,     ///< with prefix, against the start of what happened (a *_us column)
    Patient,  ///< reference to a patient; `identifier` finds one by identifier
    PatientIdentifier,
    PersonId,   ///< _id of a Patient
    LocatedId,  ///< _id of a resource that lies with its person
    TextId,     ///< _id of the others
    Code,       ///< LOINC or local code, with or without its system
    Category,   ///< laboratory, vital-signs, activity
    ResultId,   ///< identifier of an observation or a risk
    Encounter,  ///< reference
    Result,     ///< a report's observation, by reference
    Reference,  ///< reference against a text column
    Owner,      ///< team or doctor
    Recipient,  ///< patient or doctor
    Priority,   ///< stat, urgent, routine
};

struct IncludeSpec;

struct ParamSpec {
    std::string_view name;
    ParamKind kind;
    std::string_view column;
    std::string_view type;       ///< as the CapabilityStatement tells it
    std::string_view also = {};  ///< a second column that may match instead
};

/// One resource type: its table, its search parameters, its order.
struct ResourceSpec {
    std::string_view type;
    views::Table table;
    std::span<const ParamSpec> params;
    std::string_view hide;       ///< column that hides a row from a search that doesn't ask for it
    views::Order patient_order;  ///< of one patient's
    views::Order plain_order;    ///< of everybody's
    bool located = false;        ///< ids are located ids
};
std::span<const ResourceSpec> resource_specs();
const ResourceSpec* find_spec(std::string_view type);

using QueryParams = std::vector<std::pair<std::string, std::string>>;

struct SearchRequest {
    views::Query query;
    bool nothing = false;     ///< names a patient or id that does not exist
    bool count_only = false;  ///< _summary=count
    std::vector<const IncludeSpec*> include, revinclude;
    bool provenance = false;  ///< _revinclude=Provenance:target
    std::vector<std::string>
        named;  ///< patients the search names, found or not empty: for the audit
};

/// What a search needs besides its parameters.
struct SearchContext {
    const views::ViewReader& reader;
    std::string_view zone;  ///< IANA name: of times said without one
};

inline constexpr std::int64_t kCountDefault = 50;
inline constexpr std::int64_t kCountMax = 1'000;
/// Of a page with _revinclude=Provenance:target: each takes a search of the feeds.
inline constexpr std::int64_t kProvenanceCountMax = 100;

/// Malformed or Unsupported names the parameter at fault.
Result<SearchRequest> parse_search(const ResourceSpec& spec, const QueryParams& params,
                                   const SearchContext& context);

/// [from, to) in microseconds of a FHIR date or time; a bare date is a day in `zone`.
struct TimeRange {
    std::int64_t from_us;
    std::int64_t to_us;
};
Result<TimeRange> parse_time_range(std::string_view text, std::string_view zone);

/// The id at the end of a reference: "ID", "Type/ID" or an absolute URL.
std::string_view reference_id(std::string_view reference);
/// A whole number from 0 to `max`.
Result<std::int64_t> parse_number(std::string_view name, std::string_view text, std::int64_t max);

}  // namespace vitalog::sinks::fhir
