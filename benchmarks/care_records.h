#pragma once

#include <array>
#include <cmath>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/ids.h"
#include "schemas/events/clinical.h"

// Encoded `person` records as identity writes them, of five results each, for the benchmarks of
// care.

namespace vitalog::benchmarks {

inline constexpr std::size_t kResultsPerRecord = 5;
inline constexpr std::size_t kRecordsBefore = 4;  ///< per person, before the clock: 20 results

struct Code {
    std::string_view loinc, display, unit;
    double low, high, mean, spread;
};
inline constexpr std::array<Code, kResultsPerRecord> kPanel{{
    {"14682-9", "Creatinine", "umol/L", 49, 92, 75, 6},
    {"2823-3", "Potassium", "mmol/L", 3.5, 5.3, 4.4, 0.35},
    {"2951-2", "Sodium", "mmol/L", 133, 146, 140, 3},
    {"14937-7", "Urea", "mmol/L", 2.5, 7.8, 5, 1},
    {"718-7", "Haemoglobin", "g/L", 115, 165, 140, 12},
}};

class Records {
  public:
    explicit Records(std::uint64_t seed) : random_(seed) {}

    /// When the results of a message were taken.
    static EventTime taken(std::size_t person, std::size_t round) {
        return EventTime(1'700'000'000'000'000 +
                         static_cast<std::int64_t>(round) * 86'400'000'000 * 3 +
                         static_cast<std::int64_t>(person % 1000) * 1'000'000);
    }
    /// One message about a person, as identity writes it. `scatter`: how many times as far apart
    /// values lie as those of the healthy.
    std::string make(std::size_t person, std::size_t round, double scatter = 1) {
        const std::string id = person_id(person);
        ids_.clear();
        ids_.reserve(2 * kResultsPerRecord + 1);
        schemas::PersonClinical record;
        record.person = id;
        record.event.identifiers = {{"MRN", "10000001", "MR"}};
        record.event.trigger = "ORU^R01";
        record.event.facility = "HOSPITAL";
        const EventTime at = taken(person, round);
        record.event.occurred = {at, 480, Precision::Second};
        auto& patient = record.event.patient.emplace();
        patient.family = "Zhang";
        patient.given = "San";
        patient.birth_date = Date{static_cast<std::int16_t>(1930 + person % 70), 5, 17};
        patient.sex = person % 2 == 0 ? "female" : "male";
        auto& report = record.event.reports.emplace_back();
        report.id = ids_.emplace_back(IdHash()
                                          .part(static_cast<std::int64_t>(person))
                                          .part(static_cast<std::int64_t>(round))
                                          .finish()
                                          .to_string());
        report.filler = "F20200501-0001";
        report.code = {"L", "UE", "UREA AND ELECTROLYTES"};
        report.status = "final";
        for (Code code : kPanel) {
            code.spread *= scatter;
            add(report, code, at, person, round);
        }
        return schemas::encode(record);
    }
    static std::string person_id(std::size_t person) {
        return IdHash().part("person").part(static_cast<std::int64_t>(person)).finish().to_string();
    }

  private:
    void add(schemas::Report& report, const Code& code, EventTime at, std::size_t person,
             std::size_t round) {
        const auto id = IdHash()
                            .part(code.loinc)
                            .part(static_cast<std::int64_t>(person))
                            .part(static_cast<std::int64_t>(round))
                            .finish();
        auto& o = report.observations.emplace_back();
        o.id = ids_.emplace_back(id.to_string());
        o.series = ids_.emplace_back(IdHash().part(id).finish().to_string());
        o.loinc = code.loinc;
        o.code = {"L", "tt-0003-01", code.display};
        o.effective = {at, 480, Precision::Second};
        o.kind = schemas::ValueKind::Quantity;
        o.value =
            std::round(std::normal_distribution<double>(code.mean, code.spread)(random_) * 100) /
            100;
        o.unit = code.unit;
        o.raw_value = "75.00";
        o.raw_unit = code.unit;
        o.low = code.low;
        o.high = code.high;
        o.range = "49 - 92";
    }

    std::mt19937_64 random_;
    std::vector<std::string> ids_;
};

}  // namespace vitalog::benchmarks
