#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "benchmarks/care_records.h"
#include "benchmarks/stage_harness.h"
#include "schemas/events/control.h"

namespace vitalog::benchmarks {

inline constexpr std::int64_t kReceived = 1'700'000'000'000'000 + 20LL * 86'400'000'000;

/// Appends records with the headers that identity gives them.
class CareInput {
  public:
    CareInput(StageHarness& harness, std::uint64_t seed)
        : filler_(harness.filler(schemas::Topic::Person)), records_(seed) {}

    void control() {
        std::ifstream file(VITALOG_SOURCE_DIR "/schemas/rules/acute-core.yaml");
        const std::string pack{std::istreambuf_iterator<char>(file), {}};
        const schemas::Control control{"rules", "acute-core.yaml", "1", pack};
        add("", schemas::Control::kType, schemas::encode(control));
    }
    void clinical(std::size_t person, std::size_t round) {
        add(Records::person_id(person), schemas::PersonClinical::kType,
            records_.make(person, round));
    }
    void flush() { filler_.flush(); }

  private:
    void add(std::string_view key, std::string_view type, std::string_view value) {
        const std::string id = IdHash().part("bench").part(written_++).finish().to_string();
        headers_.clear();
        Headers::append(headers_, header::kSpecVersion, "1.0");
        Headers::append(headers_, header::kId, id);
        Headers::append(headers_, header::kType, type);
        Headers::append(headers_, header::kSource, "vitalog/identity");
        Headers::append(headers_, header::kTime, "2023-11-14T22:13:20Z");
        Headers::append(headers_, header::kContentType, "application/json");
        Headers::append(headers_, header::kRoot, id);
        Headers::append(headers_, header::kCause, id);
        Headers::append(headers_, header::kReceived, std::to_string(kReceived));
        filler_.add(key, headers_, value);
    }

    StageHarness::Filler filler_;
    Records records_;
    std::string headers_;
    std::int64_t written_ = 0;
};

}  // namespace vitalog::benchmarks
