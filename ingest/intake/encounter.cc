#include "ingest/intake/encounter.h"

#include <array>
#include <string>
#include <utility>

namespace vitalog::ingest {
namespace {

using schemas::EncounterEvent;
using schemas::Practitioner;

/// HL7 table 0004 and the words that stand for it, as HL7 v3 ActCode.
constexpr std::array<std::pair<std::string_view, std::string_view>, 32> kClasses{{
    {"I", "IMP"},
    {"O", "AMB"},
    {"E", "EMER"},
    {"P", "PRENC"},
    {"R", "AMB"},
    {"B", "IMP"},
    {"IMP", "IMP"},
    {"AMB", "AMB"},
    {"EMER", "EMER"},
    {"PRENC", "PRENC"},
    {"OBSENC", "OBSENC"},
    {"INPATIENT", "IMP"},
    {"OUTPATIENT", "AMB"},
    {"EMERGENCY", "EMER"},
    {"AMBULATORY", "AMB"},
    {"PREADMIT", "PRENC"},
    {"RECURRING", "AMB"},
    {"OBSTETRICS", "IMP"},
    {"OBSERVATION", "OBSENC"},
    {"DAYCASE", "AMB"},
    {"DAY CASE", "AMB"},
    {"ER", "EMER"},
    {"ED", "EMER"},
    {"IP", "IMP"},
    {"OP", "AMB"},
    {"PRE-ADMIT", "PRENC"},
    {"住院", "IMP"},
    {"门诊", "AMB"},
    {"急诊", "EMER"},
    {"留观", "OBSENC"},
    {"预住院", "PRENC"},
    {"体检", "AMB"},
}};

std::string upper(std::string_view text) {
    std::string word(text);
    for (char& c : word)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return word;
}

std::string_view class_of(std::string_view sent) {
    for (const auto& [word, code] : kClasses)
        if (word == sent) return code;
    const std::string word = upper(sent);
    for (const auto& [known, code] : kClasses)
        if (known == word) return code;
    return sent;
}

/// A PL: everything but status (5) and kind of place (6), from the ward down.
std::string_view location_of(const Scope& scope, const hl7::Field& field) {
    if (!field.has_value()) return {};
    const hl7::Repetition place = field.repetition(0);
    std::string text;
    for (const std::size_t n : {1, 2, 3, 4, 7, 8}) {
        const std::string_view part = scope.text(place.component(n).subcomponent(1));
        if (part.empty()) continue;
        if (!text.empty()) text.append(", ");
        text.append(part);
    }
    return text.empty() ? std::string_view() : scope.arena.keep(std::move(text));
}

std::string_view visit_of(const Scope& scope, const hl7::Field& field) {
    const std::string_view number = scope.text(field.component(1));
    const std::string_view authority = scope.text(field.component(4).subcomponent(1));
    if (number.empty() || authority.empty()) return number;
    return scope.arena.keep(std::string(authority).append("|").append(number));
}

bool is_ascii(std::string_view text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    return true;
}

/// EVN-6 (when it occurred), else EVN-2 (when it was recorded), else MSH-7.
Result<ZonedTime> occurred_of(const Scope& scope, const std::optional<ZonedTime>& sent) {
    const hl7::Segment evn = scope.message.segment("EVN");
    if (evn) {
        VITALOG_TRY(const auto occurred, read_time(evn.field(6), scope.zone, "EVN-6"));
        if (occurred) return *occurred;
        VITALOG_TRY(const auto recorded, read_time(evn.field(2), scope.zone, "EVN-2"));
        if (recorded) return *recorded;
    }
    if (sent) return *sent;
    VITALOG_CHECK(read_time(scope.message.msh().field(7), scope.zone, "MSH-7"));
    return fail(Errc::Missing, "EVN-6, EVN-2 and MSH-7 are empty: the event has no time");
}

/// "Wei Zhang", "张伟".
std::string_view name_of(const Scope& scope, std::string_view family, std::string_view given) {
    if (family.empty() || given.empty()) return family.empty() ? given : family;
    if (is_ascii(family)) return scope.arena.keep(std::string(given).append(" ").append(family));
    return scope.arena.keep(std::string(family).append(given));
}

/// Who cares for the patient. A laboratory's MSH-4 says nothing about that, an ADT's does.
std::string_view organisation_of(const Scope& scope, const hl7::Segment& pv1) {
    const std::string_view servicing = scope.text(pv1.field(39).component(1));
    if (!servicing.empty()) return servicing;
    const std::string_view facility = scope.text(pv1.field(3).component(4).subcomponent(1));
    if (!facility.empty()) return facility;
    return scope.trigger.starts_with("ADT") ? scope.facility : std::string_view();
}

}  // namespace

Practitioner map_practitioner(const Scope& scope, const hl7::Repetition& xcn) {
    if (!xcn.has_value()) return {};
    return {
        scope.text(xcn.component(1)),
        name_of(scope, scope.text(xcn.component(2).subcomponent(1)), scope.text(xcn.component(3)))};
}

Practitioner map_practitioner(const Scope& scope, const hl7::Field& field) {
    return map_practitioner(scope, field.repetition(0));
}

Practitioner map_interpreter(const Scope& scope, const hl7::Field& field) {
    const hl7::Repetition ndl = field.repetition(0);
    const hl7::Component cnn = ndl.component(1);
    if (cnn.subcomponent_count() > 1)
        return {scope.text(cnn.subcomponent(1)),
                name_of(scope, scope.text(cnn.subcomponent(2)), scope.text(cnn.subcomponent(3)))};
    // NDL.2 is a time, an XCN's second component a name.
    const std::string_view second = ndl.component(2).raw();
    const bool is_time = !second.empty() && second.front() >= '0' && second.front() <= '9';
    if (is_time) return {scope.text(cnn), {}};
    return map_practitioner(scope, ndl);
}

std::optional<EncounterEvent> map_encounter(const Scope& scope, const hl7::Segment& pv1,
                                            const std::optional<ZonedTime>& sent) {
    if (!pv1) return std::nullopt;
    EncounterEvent encounter;
    encounter.visit = visit_of(scope, pv1.field(19));
    const std::string_view event = scope.trigger.substr(scope.trigger.find('^') + 1);
    const bool about_the_person =
        event == "A28" || event == "A29" || event == "A31" || event == "A47";
    if (encounter.visit.empty() && about_the_person) return std::nullopt;
    auto occurred = occurred_of(scope, sent);
    if (!occurred) {
        scope.out.dead_letter(occurred.error(), "PV1");
        return std::nullopt;
    }
    encounter.occurred = *occurred;
    encounter.trigger = event;
    encounter.class_code = class_of(scope.text(pv1.field(2).component(1)));
    encounter.location = location_of(scope, pv1.field(3));
    encounter.prior_location = location_of(scope, pv1.field(6));
    encounter.attending = map_practitioner(scope, pv1.field(7));
    encounter.referring = map_practitioner(scope, pv1.field(8));
    encounter.admitting = map_practitioner(scope, pv1.field(17));
    const hl7::Field consulting = pv1.field(9);
    const std::size_t count = consulting.has_value() ? consulting.repetition_count() : 0;
    for (std::size_t i = 0; i < count; ++i)
        if (consulting.repetition(i).has_value())
            encounter.consulting.push_back(map_practitioner(scope, consulting.repetition(i)));
    encounter.organisation = organisation_of(scope, pv1);
    encounter.service = scope.text(pv1.field(10).component(1));
    encounter.disposition = scope.text(pv1.field(36).component(1));
    encounter.admitted = time_or_dead_letter(scope, pv1.field(44), "PV1-44");
    encounter.discharged = time_or_dead_letter(scope, pv1.field(45), "PV1-45");
    return encounter;
}

}  // namespace vitalog::ingest
