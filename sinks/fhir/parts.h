#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"
#include "schemas/json.h"

// Pieces that FHIR resources have in common.

namespace vitalog::sinks::fhir {

using schemas::JsonWriter;

/// Id of a resource that lies with its person: the first 8 digits of the person's id find the
/// place. The person is the one it was written for; a reference by way of the survivor finds it
/// too.
std::string located_id(std::string_view person, std::string_view id);
struct Located {
    std::string_view person_prefix;
    std::string_view id;
};
std::optional<Located> parse_located(std::string_view id);

/// The URI of a code system named as in HL7 v2 table 0396 ("LN", "MDC"), or of a local one, and
/// back.
std::string code_system_uri(std::string_view name);
std::string code_system_name(std::string_view uri);
/// The URI of an assigning authority, and back. What is a URI already stays as it is.
std::string authority_uri(std::string_view authority);
std::string authority_name(std::string_view uri);
std::string percent_encoded(std::string_view text);
/// True for what R4 allows as an id: 1 to 64 of A-Z a-z 0-9 - .
bool is_fhir_id(std::string_view text);

void write_coding(JsonWriter& json, std::string_view system, std::string_view code,
                  std::string_view display = {});
/// A CodeableConcept with one coding.
void write_concept(JsonWriter& json, std::string_view name, std::string_view system,
                   std::string_view code, std::string_view display = {});
void write_reference(JsonWriter& json, std::string_view name, std::string_view type,
                     std::string_view id);
/// A Reference object in an array.
void write_reference_item(JsonWriter& json, std::string_view type, std::string_view id);
/// Somebody named by the site and not kept as a resource: reference where the name can be an id,
/// identifier, display.
void write_party(JsonWriter& json, std::string_view type, std::string_view system,
                 std::string_view name);

void write_identifier(JsonWriter& json, std::string_view system, std::string_view value);

/// A doctor or a house by number and name, as messages name them: identifier and display.
struct Named {
    std::string_view id;
    std::string_view name;
};
void write_named(JsonWriter& json, std::string_view type, const Named& named);
/// An array of these; nothing where nobody is named.
struct Performer {
    std::string_view type;
    schemas::Practitioner named;
};
void write_performers(JsonWriter& json, std::string_view name,
                      std::initializer_list<Performer> performers);
/// Comments, one Annotation each.
void write_notes(JsonWriter& json, const std::vector<std::string_view>& notes);

/// An Attachment that is read at Binary/{id}.
struct Document {
    std::string_view content_type;
    std::string_view title;
    std::int64_t size = 0;
};
void write_attachment(JsonWriter& json, std::string_view binary, const Document& document);

struct Quantity {
    std::optional<double> value;
    std::string_view comparator;
    std::string_view unit;
};
void write_quantity(JsonWriter& json, std::string_view name, const Quantity& quantity);
/// low and high as a Range, or as Observation.referenceRange has them.
void write_limits(JsonWriter& json, std::optional<double> low, std::optional<double> high,
                  std::string_view unit);

/// One element of an array of extensions.
template <class T>
void write_extension(JsonWriter& json, std::string_view url, std::string_view value_name,
                     const T& value) {
    json.begin_object();
    json.field("url", url);
    json.field(value_name, value);
    json.end_object();
}

/// resourceType, id and meta.
void begin_resource(JsonWriter& json, std::string_view type, std::string_view id,
                    std::int64_t revision, std::int64_t updated_us);

/// The known interpretations (HL7 v3 ObservationInterpretation) in OBX-8; the rest as text.
void write_interpretation(JsonWriter& json, std::string_view flags);

inline constexpr std::string_view kLoinc = "http://loinc.org";
inline constexpr std::string_view kUcum = "http://unitsofmeasure.org";
inline constexpr std::string_view kUserSystem = "urn:vitalog:user";
inline constexpr std::string_view kTeamSystem = "urn:vitalog:team";

}  // namespace vitalog::sinks::fhir
