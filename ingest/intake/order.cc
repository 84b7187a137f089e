#include "ingest/intake/order.h"

#include <array>
#include <utility>

#include "ingest/intake/encounter.h"

namespace vitalog::ingest {
namespace {

using Meaning = std::pair<std::string_view, std::string_view>;

template <std::size_t N>
std::string_view find(const std::array<Meaning, N>& table, std::string_view code,
                      std::string_view otherwise) {
    for (const auto& [known, meaning] : table)
        if (known == code) return meaning;
    return otherwise;
}

/// OBR-25, HL7 table 0123, as FHIR diagnostic-report-status.
std::string_view report_status(std::string_view code) {
    static constexpr auto kTable = std::to_array<Meaning>({{"F", "final"},
                                                           {"C", "corrected"},
                                                           {"P", "preliminary"},
                                                           {"R", "preliminary"},
                                                           {"A", "partial"},
                                                           {"O", "registered"},
                                                           {"I", "registered"},
                                                           {"S", "registered"},
                                                           {"X", "cancelled"}});
    return code.empty() ? "" : find(kTable, code, "unknown");
}

/// ORC-5, HL7 table 0038, as FHIR request-status.
std::string_view order_status(std::string_view code) {
    static constexpr auto kTable = std::to_array<Meaning>({{"A", "active"},
                                                           {"CA", "revoked"},
                                                           {"CM", "completed"},
                                                           {"DC", "revoked"},
                                                           {"ER", "entered-in-error"},
                                                           {"HD", "on-hold"},
                                                           {"IP", "active"},
                                                           {"RP", "revoked"},
                                                           {"SC", "active"}});
    return find(kTable, code, "unknown");
}

/// ORC-1, HL7 table 0119: what the order comes to by itself. RE says that results follow, no more.
std::string_view status_by_control(std::string_view code) {
    static constexpr auto kTable = std::to_array<Meaning>({{"NW", "active"},
                                                           {"OK", "active"},
                                                           {"NA", "active"},
                                                           {"XO", "active"},
                                                           {"XX", "active"},
                                                           {"RL", "active"},
                                                           {"CA", "revoked"},
                                                           {"CR", "revoked"},
                                                           {"OC", "revoked"},
                                                           {"DC", "revoked"},
                                                           {"DR", "revoked"},
                                                           {"OD", "revoked"},
                                                           {"HD", "on-hold"},
                                                           {"HR", "on-hold"},
                                                           {"OH", "on-hold"}});
    return find(kTable, code, "");
}

std::string_view status_by_results(std::string_view report) {
    static constexpr auto kTable = std::to_array<Meaning>({{"final", "completed"},
                                                           {"corrected", "completed"},
                                                           {"preliminary", "active"},
                                                           {"partial", "active"},
                                                           {"registered", "active"},
                                                           {"cancelled", "revoked"}});
    return find(kTable, report, "");
}

std::string_view raw_of(const hl7::Field& field) {
    return field.has_value() ? field.raw() : std::string_view();
}

std::string_view first_value(const hl7::Field& a, const hl7::Field& b) {
    return a.has_value() ? a.raw() : raw_of(b);
}

/// A CE or CWE in words, else its code.
std::string_view words_of(const Scope& scope, const hl7::Field& field) {
    const std::string_view words = scope.text(field.component(2));
    return words.empty() ? scope.text(field.component(1)) : words;
}

/// TXA-2, HL7 table 0270, where the message does not say it in words.
std::string_view document_type(std::string_view code) {
    static constexpr auto kTable =
        std::to_array<Meaning>({{"AR", "Autopsy report"},
                                {"CD", "Cardiodiagnostics"},
                                {"CN", "Consultation"},
                                {"DI", "Diagnostic imaging"},
                                {"DS", "Discharge summary"},
                                {"ED", "Emergency department report"},
                                {"HP", "History and physical examination"},
                                {"OP", "Operative report"},
                                {"PC", "Psychiatric consultation"},
                                {"PH", "Psychiatric history and physical examination"},
                                {"PN", "Procedure note"},
                                {"PR", "Progress note"},
                                {"SP", "Surgical pathology"},
                                {"TS", "Transfer summary"}});
    return find(kTable, code, "");
}

/// TXA-17, HL7 table 0271, as FHIR diagnostic-report-status. TXA-19 CA: it was deleted.
std::string_view document_status(std::string_view completion, std::string_view availability) {
    static constexpr auto kTable = std::to_array<Meaning>({{"DI", "preliminary"},
                                                           {"DO", "preliminary"},
                                                           {"IN", "partial"},
                                                           {"IP", "partial"},
                                                           {"PA", "preliminary"},
                                                           {"AU", "final"},
                                                           {"LA", "final"}});
    if (availability == "CA") return "entered-in-error";
    return find(kTable, completion, "unknown");
}

bool nobody(const schemas::Practitioner& person) {
    return person.id.empty() && person.name.empty();
}

}  // namespace

OrderNumbers map_order(const Scope& scope, const hl7::Segment& orc, const hl7::Segment& obr,
                       schemas::Report& report) {
    const hl7::Segment& head = obr ? obr : orc;
    const OrderNumbers numbers{first_value(head.field(2), orc.field(2)),
                               first_value(head.field(3), orc.field(3))};
    const char component = scope.message.encoding().delimiters.component;
    report.placer = numbers.placer.substr(0, numbers.placer.find(component));
    report.filler = numbers.filler.substr(0, numbers.filler.find(component));
    report.status = report_status(raw_of(obr.field(25)));
    report.orderer = map_practitioner(scope, obr.field(16));
    if (nobody(report.orderer)) report.orderer = map_practitioner(scope, orc.field(12));
    schemas::Order& order = report.order;
    order.control = scope.text(orc.field(1));
    order.status = orc.field(5).has_value() ? order_status(orc.field(5).raw())
                                            : status_by_control(raw_of(orc.field(1)));
    if (order.status.empty()) order.status = status_by_results(report.status);
    order.department = words_of(scope, orc.field(17));
    if (order.department.empty()) order.department = scope.text(orc.field(21).component(1));
    return numbers;
}

void map_document(const Scope& scope, const hl7::Segment& txa, schemas::Report& report) {
    report.document = true;
    const hl7::Field type = txa.field(2);
    report.code.code = scope.text(type.component(1));
    report.code.display = scope.text(type.component(2));
    if (report.code.display.empty()) report.code.display = document_type(report.code.code);
    if (!report.code.code.empty()) report.code.system = "HL70270";
    report.status = document_status(raw_of(txa.field(17)), raw_of(txa.field(19)));
    report.filler = scope.text(txa.field(12).component(1));
    if (report.placer.empty()) report.placer = scope.text(txa.field(14).component(1));
    report.performer = map_practitioner(scope, txa.field(9));
    if (nobody(report.performer)) report.performer = map_practitioner(scope, txa.field(5));
    report.interpreter = map_practitioner(scope, txa.field(22));
}

std::string_view map_producer(const Scope& scope, const hl7::Segment& obx) {
    const std::string_view performing = scope.text(obx.field(23).component(1));
    return performing.empty() ? words_of(scope, obx.field(15)) : performing;
}

}  // namespace vitalog::ingest
