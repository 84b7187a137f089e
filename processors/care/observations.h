#pragma once

#include <string_view>
#include <vector>

#include "processors/care/turn.h"
#include "schemas/events/clinical.h"

namespace vitalog::processors::care {

// Of PersonClinical, what care reads. Members it does not name are skipped by the decoder.

struct CareCoding {
    std::string_view display;

    template <class V>
    void members(V& v) {
        v("display", display);
    }
};

struct CareObservation {
    std::string_view id;
    std::string_view series;
    std::string_view loinc;
    CareCoding code;
    schemas::ObservationStatus status = schemas::ObservationStatus::Final;
    ZonedTime effective;
    schemas::ValueKind kind = schemas::ValueKind::Missing;
    std::optional<double> value;
    std::string_view unit;
    std::string_view comparator;
    std::optional<double> low;
    std::optional<double> high;
    std::string_view flags;

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
        v("low", low);
        v("high", high);
        v("flags", flags);
    }
};

struct CareReport {
    std::vector<CareObservation> observations;

    template <class V>
    void members(V& v) {
        v("observations", observations);
    }
};

struct CareEvent {
    ZonedTime occurred;
    std::optional<schemas::Patient> patient;
    std::optional<schemas::EncounterEvent> encounter;
    std::vector<CareReport> reports;

    template <class V>
    void members(V& v) {
        v("occurred", occurred);
        v("patient", patient);
        v("encounter", encounter);
        v("reports", reports);
    }
};

struct CareClinical {
    static constexpr std::string_view kType = schemas::PersonClinical::kType;
    CareEvent event;

    template <class V>
    void members(V& v) {
        v.required("event", event);
    }
};

/// Folds what a message says of the person. Gives what indices have to hear of; `died` is set when
/// it says that the person died and that was not known.
Occasion fold_patient(Person& person, const schemas::Patient& patient, bool& died);

/// Folds the results of a message into the person's, and says which changed. Results without a
/// LOINC code, text without a number and empty values are the archive's alone; a result that can't be used is a dead
/// letter of that item.
void fold_observations(Turn& turn, const CareEvent& event, std::vector<Touched>& touched);

}  // namespace vitalog::processors::care
