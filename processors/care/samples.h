#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "processors/care/turn.h"
#include "processors/care/window.h"
#include "schemas/events/wearable.h"

namespace vitalog::processors::care {

// Of PersonSamples, what care reads. Members it does not name are skipped by the decoder.

struct CareSeries {
    std::string_view loinc;
    std::string_view unit;
    std::string_view display;
    std::string_view source;
    int rank = 0;
    int decimals = 0;
    std::int64_t start = 0;
    std::vector<std::int64_t> steps;
    std::vector<std::int64_t> values;
    std::vector<std::int64_t> spans;
    int offset_minutes = 0;

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
    }
};

struct CareSamplesEvent {
    std::vector<CareSeries> series;

    template <class V>
    void members(V& v) {
        v.required("series", series);
    }
};

struct CareSamples {
    static constexpr std::string_view kType = schemas::PersonSamples::kType;
    CareSamplesEvent event;

    template <class V>
    void members(V& v) {
        v.required("event", event);
    }
};

/// A sample that counts.
struct Taken {
    EventTime at;
    double value = 0;
    std::chrono::microseconds span{};  ///< that it covers up to its time
};

/// What one series of the record in hand brought: samples that were not known and that no better
/// source outranks, by time.
struct Arrival {
    const CareSeries* series = nullptr;
    std::vector<Taken> samples;
    std::optional<EventTime> before;  ///< newest sample of the measure before this record
};

/// Times further ahead of the receipt than this are a clock that is wrong.
inline constexpr auto kSampleAheadMax = std::chrono::hours(1);

/// Folds the samples of a record into the person's windows. A series that can't be used is a dead
/// letter of that item; samples older than the windows are the archive's alone. `window` is
/// scratch.
void fold_samples(Turn& turn, const CareSamplesEvent& event, Window& window,
                  std::vector<Arrival>& arrivals);

}  // namespace vitalog::processors::care
