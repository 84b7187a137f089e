#pragma once

#include <array>
#include <random>
#include <string>
#include <string_view>

#include "benchmarks/person_topic.h"
#include "schemas/events/wearable.h"

// Encoded `person` records of wearable batches, as identity writes them: six measures, one sample a
// minute of each.

namespace vitalog::benchmarks {

inline constexpr std::size_t kSamplesPerRecord = 20;
inline constexpr std::size_t kSamplesBefore = 60;  ///< of each measure, before the clock

struct Measure {
    std::string_view loinc, display, unit;
    int decimals;
    std::int64_t base;
    std::uint64_t spread;
};
inline constexpr std::array<Measure, 6> kMeasures{{
    {"8867-4", "Heart rate", "/min", 0, 62, 25},
    {"59408-5", "Oxygen saturation (pulse oximetry)", "%", 0, 95, 5},
    {"8310-5", "Body temperature", "Cel", 1, 363, 9},
    {"9279-1", "Respiratory rate", "/min", 0, 12, 7},
    {"8480-6", "Systolic blood pressure", "mm[Hg]", 0, 112, 25},
    {"8462-4", "Diastolic blood pressure", "mm[Hg]", 0, 70, 15},
}};
inline constexpr std::size_t kSaturation = 1;
/// One person in so many has a saturation that raises an alert.
inline constexpr std::size_t kLowEvery = 1000;

/// Three threshold rules with durations, and NEWS2's of the built-in pack.
inline constexpr std::string_view kRules = R"(format: 1
pack: bench
version: 1
rules:
  - {id: saturation, version: 1, kind: threshold, problem: Low saturation, priority: medium, max_age: 24h, source: bench,
     loinc: 59408-5, unit: "%", below: 88, for: 60s, max_gap: 90s, clear: {above: 90, for: 120s}}
  - {id: rate, version: 1, kind: threshold, problem: High heart rate, priority: medium, max_age: 24h, source: bench,
     loinc: 8867-4, unit: /min, high: 130, for: 5m, clear: {high: 110, for: 5m}}
  - {id: temperature, version: 1, kind: threshold, problem: High temperature, priority: medium, max_age: 24h, source: bench,
     loinc: 8310-5, unit: Cel, high: 39.1, clear: {high: 38}}
)";

class SamplesInput {
  public:
    SamplesInput(StageHarness& harness, std::uint64_t seed) : topic_(harness), random_(seed) {}

    void controls() {
        topic_.rules("bench.yaml", std::string(kRules), kStart * 1000);
        topic_.builtin_rules("acute-ward.yaml", kStart * 1000);
    }
    /// An hour of all measures.
    void hour(std::size_t person) {
        begin(person);
        for (std::size_t m = 0; m < kMeasures.size(); ++m) series(person, m, 0, kSamplesBefore);
        end(person, kSamplesBefore);
    }
    /// The next batch of one measure; `round` counts the batches of that measure after the hour.
    void batch(std::size_t person, std::size_t measure, std::size_t round) {
        const std::size_t from = kSamplesBefore + round * kSamplesPerRecord;
        begin(person);
        series(person, measure, from, kSamplesPerRecord);
        end(person, from + kSamplesPerRecord);
    }
    void flush() { topic_.flush(); }

    static std::string person_id(std::size_t person) {
        return IdHash().part("person").part(static_cast<std::int64_t>(person)).finish().to_string();
    }

  private:
    static constexpr std::int64_t kStart = 1'700'000'000'000;
    static constexpr std::int64_t kMinute = 60'000;

    void begin(std::size_t person) {
        record_.event.series.clear();
        id_ = person_id(person);
        record_.person = id_;
        record_.event.identifiers = {{"HUAWEI", "1000001", {}}};
        record_.event.provider = "huawei";
    }
    void series(std::size_t person, std::size_t measure, std::size_t from, std::size_t count) {
        const Measure& m = kMeasures[measure];
        auto& series = record_.event.series.emplace_back();
        series.loinc = m.loinc;
        series.unit = m.unit;
        series.display = m.display;
        series.source = "watch";
        series.decimals = m.decimals;
        series.offset_minutes = 480;
        series.start = kStart + static_cast<std::int64_t>(person % 60) * 1000 +
                       static_cast<std::int64_t>(from) * kMinute;
        const bool low = measure == kSaturation && person % kLowEvery == 0;
        for (std::size_t i = 0; i < count; ++i) {
            series.steps.push_back(i == 0 ? 0 : kMinute);
            series.values.push_back(low ? 85
                                        : m.base + static_cast<std::int64_t>(random_() % m.spread));
        }
    }
    void end(std::size_t person, std::size_t minutes) {
        const std::int64_t received =
            (kStart + static_cast<std::int64_t>(minutes + 1) * kMinute) * 1000;
        topic_.add(person_id(person), schemas::PersonSamples::kType, schemas::encode(record_),
                   received);
    }

    PersonTopic topic_;
    std::mt19937_64 random_;
    schemas::PersonSamples record_;
    std::string id_;
};

}  // namespace vitalog::benchmarks
