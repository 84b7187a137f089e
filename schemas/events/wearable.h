#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "schemas/events/clinical.h"

// What intake makes of a wearable's batch: one record, many samples, through every stage.

namespace vitalog::schemas {

/// Samples of one measure from one source, in a form that is short on disk and quick to read. A
/// sample's time is `start` plus the sum of `steps` up to it; its value is `values[i]` /
/// 10^`decimals` in `unit`.
struct SampleSeries {
    std::string_view loinc;
    std::string_view unit;  ///< UCUM, as the table of measures says for this code
    std::string_view display;
    std::string_view source;  ///< which device or program took them: overlapping sources count once
    int rank =
        0;  ///< of that source for this measure: the lower has the word where sources overlap
    int decimals = 0;        ///< 0 to 6
    std::int64_t start = 0;  ///< event time of the first sample, milliseconds since the epoch
    std::vector<std::int64_t>
        steps;  ///< milliseconds since the sample before; not negative; the first is 0
    std::vector<std::int64_t> values;  ///< as many as `steps`
    std::vector<std::int64_t>
        spans;               ///< milliseconds that each value covers up to its time; empty: moments
    int offset_minutes = 0;  ///< of the zone that the device stated; UTC where it stated none
    std::int64_t clock_shift =
        0;  ///< milliseconds that were added to the device's times to repair its clock
    std::string_view clock_reason;  ///< why; empty: the times are the device's
    bool self_reported = false;     ///< typed in by the person, not sensed
    std::string_view statistic;     ///< what each value says of its span ("average", "maximum", ...;
                                    ///< "unspecified" where nothing says); empty: values as measured

    template <class V>
    void members(V& v) {
        v.required("loinc", loinc);
        v.required("unit", unit);
        v("display", display);
        v("source", source);
        v("rank", rank);
        v("decimals", decimals);
        v.required("start", start);
        v.required("steps", steps);
        v.required("values", values);
        v("spans", spans);
        v("offset_minutes", offset_minutes);
        v("clock_shift", clock_shift);
        v("clock_reason", clock_reason);
        v("self_reported", self_reported);
        v("statistic", statistic);
    }
};

/// `subject`, key: the account: one batch of one account. Its head is that of a ClinicalEvent:
/// identity reads no further.
struct SamplesEvent {
    static constexpr std::string_view kType = "vitalog.samples.v1";
    std::vector<Identifier>
        identifiers;            ///< the account alone, or the patient where the sender names one
    std::string_view provider;  ///< "open-mhealth", "huawei", "apple"
    std::string_view tables;    ///< version of the tables that decoded it
    std::vector<SampleSeries> series;
    std::vector<SampleSeries> statistics;  ///< figures over long spans: for the archive; no window,
                                           ///< index or rule reads them

    template <class V>
    void members(V& v) {
        v.required("identifiers", identifiers);
        v("provider", provider);
        v("tables", tables);
        v.required("series", series);
        v("statistics", statistics);
    }
};

/// `person`: a SamplesEvent whose person is known: as identity writes it (passed on unread), and as
/// care and the views read it.
struct PersonSamplesForward {
    static constexpr std::string_view kType = "vitalog.person-samples.v1";
    std::string_view person;
    RawJson event;
    std::string_view
        waited;  ///< id of the root feed record, where the batch waited until its account was bound

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("event", event);
        v("waited", waited);
    }
};
struct PersonSamples {
    static constexpr std::string_view kType = PersonSamplesForward::kType;
    std::string_view person;
    SamplesEvent event;
    std::string_view waited;

    template <class V>
    void members(V& v) {
        v.required("person", person);
        v.required("event", event);
        v("waited", waited);
    }
};

}  // namespace vitalog::schemas
