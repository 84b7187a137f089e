#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/json.h"

// What intake makes of a hospital message. Views: the strings point into the decoded message or
// document.

namespace vitalog::schemas {

/// An identifier with its issuer, as in HL7 CX.
struct Identifier {
    std::string_view authority;
    std::string_view value;
    std::string_view type;  ///< HL7 table 0203 (MR, NI, ...), may be empty

    template <class V>
    void members(V& v) {
        v.required("authority", authority);
        v.required("value", value);
        v("type", type);
    }
    /// "authority|value": the key of the identifier's entity.
    std::string key() const {
        std::string key;
        key.reserve(authority.size() + 1 + value.size());
        key.append(authority).append("|").append(value);
        return key;
    }
};

struct Coding {
    std::string_view system;
    std::string_view code;
    std::string_view display;

    template <class V>
    void members(V& v) {
        v("system", system);
        v("code", code);
        v("display", display);
    }
};

/// What a message says about the person. An empty member says nothing; one listed in `cleared` was
/// sent as HL7 null ("").
struct Patient {
    std::string_view family;
    std::string_view given;
    std::optional<Date> birth_date;
    std::string_view sex;  ///< FHIR administrative-gender: male, female, other, unknown
    std::string_view phone;
    std::string_view address;
    std::optional<ZonedTime> deceased_at;
    bool deceased = false;
    bool deleted = false;  ///< the hospital deleted what it had recorded about the person (A29)
    std::vector<std::string_view> cleared;  ///< JSON names of members to forget

    template <class V>
    void members(V& v) {
        v("family", family);
        v("given", given);
        v("birth_date", birth_date);
        v("sex", sex);
        v("phone", phone);
        v("address", address);
        v("deceased_at", deceased_at);
        v("deceased", deceased);
        v("deleted", deleted);
        v("cleared", cleared);
    }
};

struct Practitioner {
    std::string_view id;
    std::string_view name;

    template <class V>
    void members(V& v) {
        v("id", id);
        v("name", name);
    }
};

/// One event in the life of an encounter (HL7 ADT), or the mention of an encounter by a result.
struct EncounterEvent {
    std::string_view visit;    ///< PV1-19, "authority|value" or the bare value; empty when not sent
    std::string_view trigger;  ///< A01, A02, ...; R01 where a result only mentions the encounter
    ZonedTime occurred;        ///< EVN-6, else EVN-2, else MSH-7
    std::string_view class_code;      ///< HL7 v3 ActCode as FHIR R4 wants it: IMP AMB EMER PRENC
                                      ///< OBSENC; else the word sent
    std::string_view location;        ///< PV1-3, components joined by ", "
    std::string_view prior_location;  ///< PV1-6
    Practitioner attending;           ///< PV1-7
    Practitioner referring;           ///< PV1-8
    Practitioner admitting;           ///< PV1-17
    std::vector<Practitioner> consulting;  ///< PV1-9
    std::string_view organisation;  ///< who cares for the patient: PV1-39, else the facility in
                                    ///< PV1-3, else MSH-4 (ADT)
    std::string_view service;       ///< PV1-10
    std::string_view disposition;   ///< PV1-36
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

/// HL7 table 0085 (OBX-11) by meaning.
enum class ObservationStatus : std::uint8_t {
    Registered,
    Preliminary,
    Final,
    Corrected,
    Deleted,
    WrongPatient,
    Cancelled,
    Unknown
};
template <>
struct EnumNames<ObservationStatus> {
    static constexpr std::array<std::string_view, 8> names{
        "registered", "preliminary",   "final",     "corrected",
        "deleted",    "wrong-patient", "cancelled", "unknown"};
};

enum class ValueKind : std::uint8_t { Missing, Quantity, Text, Coded };
template <>
struct EnumNames<ValueKind> {
    static constexpr std::array<std::string_view, 4> names{"missing", "quantity", "text", "coded"};
};

/// A document sent inside a message (HL7 ED), whose bytes stay out of the event: the blob store
/// keeps them by their SHA-256.
struct Attachment {
    std::string_view sha256;        ///< of the document's bytes, 64 hexadecimal digits
    std::int64_t size = 0;          ///< bytes
    std::string_view content_type;  ///< MIME, from ED.2 and ED.3
    std::string_view source;        ///< the feed record that holds it, "topic/partition/offset"
    std::int64_t segment = 0;       ///< which segment of the message, from 0

    template <class V>
    void members(V& v) {
        v.required("sha256", sha256);
        v.required("size", size);
        v("content_type", content_type);
        v("source", source);
        v.required("segment", segment);
    }
};

/// One OBX. `value`, `low` and `high` are in `unit` (UCUM), converted by the unit that came;
/// `raw_value`, `raw_unit` and `range` are as sent. Where the code tables number the answers of a
/// coded observable, `value` is that number and `unit` is "{answer}".
struct Observation {
    std::string_view id;      ///< identity of the result: 32 hex digits over order, codes and time
    std::string_view series;  ///< the same without the time: a correction with another time finds
                              ///< its predecessor by it
    std::string_view loinc;   ///< empty: the local code is not mapped
    Coding code;              ///< OBX-3 as sent
    ObservationStatus status = ObservationStatus::Final;
    ZonedTime effective;
    ValueKind kind = ValueKind::Missing;
    std::optional<double> value;
    std::string_view unit;
    std::string_view comparator;  ///< < <= > >=, empty for an exact value
    std::string_view text;        ///< Text and Coded: what it says
    std::string_view raw_value;
    std::string_view raw_unit;
    std::optional<double> low;
    std::optional<double> high;
    std::string_view range;
    std::string_view flags;               ///< OBX-8
    Practitioner performer;               ///< OBX-16, the responsible observer
    std::string_view producer;            ///< OBX-23, else OBX-15: the laboratory or department
    std::vector<std::string_view> notes;  ///< NTE-3 behind the OBX
    std::optional<Attachment> attachment;

    template <class V>
    void members(V& v) {
        v.required("id", id);
        v("series", series);
        v("loinc", loinc);
        v("code", code);
        v.required("status", status);
        v.required("effective", effective);
        v.required("kind", kind);
        v("value", value);
        v("unit", unit);
        v("comparator", comparator);
        v("text", text);
        v("raw_value", raw_value);
        v("raw_unit", raw_unit);
        v("low", low);
        v("high", high);
        v("range", range);
        v("flags", flags);
        v("performer", performer);
        v("producer", producer);
        v("notes", notes);
        v("attachment", attachment);
    }
};

/// What was ordered, as the result's ORC and OBR tell it: of a FHIR ServiceRequest what a reader of
/// the result needs.
struct Order {
    std::string_view control;  ///< ORC-1, HL7 table 0119
    std::string_view
        status;  ///< FHIR request-status, from ORC-5, else ORC-1, else OBR-25; empty: not said
    std::string_view
        department;  ///< ORC-17 (entering organisation), else ORC-21 (ordering facility)

    template <class V>
    void members(V& v) {
        v("control", control);
        v("status", status);
        v("department", department);
    }
};

/// One OBR, or one document (TXA), with its observations.
struct Report {
    std::string_view id;  ///< 32 hex digits over facility, filler order number else placer's, and
                          ///< OBR-4; of a document over facility and TXA-12
    std::string_view placer;
    std::string_view filler;
    Coding code;
    std::string_view status;  ///< FHIR diagnostic-report-status, from OBR-25 or TXA-17
    std::optional<ZonedTime> effective;
    std::string_view section;  ///< OBR-24
    Practitioner orderer;      ///< OBR-16, else ORC-12
    Practitioner performer;    ///< of a document: who wrote it (TXA-9, else TXA-5)
    Practitioner interpreter;  ///< OBR-32; of a document who authenticated it (TXA-22)
    Order order;
    bool document = false;                ///< from a TXA
    std::vector<std::string_view> notes;  ///< NTE-3 behind ORC and OBR
    std::vector<Observation> observations;

    template <class V>
    void members(V& v) {
        v.required("id", id);
        v("placer", placer);
        v("filler", filler);
        v("code", code);
        v("status", status);
        v("effective", effective);
        v("section", section);
        v("orderer", orderer);
        v("performer", performer);
        v("interpreter", interpreter);
        v("order", order);
        v("document", document);
        v("notes", notes);
        v("observations", observations);
    }
};

/// `subject`: one hospital message about one person.
struct ClinicalEvent {
    static constexpr std::string_view kType = "vitalog.clinical.v1";

    std::vector<Identifier> identifiers;  ///< the primary one first; its key is the record's key
    std::string_view trigger;             ///< "ORU^R01"
    std::string_view facility;            ///< MSH-4
    ZonedTime occurred;                   ///< MSH-7
    std::string_view tables;              ///< version of the code tables that decoded it
    std::optional<Patient> patient;
    std::optional<EncounterEvent> encounter;
    std::vector<Report> reports;

    template <class V>
    void members(V& v) {
        v.required("identifiers", identifiers);
        v.required("trigger", trigger);
        v("facility", facility);
        v.required("occurred", occurred);
        v("tables", tables);
        v("patient", patient);
        v("encounter", encounter);
        v("reports", reports);
    }
};

/// The head of a ClinicalEvent: what identity needs of it.
struct ClinicalHead {
    std::vector<Identifier> identifiers;

    template <class V>
    void members(V& v) {
        v.required("identifiers", identifiers);
    }
};

/// `person`: a ClinicalEvent whose person is known. As identity writes it (the event passed on
/// unread) and as care and the views read it.
struct PersonClinicalForward {
    static constexpr std::string_view kType = "vitalog.person-clinical.v1";
    std::string_view person;
    RawJson event;
    std::string_view
        waited;  ///< id of the root feed record, where the event waited until its account was bound

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("event", event);
        v("waited", waited);
    }
};
struct PersonClinical {
    static constexpr std::string_view kType = PersonClinicalForward::kType;
    std::string_view person;
    ClinicalEvent event;
    std::string_view waited;

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("event", event);
        v("waited", waited);
    }
};

}  // namespace vitalog::schemas
