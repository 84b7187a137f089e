#include <array>

#include "sinks/fhir/search.h"

namespace vitalog::sinks::fhir {
namespace {

using enum ParamKind;
using views::Table;

// What several types have.
constexpr ParamSpec kLocatedId{"_id", LocatedId, "id", "token"};
constexpr ParamSpec kTextId{"_id", TextId, "id", "token"};
constexpr ParamSpec kNamedId{"identifier", TextId, "id", "token"};
constexpr ParamSpec kOfPatient{"patient", ParamKind::Patient, "", "reference"};
constexpr ParamSpec kOfSubject{"subject", ParamKind::Patient, "", "reference"};
constexpr ParamSpec kOfEncounter{"encounter", ParamKind::Encounter, "encounter", "reference"};
constexpr ParamSpec kStatus{"status", Token, "status", "token"};
constexpr ParamSpec kEffective{"date", Date, "effective_us", "date"};

constexpr std::array kPatient{
    ParamSpec{"_id", PersonId, "person", "token"},
    ParamSpec{"identifier", PatientIdentifier, "", "token"},
    ParamSpec{"family", Text, "family", "string"},
    ParamSpec{"given", Text, "given", "string"},
    ParamSpec{"birthdate", Text, "birth_date", "date"},
    ParamSpec{"gender", Token, "sex", "token"},
    ParamSpec{"phone", Token, "phone", "token"},
};
constexpr std::array kEncounter{
    kLocatedId,
    kOfPatient,
    kOfSubject,
    ParamSpec{"date", Date, "start_us", "date"},
    kStatus,
    ParamSpec{"class", Token, "class", "token"},
    ParamSpec{"identifier", Token, "visit", "token"},
};
constexpr std::array kObservation{
    kLocatedId,
    kOfPatient,
    kOfSubject,
    kEffective,
    ParamSpec{"code", Code, "code", "token", "loinc"},
    kStatus,
    ParamSpec{"category", Category, "vital", "token"},
    ParamSpec{"identifier", ResultId, "id", "token"},
    kOfEncounter,
};
constexpr std::array kReport{
    kLocatedId,
    kOfPatient,
    kOfSubject,
    kEffective,
    ParamSpec{"code", Code, "code", "token"},
    kStatus,
    ParamSpec{"category", Token, "section", "token"},
    ParamSpec{"identifier", Token, "filler", "token", "placer"},
    kOfEncounter,
    ParamSpec{"result", ParamKind::Result, "id", "reference"},
};
constexpr std::array kRisk{
    kLocatedId,
    kOfPatient,
    kOfSubject,
    ParamSpec{"date", Date, "occurred_us", "date"},
    ParamSpec{"method", Token, "method", "token"},
    ParamSpec{"risk", Token, "band", "token"},
    ParamSpec{"identifier", ResultId, "id", "token"},
};
constexpr std::array kIssue{
    kTextId,
    kOfPatient,
    ParamSpec{"identified", Date, "since_us", "date"},
    ParamSpec{"code", Token, "rule", "token"},
    kNamedId,
};
constexpr std::array kTask{
    kTextId,
    kOfPatient,
    ParamSpec{"owner", Owner, "team", "reference", "owner"},
    kStatus,
    ParamSpec{"priority", Priority, "priority", "token"},
    ParamSpec{"due", Date, "deadline_us", "date"},
    ParamSpec{"focus", Reference, "alert", "reference"},
    ParamSpec{"authored-on", Date, "opened_us", "date"},
    ParamSpec{"modified", Date, "updated_us", "date"},
    kNamedId,
};
constexpr std::array kCommunication{
    kTextId,
    kOfPatient,
    kOfSubject,
    ParamSpec{"recipient", Recipient, "recipient", "reference"},
    ParamSpec{"status", Token, "fhir_status", "token"},
    ParamSpec{"category", Token, "purpose", "token"},
    ParamSpec{"sent", Date, "sent_us", "date"},
    ParamSpec{"received", Date, "received_us", "date"},
    kNamedId,
};

constexpr std::array<ResourceSpec, 8> kSpecs{{
    {"Patient", Table::Patient, kPatient, "", {"person"}, {"updated_us"}, false},
    {"Encounter", Table::Encounter, kEncounter, "hidden", {"start_us", true}, {"updated_us"}, true},
    {"DiagnosticReport", Table::Report, kReport, "", {"effective_us", true}, {"updated_us"}, true},
    {"Observation",
     Table::Observation,
     kObservation,
     "hidden",
     {"effective_us", true},
     {"updated_us"},
     true},
    {"RiskAssessment", Table::Risk, kRisk, "hidden", {"occurred_us", true}, {"updated_us"}, true},
    {"DetectedIssue", Table::Alert, kIssue, "", {"since_us", true}, {"updated_us"}, false},
    {"Task", Table::Task, kTask, "", {"deadline_us", true}, {"deadline_us"}, false},
    {"Communication",
     Table::Delivery,
     kCommunication,
     "",
     {"created_us", true},
     {"updated_us"},
     false},
}};

}  // namespace

std::span<const ResourceSpec> resource_specs() {
    return kSpecs;
}

const ResourceSpec* find_spec(std::string_view type) {
    for (const auto& spec : kSpecs)
        if (spec.type == type) return &spec;
    return nullptr;
}

}  // namespace vitalog::sinks::fhir
