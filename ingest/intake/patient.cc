#include "ingest/intake/patient.h"

#include <array>
#include <string>
#include <utility>

namespace vitalog::ingest {
namespace {

using schemas::Patient;

/// HL7 table 0001, GB/T 2261.1 and the words, as FHIR administrative-gender.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kSexes{{
    {"M", "male"},
    {"F", "female"},
    {"O", "other"},
    {"U", "unknown"},
    {"A", "other"},
    {"N", "other"},
    {"1", "male"},
    {"2", "female"},
    {"0", "unknown"},
    {"9", "unknown"},
    {"男", "male"},
    {"女", "female"},
    {"MALE", "male"},
    {"FEMALE", "female"},
    {"Male", "male"},
    {"Female", "female"},
    {"male", "male"},
    {"female", "female"},
}};

std::string_view sex_of(std::string_view word) {
    for (const auto& [sent, meaning] : kSexes)
        if (sent == word) return meaning;
    return "unknown";
}

/// The components that have a value, joined; nothing is built where there is one.
std::string_view joined(const Scope& scope, const hl7::Repetition& value, std::size_t first,
                        std::size_t last) {
    std::string_view single;
    std::string text;
    const std::size_t count = value.component_count();
    for (std::size_t n = first; n <= last && n <= count; ++n) {
        const std::string_view part = scope.text(value.component(n).subcomponent(1));
        if (part.empty()) continue;
        if (single.empty()) {
            single = part;
            continue;
        }
        if (text.empty()) text = single;
        text.append(", ").append(part);
    }
    return text.empty() ? single : scope.arena.keep(std::move(text));
}

void map_name(const Scope& scope, const hl7::Field& name, Patient& out) {
    if (name.is_null()) {
        out.cleared.insert(out.cleared.end(), {"family", "given"});
        return;
    }
    out.family = scope.text(name.component(1).subcomponent(1));
    out.given = scope.text(name.component(2));
}

void map_birth_date(const Scope& scope, const hl7::Field& birth, Patient& out) {
    if (birth.is_null()) out.cleared.push_back("birth_date");
    if (!birth.has_value()) return;
    auto date = hl7::parse_date(birth.component(1).raw());
    if (date)
        out.birth_date = *date;
    else
        scope.out.dead_letter(Error(Errc::Malformed, "PID-7 '" + std::string(birth.raw()) +
                                                         "' is not a date such as 19800501"),
                              "PID-7");
}

void map_phone(const Scope& scope, const hl7::Field& phone, Patient& out) {
    if (phone.is_null()) out.cleared.push_back("phone");
    if (!phone.has_value()) return;
    const std::size_t count = phone.repetition_count();
    for (std::size_t i = 0; i < count && out.phone.empty(); ++i) {
        const hl7::Repetition xtn = phone.repetition(i);
        out.phone = scope.text(xtn.component(1));
        if (out.phone.empty()) out.phone = scope.text(xtn.component(12));
        if (out.phone.empty()) out.phone = scope.text(xtn.component(7));
    }
}

void map_death(const Scope& scope, const hl7::Segment& pid, Patient& out) {
    const hl7::Field time = pid.field(29);
    const hl7::Field indicator = pid.field(30);
    if (time.is_null()) out.cleared.push_back("deceased_at");
    if (indicator.is_null()) out.cleared.push_back("deceased");
    out.deceased_at = time_or_dead_letter(scope, time, "PID-29");
    out.deceased = indicator.raw() == "Y" || out.deceased_at.has_value();
}

}  // namespace

void map_patient(const Scope& scope, const hl7::Segment& pid, Patient& out) {
    map_name(scope, pid.field(5), out);
    map_birth_date(scope, pid.field(7), out);
    const hl7::Field sex = pid.field(8);
    if (sex.is_null()) out.cleared.push_back("sex");
    if (sex.has_value()) out.sex = sex_of(scope.text(sex.component(1)));
    const hl7::Field address = pid.field(11);
    if (address.is_null()) out.cleared.push_back("address");
    if (address.has_value()) out.address = joined(scope, address.repetition(0), 1, 6);
    map_phone(scope, pid.field(13), out);
    map_death(scope, pid, out);
}

void delete_patient(schemas::Patient& out) {
    out = Patient{};
    out.deleted = true;
    out.cleared = {"family", "given", "birth_date", "sex", "phone", "address"};
}

}  // namespace vitalog::ingest
